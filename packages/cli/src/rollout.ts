/**
 * Carrying out a release from the command line: ask, look on, and tell how it ended. The hub goes on without
 * us once it has accepted; so a lost hub is waited for, and ^C ends the looking on only.
 */
import {
  PropagitError,
  toPropagitError,
  type Distribution,
  type RolloutProgress,
  type RolloutResult,
} from "@propagit/protocol";
import { nodeClock, sleep, type Conversation } from "@propagit/runtime";
import { Option, type Command } from "commander";
import { withHub, type HubFlags } from "./hub-call.js";
import { endOnInterrupt, interruptedExitCode, onInterrupt } from "./interrupt.js";
import { openLogPrinter } from "./output/log-lines.js";
import { replayFilter } from "./output/replay.js";
import { endError } from "./output/rollout-end.js";
import type { Accepted } from "./output/rollout-record.js";
import { openRolloutView, type RolloutView } from "./output/rollout-view.js";
import { inEnvironment } from "./output/route.js";

export interface RolloutFlags extends HubFlags {
  readonly json?: boolean;
  readonly detach?: boolean;
  readonly follow?: boolean;
  readonly drones?: boolean;
}

export interface RolloutRequest {
  /** Undefined: there was nothing to carry out. */
  readonly ask: (
    hub: Conversation,
    options: { limitMs: number; onPart: (part: RolloutProgress) => void },
  ) => Promise<RolloutResult | undefined>;
  /** Asking twice is the same as asking once: a hub that was lost before it accepted is asked again. */
  readonly isRepeatable: boolean;
  /** It was asked for before: what is told first has happened already. */
  readonly isPast?: boolean;
  /** Ends that are what was wanted, although a deploy would call them a failure. */
  readonly isFine?: (result: RolloutResult) => boolean;
}

/** `--json`, `--detach`, `--drones` and, with `follow`, `--follow`. */
export function withRolloutFlags(command: Command, options: { follow?: boolean } = {}): Command {
  command
    .option("--detach", "end when the hub has accepted it; it goes on by itself")
    .option("--drones", "on a terminal, while the commit travels, a line for each drone")
    .option("--json", "a line of JSON for each step, the result last");
  if (!options.follow) return command;
  return command.addOption(
    new Option("--follow", "when it is ready, print its output until ^C").conflicts("detach"),
  );
}

/** Carries it out and returns how it ended, when it ended well. @throws how it failed */
export async function carryOut(
  flags: RolloutFlags,
  request: RolloutRequest,
): Promise<RolloutResult | undefined> {
  const view = openRolloutView({
    json: flags.json ?? false,
    isPast: request.isPast ?? false,
    isPerDrone: flags.drones ?? false,
  });
  const stopListening = onInterrupt(() => leave(view));
  let result: RolloutResult | undefined;
  try {
    result = await lookOn(flags, request, view);
  } catch (thrown) {
    view.end(undefined);
    throw thrown;
  } finally {
    stopListening();
  }
  view.end(result);
  if (!result && view.record.accepted && !flags.json)
    process.stdout.write(goesOn(view.record.accepted));
  const isFine = result !== undefined && request.isFine?.(result) === true;
  const error = result && !isFine ? endError(result, view.record.workPhase) : undefined;
  if (error) throw error;
  if (result && flags.follow) await followOutput(flags, result, view.record.accepted?.at);
  return result;
}

/** ^C ends the looking on, not the rollout, once the hub has accepted it. */
function leave(view: RolloutView): never {
  view.end(undefined);
  const { accepted } = view.record;
  const where = accepted
    ? goesOn(accepted)
    : "the hub has not answered yet; see `propagit releases REPO`\n";
  process.stderr.write(`\n${where}`);
  process.exit(interruptedExitCode);
}

function goesOn({ repo, environment, release }: Accepted): string {
  const flag = inEnvironment(environment) === "" ? "" : ` -e ${environment}`;
  return (
    `the deploy goes on; look at it with: propagit follow ${repo} ${release}${flag}\n` +
    `or put everything back with: propagit cancel ${repo} ${release}${flag}\n`
  );
}

/** Time for a hub that was lost during a deploy to come back; it resumes what it accepted. */
const hubBackMsMax = 30_000;
const hubBackPauseMs = 500;

async function lookOn(
  flags: RolloutFlags,
  request: RolloutRequest,
  view: RolloutView,
): Promise<RolloutResult | undefined> {
  let deadline: number | undefined;
  const replay = replayFilter();
  const hear = (part: RolloutProgress) => {
    deadline = undefined;
    if (replay.isNew(part)) view.show(part);
  };
  for (;;) {
    try {
      return await withHub(flags, (hub) => {
        const onPart = (part: RolloutProgress) => {
          hear(part);
          if (part.kind === "accepted" && !flags.detach) lookAtTravel(hub, part, view);
        };
        return askOrFollow(hub, flags, { request, view, onPart });
      });
    } catch (thrown) {
      const error = toPropagitError(thrown);
      const isAsked = view.record.accepted !== undefined || deadline !== undefined;
      if (!isLost(error, isAsked) || nodeClock.monotonic() > (deadline ?? Infinity)) throw thrown;
      if (!view.record.accepted && !request.isRepeatable) throw unsure(error);
      if (deadline === undefined) {
        view.remark("the hub was lost on the way; waiting for it to come back");
        deadline = nodeClock.monotonic() + hubBackMsMax;
      }
      replay.begin();
      await sleep(nodeClock, hubBackPauseMs);
    }
  }
}

/** How its bytes travel, when there is something to see; a hub that cannot say is none the worse. */
function lookAtTravel(
  hub: Conversation,
  { repo, environment, release }: Accepted,
  view: RolloutView,
): void {
  const onPart = (distribution: Distribution) => view.showTravel(distribution);
  const place = { repo, environment, release };
  hub.call("hub.distribution", place, { limitMs: 0, onPart }).catch(() => undefined);
}

interface Looking {
  readonly request: RolloutRequest;
  readonly view: RolloutView;
  readonly onPart: (part: RolloutProgress) => void;
}

/** Asks, or follows what was accepted before the hub was lost; with `--detach` until it is accepted. */
async function askOrFollow(
  hub: Conversation,
  flags: RolloutFlags,
  { request, view, onPart }: Looking,
): Promise<RolloutResult | undefined> {
  const { accepted } = view.record;
  if (accepted) {
    if (flags.detach) return undefined;
    const { repo, environment, release } = accepted;
    return hub.call("hub.follow", { repo, environment, release }, { limitMs: 0, onPart });
  }
  if (!flags.detach) return request.ask(hub, { limitMs: 0, onPart });
  return new Promise((resolve, reject) => {
    const untilAccepted = (part: RolloutProgress) => {
      onPart(part);
      if (part.kind === "accepted") resolve(undefined);
    };
    request.ask(hub, { limitMs: 0, onPart: untilAccepted }).then(resolve, reject);
  });
}

/** Before it was asked at all, an unreachable hub is simply not there. */
function isLost({ code }: PropagitError, isAsked: boolean): boolean {
  return code === "LINK_LOST" || (isAsked && (code === "UNREACHABLE" || code === "TIMED_OUT"));
}

function unsure(error: PropagitError): PropagitError {
  return new PropagitError("LINK_LOST", `${error.message}; it may have been accepted`, {
    hint: "see whether it was before you ask again: propagit releases REPO",
    cause: error,
  });
}

/** Output of the instances of a release, from its beginning, until ^C. */
async function followOutput(
  flags: RolloutFlags,
  { repo, environment, release }: RolloutResult,
  since: number | undefined,
): Promise<void> {
  const query = { repo, environment, release, follow: true, ...(since !== undefined && { since }) };
  const onPart = openLogPrinter(flags);
  endOnInterrupt();
  await withHub(flags, (hub) => hub.call("hub.logs", query, { limitMs: 0, onPart }));
}
