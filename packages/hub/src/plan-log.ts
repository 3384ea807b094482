/** `hub.plan-log`: what happened to a plan, also in the parts of it that relays carry out, as far as was heard. */
import { sendPieces, toPropagitError, type Params, type Result } from "@propagit/protocol";
import {
  flatParts,
  partsOf,
  Run,
  type Commands,
  type Journal,
  type PlanEngine,
  type PlanPart,
  type RunEvent,
} from "@propagit/plan";
import type { Handlers, IncomingCall } from "@propagit/runtime";
import { runSoFar } from "./plan-past.js";
import { mergedLog, type RunLog } from "./core/merged-log.js";

export interface PlanLogParts {
  /** @throws UNREACHABLE while they are read */
  readonly runs: () => Pick<PlanEngine, "find" | "plan" | "follow" | "list">;
  /** What was heard of parts. */
  readonly heard: Pick<Journal, "read">;
  readonly commands: Commands;
}

export class PlanLog {
  readonly #parts: PlanLogParts;

  constructor(parts: PlanLogParts) {
    this.#parts = parts;
  }

  readonly handlers: Handlers = {
    "hub.plan-log": (params, call) => this.#log(params, call),
  };

  async #log(
    { id, seen, eventsMax }: Params<"hub.plan-log">,
    { part }: IncomingCall<"hub.plan-log">,
  ): Promise<Result<"hub.plan-log">> {
    const { commands } = this.#parts;
    const runs = this.#parts.runs();
    const run = runs.find(id);
    // Before its events: what is over then is told whole.
    const isOver = runs.list().some((one) => one.run === run && one.state === "over");
    const { plan, events: own } = await runSoFar(runs, run);
    const logs: RunLog[] = [{ id: run, run: new Run(plan, own), events: own }];
    for (const handedOn of flatParts(partsOf(run, plan, commands))) {
      logs.push(await this.#heardOf(handedOn));
    }
    const known = new Map(seen.map((one) => [one.run, one.events]));
    const { events, leftOut } = mergedLog(logs, { seen: known, eventsMax });
    return { run, leftOut, isOver, events: sendPieces(events, part) };
  }

  async #heardOf({ run: id, relay, plan }: PlanPart): Promise<RunLog> {
    const events = await this.#parts.heard.read(id).then(
      (read) => read.events,
      (thrown: unknown): readonly RunEvent[] => {
        // Nothing was heard of it yet, or it is too long ago.
        if (toPropagitError(thrown).code !== "NO_PLAN") throw thrown;
        return [];
      },
    );
    return { id, relay, run: new Run(plan, events), events };
  }
}
