/** Ending single instances, and starting them again: what `stop` with a target and `start` share. */
import type { InstanceTarget } from "@propagit/protocol";
import { author } from "./author.js";
import { withHub, type HubFlags } from "./hub-call.js";
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
  const { instances } = await withHub(flags, (hub) =>
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
  if (flags.json) return printJson(instances);
  const word = request.start ? "started again" : "stopped, and kept so until `propagit start`";
  print(`${formatCount(instances.length, "instance")} ${word}\n`);
}
