/**
 * Plans that the hub carries out: begun, looked at and asked from here; they go on whoever goes away.
 *
 *     apply PLAN --hub.plan-start--> hub, on its disk
 *            <--hub.plan-follow-- each event, from the next one on also after a lost connection
 */
import {
  placedProblem,
  planHash,
  Run,
  writePlan,
  type Plan,
  type PlanText,
  type RunAsk,
  type RunEvent,
  type RunStatus,
  type PlanReading,
} from "@propagit/plan";
import { hubCommands } from "@propagit/hub";
import {
  PropagitError,
  toPropagitError,
  type PlanSummary,
  type ToldOfPlan,
} from "@propagit/protocol";
import { nodeClock, nodeRandom, sleep, type Conversation } from "@propagit/runtime";
import { author } from "../author.js";
import { collect, withHub, type HubFlags } from "../hub-call.js";
import { interruptedExitCode, onInterrupt } from "../interrupt.js";
import { print } from "../output/print.js";
import { standardInput, type Planned } from "./planned.js";
import { outputOf, RunView } from "./run-view.js";
import { toldEnd } from "./told-end.js";

/** Until the hub is asked again that was lost. */
const againMs = 1_000;
/** A hub that is away for longer may be so for good; the plan goes on when it is back. */
export const awayMsMax = 10 * 60_000;

/** Begins a plan and tells what happens until it is over. @returns the exit code */
export async function applyOnHub(planned: Planned, flags: HubFlags): Promise<number> {
  const id = await beginOnHub(planned, flags);
  const run = new Run(planned.plan);
  const summary = await followOnHub(id, planned.plan, { ...flags, run });
  return toldEnd({ summary, run, commands: planned.commands, local: false });
}

/** @returns the run's id */
export async function beginOnHub(
  { plan, source, reading }: Pick<Planned, "plan" | "source" | "reading">,
  flags: HubFlags,
): Promise<string> {
  const wanted = nodeRandom.hex(10);
  // Two of one name would do the same to the same drones: the later one waits for its turn.
  const locks = [`plan ${plan.name}`.slice(0, lockChars)];
  const started = { ...sent(plan), by: author(), locks, id: wanted };
  return begin(wanted, () =>
    withHub(flags, (hub) => hub.call("hub.plan-start", started, callLimit)),
  ).catch((thrown: unknown) => {
    throw source ? placedRefusal({ source, reading }, thrown) : thrown;
  });
}

/** Has the hub say what it would do, when it would begin it. @throws as `beginOnHub` */
export async function checkOnHub(
  { plan, source, reading }: Pick<Planned, "plan" | "source" | "reading">,
  flags: HubFlags,
): Promise<ToldOfPlan> {
  const { told } = await withHub(flags, (hub) =>
    hub.call("hub.plan-check", sent(plan), callLimit),
  ).catch((thrown: unknown) => {
    throw source ? placedRefusal({ source, reading }, thrown) : thrown;
  });
  return told;
}

/** Of a project's own commands all is said: the hub does not know what they would say. */
function sent(plan: Plan) {
  const text = JSON.stringify(writePlan(plan, hubCommands));
  return { plan: text, file: sentAs, hash: planHash(plan) };
}

/** What the hub calls a plan that it was given. */
const sentAs = "the plan";

interface Written {
  readonly source: PlanText;
  readonly reading: PlanReading | undefined;
}

/** It knows nothing of the file: its name is in what is next, and what is said of a task has the place where that stands. */
function placedRefusal(written: Written, thrown: unknown): unknown {
  const { code, message, hint } = toPropagitError(thrown);
  const { file } = written.source;
  const isPlaced = code === "BAD_PLAN" && message.startsWith(mark);
  const [first, ...more] = isPlaced
    ? message.split("\n").map((line) => placedLine(written, line))
    : [message];
  return new PropagitError(code, [first, ...more.map((line) => `  ${line}`)].join("\n"), {
    hint: file === standardInput ? hint : hint.replaceAll(/\bFILE\b/g, file),
    cause: thrown,
  });
}

const mark = `${sentAs}: `;

function placedLine({ source, reading }: Written, line: string): string {
  return line.startsWith(mark) ? placedProblem(source, line.slice(mark.length), reading) : line;
}

interface FollowFlags extends HubFlags {
  readonly isQuiet?: boolean;
  /** Which takes what happens. */
  readonly run?: Run;
}

/** Tells what happens until it is over, unless nobody wants to hear it; ^C only looks away. */
export async function followOnHub(
  id: string,
  plan: Plan,
  { isQuiet = false, run = new Run(plan), ...flags }: FollowFlags,
): Promise<PlanSummary> {
  const view = isQuiet ? undefined : new RunView({ id, plan, run: () => run });
  const restore = onInterrupt(() => {
    view?.close();
    process.stderr.write(
      `the hub goes on with it; look: propagit plans status ${id}, end it: propagit plans stop ${id}\n`,
    );
    process.exit(interruptedExitCode);
  });
  try {
    return await followed(id, flags, (event) => {
      run.apply(event);
      if (view) tell(view, run, event);
    });
  } finally {
    restore();
    view?.close();
  }
}

const lockChars = 300;
/** Checking a long plan, and writing it, takes its time. */
const callLimit = { limitMs: 60_000 };

/** A second time when the answer was lost: then it is there already. @returns its id: that of a release is its own */
async function begin(
  wanted: string,
  start: () => Promise<{ readonly id: string }>,
): Promise<string> {
  try {
    return (await start()).id;
  } catch (thrown) {
    if (!isLost(thrown) || toPropagitError(thrown).code === "UNREACHABLE") throw thrown;
    await sleep(nodeClock, againMs);
    return start().then(
      ({ id }) => id,
      (again: unknown) => {
        if (toPropagitError(again).code !== "EXISTS") throw again;
        return wanted;
      },
    );
  }
}

function followed(
  id: string,
  flags: HubFlags,
  listener: (event: RunEvent) => void,
): Promise<PlanSummary> {
  let next = 0;
  return againWhileLost((heard) =>
    withHub(flags, (hub) =>
      hub.call(
        "hub.plan-follow",
        { id, from: next },
        {
          limitMs: 0,
          onPart: (events) => {
            heard();
            for (const { index, event } of events) {
              if (index < next) continue;
              next = index + 1;
              listener(event);
            }
          },
        },
      ),
    ),
  );
}

/**
 * Asks a hub that goes on by itself, and once more when it was lost.
 *
 * @param ask calls when it hears something
 * @param onLost each time that it is waited for
 */
export async function againWhileLost<T>(
  ask: (heard: () => void) => Promise<T>,
  onLost: () => void = () => undefined,
): Promise<T> {
  let lostAt: number | undefined;
  const heard = () => {
    lostAt = undefined;
  };
  for (;;) {
    try {
      return await ask(heard);
    } catch (thrown) {
      if (!isLost(thrown) || Date.now() - (lostAt ?? Infinity) > awayMsMax) throw thrown;
      if (lostAt === undefined) onLost();
      lostAt ??= Date.now();
      await sleep(nodeClock, againMs);
    }
  }
}

export function isLost(thrown: unknown): boolean {
  return ["LINK_LOST", "UNREACHABLE", "TIMED_OUT"].includes(toPropagitError(thrown).code);
}

/** What a task said is known when it has ended. */
function tell(view: RunView, run: Run, event: RunEvent): void {
  if (event.kind === "task-ended" || event.kind === "task-retries") {
    for (const line of outputOf(event)) view.output(run.task(event.task), line, event.at);
  }
  view.event(event);
}

/** Newest first. */
export function plansOfHub(flags: HubFlags): Promise<readonly PlanSummary[]> {
  return withHub(flags, (hub) =>
    collect(async (onPart) => (await hub.call("hub.plans", {}, { onPart })).plans),
  );
}

export function statusOfHub(id: string, all: boolean, flags: HubFlags): Promise<RunStatus> {
  return withHub(flags, (hub) => statusFrom(hub, id, all ? "all" : "notable"));
}

export async function statusFrom(
  hub: Conversation,
  id: string,
  tasks: "all" | "notable",
): Promise<RunStatus> {
  const stages: RunStatus["stages"][number][] = [];
  const onPart = (part: RunStatus["stages"]) => void stages.push(...part);
  const { plan, stages: last } = await hub.call("hub.plan-status", { id, tasks }, { onPart });
  return { ...plan, stages: [...stages, ...last] };
}

/** @throws NO_PLAN, AMBIGUOUS, NOT_NOW, DENIED */
export async function askHub(id: string, ask: RunAsk, flags: HubFlags): Promise<void> {
  const asked = await withHub(flags, (hub) =>
    hub.call("hub.plan-ask", { id, ask, by: author() }, callLimit),
  );
  print(`${asked.id}: ${askedWords(ask)}\n`);
}

/** What follows from it, for whoever asked. */
export function askedWords(ask: RunAsk): string {
  switch (ask.kind) {
    case "pause":
      return "nothing new begins; what is under way finishes";
    case "resume":
      return "it goes on";
    case "stop": {
      const rest = ask.now ? "is ended" : "finishes";
      const undo = ask.undo ? ", and what was done and can be is taken back" : "";
      return `nothing new begins; what is under way ${rest}${undo}`;
    }
    case "skip-wait":
      return "it waits no longer";
    case "approve":
      return "approved";
    case "retry":
      return "what failed or never ran is tried again";
    default:
      return ask satisfies never;
  }
}
