/** Ending single instances, and starting them again: what `stop` with a target and `start` share. */
import { PropagitError, type InstanceTarget, type Result } from "@propagit/protocol";
import { author } from "./author.js";
import { withHub, type HubFlags } from "./hub-call.js";
import { formatFailed } from "./output/failed-instances.js";
import { print, printJson } from "./output/print.js";
import { formatProgress } from "./output/progress.js";
import { formatCount } from "./output/quantity.js";

interface HoldRequest {
  readonly target: InstanceTarget;
  /** Start again what was ended. */
  readonly start: boolean;
  readonly force: boolean;
}

export async function hold(
  request: HoldRequest,
  flags: HubFlags & { readonly json?: boolean },
): Promise<void> {
  const result = await withHub(flags, (hub) =>
    hub.call(
      "hub.hold",
      { ...request, by: author() },
      {
        limitMs: 0,
        onPart: (progress) => {
          if (!flags.json) print(formatProgress(progress));
        },
      },
    ),
  );
  const { instances, failed = [] } = result;
  if (flags.json) printJson(instances);
  if (failed.length > 0) throw failure(request, result);
  if (flags.json) return;
  const word = request.start ? "started again" : "stopped, and kept so until `propagit start`";
  print(`${formatCount(instances.length, "instance")} ${word}\n`);
}

function failure(
  { start, target: { repo } }: HoldRequest,
  { instances, failed = [] }: Result<"hub.hold">,
): PropagitError {
  const all = formatCount(instances.length + failed.length, "instance");
  const what = start ? "not ready again" : "not stopped";
  const message = `${failed.length} of ${all} ${failed.length === 1 ? "is" : "are"} ${what}: ${formatFailed(failed)}`;
  if (!start) return new PropagitError("STOP_FAILED", message);
  const where = repo === undefined ? "" : ` ${repo}`;
  const hint = `see why with: propagit logs${where}`;
  return new PropagitError("COMMAND_FAILED", message, { hint });
}
