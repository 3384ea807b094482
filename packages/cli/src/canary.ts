/**
 * Looking on at a rollout by steps: the hub goes on without us, so a hub that is lost is waited for, and ^C
 * ends the looking on only.
 */
import {
  PropagitError,
  toPropagitError,
  type Canary,
  type CanaryProgress,
} from "@propagit/protocol";
import { nodeClock, sleep, type Conversation } from "@propagit/runtime";
import { withHub, type HubFlags } from "./hub-call.js";
import { interruptedExitCode, onInterrupt } from "./interrupt.js";
import { openCanaryView, type CanaryView } from "./output/canary-view.js";
import { inEnvironment } from "./output/route.js";

export interface CanaryFlags extends HubFlags {
  readonly json?: boolean;
}

export interface CanaryPlace {
  readonly repo: string;
  readonly environment?: string;
}

type Ask = (
  hub: Conversation,
  options: { limitMs: number; onPart: (part: CanaryProgress) => void },
) => Promise<Canary>;

/** Time for a hub that was lost to come back; it resumes what it accepted. */
const hubBackMsMax = 30_000;
const hubBackPauseMs = 500;

/** Looks on until it is over. @throws ROLLOUT_ENDED when it did not end with all visitors there */
export async function lookOnAtCanary(
  flags: CanaryFlags,
  place: CanaryPlace,
  ask: Ask,
): Promise<void> {
  const view = openCanaryView({ json: flags.json ?? false });
  const stopListening = onInterrupt(() => leave(view, place));
  let canary: Canary | undefined;
  try {
    canary = await untilOver(flags, place, ask, view);
  } finally {
    stopListening();
    view.end(canary);
  }
  const error = endError(canary);
  if (error) throw error;
}

/** What its end means to whoever waited for it; undefined when all visitors go there, or it goes on. */
export function endError({ end, repo, release }: Canary): PropagitError | undefined {
  if (!end || end.outcome === "promoted") return undefined;
  const what = `the rollout of release ${release} of ${repo}`;
  const how = {
    aborted: "was taken back",
    ended: "came to an end",
    failed: "failed",
  } as const;
  return new PropagitError("ROLLOUT_ENDED", `${what} ${how[end.outcome]}: ${end.reason}`);
}

async function untilOver(
  flags: CanaryFlags,
  place: CanaryPlace,
  first: Ask,
  view: CanaryView,
): Promise<Canary> {
  const follow: Ask = (hub, options) => hub.call("hub.canary", { ...place, follow: true }, options);
  let deadline: number | undefined;
  const onPart = (part: CanaryProgress) => {
    deadline = undefined;
    view.show(part);
  };
  for (;;) {
    // Asked for once more it would be another one if the first is over meanwhile.
    const ask = view.canary ? follow : first;
    try {
      return await withHub(flags, (hub) => ask(hub, { limitMs: 0, onPart }));
    } catch (thrown) {
      const error = toPropagitError(thrown);
      const isAsked = view.canary !== undefined || deadline !== undefined;
      const isLost = ["LINK_LOST", ...(isAsked ? ["UNREACHABLE", "TIMED_OUT"] : [])];
      const isLate = nodeClock.monotonic() > (deadline ?? Infinity);
      if (!isLost.includes(error.code) || isLate) throw thrown;
      if (deadline === undefined) {
        view.remark("the hub was lost on the way; waiting for it to come back");
        deadline = nodeClock.monotonic() + hubBackMsMax;
      }
      await sleep(nodeClock, hubBackPauseMs);
    }
  }
}

function leave(view: CanaryView, place: CanaryPlace): never {
  view.end(undefined);
  const where = view.canary ? goesOn(place) : "the hub has not answered yet\n";
  process.stderr.write(`\n${where}`);
  process.exit(interruptedExitCode);
}

export function goesOn({ repo, environment }: CanaryPlace): string {
  const isSaid = environment !== undefined && inEnvironment(environment) !== "";
  const flag = isSaid ? ` -e ${environment}` : "";
  return (
    `the rollout goes on; look at it with: propagit rollout status ${repo}${flag} --follow\n` +
    `or take it back with: propagit rollout abort ${repo}${flag}\n`
  );
}
