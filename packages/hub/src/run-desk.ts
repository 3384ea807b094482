/** `hub.run`: commands that run to their end beside, or inside, the instances of a release. */
import {
  PropagitError,
  quote,
  toPropagitError,
  type Params,
  type Result,
  type Telling,
} from "@propagit/protocol";
import { sleep, type Conversation, type IncomingCall } from "@propagit/runtime";
import type { ReleaseRow } from "./core/rows.js";
import { chooseAsked } from "./core/run-asked.js";
import type { ChosenRun, RunChoice } from "./core/run-choice.js";
import { runEvent } from "./core/run-event.js";
import { releaseToRun } from "./deployed.js";
import { byName } from "./fleet-view.js";
import type { Fleet } from "./fleet.js";
import { inParallel } from "./in-parallel.js";
import type { Ledger } from "./ledger.js";
import { RunStream, type StreamTelling } from "./run-stream.js";
import type { HubWorld } from "./world.js";

type RunParams = Params<"hub.run">;
type RunCall = IncomingCall<"hub.run">;

/** Drones that run it at a time, when nothing is typed into it: each may be 1 MiB ahead of the caller. */
const runsAtOnce = 24;
/** Bytes on their way to the caller above which no other drone begins. */
const bufferedBytesMax = 4 * 1024 * 1024;
const drainMs = 50;
const streamChars = 32;

export class RunDesk {
  readonly #world: HubWorld;
  readonly #ledger: Ledger;
  readonly #fleet: Fleet;
  /** By the conversation that started them, which alone may feed them, and by its name for them. */
  readonly #streams = new WeakMap<Conversation, Map<string, RunStream>>();

  constructor(world: HubWorld, ledger: Ledger, fleet: Fleet) {
    this.#world = world;
    this.#ledger = ledger;
    this.#fleet = fleet;
  }

  /** @throws BAD_USAGE, BAD_NAME, NOT_DEPLOYED, NO_RELEASE, NO_SERVICE, NO_INSTANCE, NO_PLACE, … */
  async run(params: RunParams, call: RunCall): Promise<Result<"hub.run">> {
    if (params.command.length === 0) throw new PropagitError("BAD_USAGE", "there is no command");
    const streams = this.#streamsOf(call.conversation);
    if (streams.has(params.stream)) {
      throw new PropagitError("BAD_USAGE", `the stream ${quote(params.stream)} is in use`);
    }
    // Before anything is waited for: what is typed at once must find it.
    const stream = new RunStream(this.#fleet, this.#world.random.hex(streamChars));
    streams.set(params.stream, stream);
    try {
      const release = await releaseToRun(this.#world, this.#ledger, params);
      const choice = this.#choose(params, release);
      if (choice.runs.length > 0) this.#ledger.note(runEvent(release, params, choice.runs));
      return await this.#runAll(params, { release, choice, stream, call });
    } finally {
      streams.delete(params.stream);
    }
  }

  input({ stream, data }: Telling<"run.input">, from: Conversation): void {
    this.#tell(from, stream, { telling: "run.input", params: { data } });
  }

  resize({ stream, columns, rows }: Telling<"run.resize">, from: Conversation): void {
    this.#tell(from, stream, { telling: "run.resize", params: { columns, rows } });
  }

  signal({ stream, signal }: Telling<"run.signal">, from: Conversation): void {
    this.#tell(from, stream, { telling: "run.signal", params: { signal } });
  }

  taken({ stream, bytes }: Telling<"run.taken">, from: Conversation): void {
    this.#streams.get(from)?.get(stream)?.taken(bytes);
  }

  /** What names no stream of that conversation is dropped: it may have ended a moment ago. */
  #tell(from: Conversation, stream: string, telling: StreamTelling): void {
    this.#streams.get(from)?.get(stream)?.tell(telling);
  }

  #streamsOf(conversation: Conversation): Map<string, RunStream> {
    const known = this.#streams.get(conversation);
    if (known) return known;
    const fresh = new Map<string, RunStream>();
    this.#streams.set(conversation, fresh);
    return fresh;
  }

  async #runAll(
    params: RunParams,
    run: { release: ReleaseRow; choice: RunChoice; stream: RunStream; call: RunCall },
  ): Promise<Result<"hub.run">> {
    const { choice, stream } = run;
    const runs: Result<"hub.run">["runs"] = [];
    const failed = [...choice.failed];
    // What is typed goes to all of them, so all of them must have begun.
    const atOnce = params.input ? choice.runs.length : runsAtOnce;
    const done = inParallel(choice.runs, atOnce, async (one) => {
      try {
        await this.#drained(params, run.call);
        runs.push(await this.#runOn(params, one, run));
      } catch (thrown) {
        failed.push({ drone: one.drone, reason: toPropagitError(thrown).message });
      }
    });
    stream.opened();
    await done;
    return { runs: byDrone(runs), failed: byDrone(failed) };
  }

  /** What a drone wrote that has ended is on its way still; somebody who types waits for nobody. */
  async #drained({ input }: RunParams, { conversation, signal }: RunCall): Promise<void> {
    if (input) return;
    while (conversation.bufferedBytes > bufferedBytesMax && !signal.aborted) {
      await sleep(this.#world.clock, drainMs);
    }
  }

  async #runOn(
    params: RunParams,
    { identity, drone, process }: ChosenRun,
    { release, stream, call }: { release: ReleaseRow; stream: RunStream; call: RunCall },
  ): Promise<Result<"drone.run">> {
    const { service, command, env, terminal, input } = params;
    const { deployment, repo, environment, commit, number } = release;
    const row = this.#ledger.rows("deployments").get(deployment);
    const artifact = row?.artifact ?? release.artifact ?? commit;
    const what = { deployment, repo, environment, commit, artifact, release: number };
    const how = {
      ...(service !== undefined && { service }),
      ...(process !== undefined && { process }),
      ...(terminal && { terminal }),
    };
    const started = this.#fleet.call(
      identity,
      "drone.run",
      { stream: stream.id, ...what, ...how, command, env, input },
      {
        limitMs: 0,
        signal: call.signal,
        onPart: (part) => {
          call.part({ ...part, drone });
          stream.said(identity, part);
        },
      },
    );
    stream.began(identity);
    try {
      return { ...(await started), drone };
    } finally {
      stream.ended(identity);
    }
  }

  /** @throws BAD_USAGE, NO_PLACE, NO_INSTANCE, NO_SERVICE, BAD_PATTERN */
  #choose(params: RunParams, release: ReleaseRow): RunChoice {
    const members = byName(this.#fleet.members).filter(({ contact }) => contact !== "left");
    const choice = chooseAsked(this.#ledger, members, { ...params, of: release });
    if (params.terminal && choice.runs.length > 1) {
      throw new PropagitError(
        "BAD_USAGE",
        `${choice.runs.length} drones fit; a terminal is for one`,
        {
          hint: "name one drone, or run it without a terminal",
        },
      );
    }
    return choice;
  }
}

function byDrone<T extends { readonly drone: string }>(items: readonly T[]): T[] {
  return items.toSorted((left, right) => (left.drone < right.drone ? -1 : 1));
}
