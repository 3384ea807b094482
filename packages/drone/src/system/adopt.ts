/**
 * Taking over what an earlier life of the drone left in `run/`. The drone may have been killed at any point
 * of a launch, so a folder is read by what it proves:
 *
 *     no readable note               what carries its PROCESS_ID is ended, the folder goes
 *     a note of another boot         it ended with the machine; nothing is signalled
 *     an app that runs               pid and start time fit: it is followed on
 *     a shim without an app yet      waited for, a moment
 *     a code in `exit`, or nothing   it has ended; what is left of it is ended
 *     a note, and no shim ever       the launch was not completed: the folder goes
 */
import { isRunning, sleep, type Clock, type Log } from "@propagit/runtime";
import type { AdoptedProcess, InstanceNote, ProcessEnd, RunningProcess } from "../world.js";
import type { LogStore } from "./log-store.js";
import { endBelongings } from "./process-group.js";
import type { KnownProcess, RunFolder } from "./run-folder.js";
import { ShimPipe } from "./shim-pipe.js";
import { describeExit, ShimProcess } from "./shim-process.js";

/** From the start of a shim to the start of its app: a few milliseconds, more on a machine that starts. */
const appStartMsMax = 5_000;
const pollMs = 10;

export interface Adopter {
  readonly clock: Clock;
  readonly log: Log;
  readonly logs: LogStore;
  readonly boot: string;
  readonly stopTimeoutMs: number;
  readonly release: (run: RunFolder) => Promise<void>;
}

/** Undefined when there is nothing to take over; then the folder is gone. */
export async function adopt(
  adopter: Adopter,
  run: RunFolder,
): Promise<(AdoptedProcess & { readonly process?: ShimProcess }) | undefined> {
  const read = await run.readNote();
  if (read === undefined) return discard(adopter, run, "it has no readable note");
  const { note, boot } = read;
  if (boot !== adopter.boot) {
    return ended(adopter, run, note, { how: "ended with the machine", code: undefined });
  }
  const state = await look(adopter.clock, run);
  switch (state.kind) {
    case "running": {
      const output = await adopter.logs.open(note, "continue");
      await output.closeDescriptor();
      const process = new ShimProcess({
        ...adopter,
        run,
        app: state.app,
        group: state.app.group,
        pipe: state.pipe,
        shimEnd: undefined,
        hasShim: state.hasShim,
        output,
        release: () => adopter.release(run),
      });
      return { note, running: process, process };
    }
    case "ended": {
      await endRest(adopter, run, state.group);
      const { code } = state;
      const end =
        code === undefined ? { how: "ended while nobody watched", code } : describeExit(code);
      return ended(adopter, run, note, end);
    }
    case "never started":
      return discard(adopter, run, "it was never started");
    default:
      return state satisfies never;
  }
}

type State =
  | {
      readonly kind: "running";
      readonly app: KnownProcess;
      readonly pipe: ShimPipe | undefined;
      readonly hasShim: boolean;
    }
  | {
      readonly kind: "ended";
      readonly code: number | undefined;
      /** Undefined when nothing proves that it is still the same one. */
      readonly group: number | undefined;
    }
  | { readonly kind: "never started" };

async function look(clock: Clock, run: RunFolder): Promise<State> {
  const pipe = ShimPipe.adopt(run.pipe);
  const state = await lookBehind(clock, run, pipe);
  if (state.kind !== "running") pipe?.leave();
  return state;
}

async function lookBehind(
  clock: Clock,
  run: RunFolder,
  pipe: ShimPipe | undefined,
): Promise<State> {
  const code = await run.readExit();
  const app = await appOf(clock, run, pipe !== undefined);
  const shim = await run.readShim();
  const hasShim = shim !== undefined && (await isRunning(shim));
  if (code !== undefined) return { kind: "ended", code, group: hasShim ? shim.pid : undefined };
  if (app === undefined) {
    if (shim === undefined) return { kind: "never started" };
    return { kind: "ended", code: await run.readExit(), group: hasShim ? shim.pid : undefined };
  }
  if ((await isRunning(app)) || (hasShim && pipe !== undefined)) {
    return { kind: "running", app, pipe, hasShim };
  }
  // It may have ended since the first look.
  return { kind: "ended", code: await run.readExit(), group: hasShim ? app.group : undefined };
}

/** Of a shim that was started a moment ago the app is about to come. */
async function appOf(
  clock: Clock,
  run: RunFolder,
  isAlive: boolean,
): Promise<KnownProcess | undefined> {
  const deadline = clock.monotonic() + appStartMsMax;
  for (;;) {
    const app = await run.readApp();
    if (app !== undefined || !isAlive || clock.monotonic() >= deadline) return app;
    if ((await run.readExit()) !== undefined) return undefined;
    await sleep(clock, pollMs);
  }
}

async function ended(
  { logs, release }: Adopter,
  run: RunFolder,
  note: InstanceNote,
  end: Pick<ProcessEnd, "how" | "code">,
): Promise<AdoptedProcess> {
  const output = await logs.open(note, "continue");
  const lastLines = await output.lastLines().catch(() => []);
  output.stop();
  await release(run);
  return { note, running: new EndedProcess({ ...end, lastLines }) };
}

/** What is not taken over must not run on: another one will be started in its place. */
export async function discard(adopter: Adopter, run: RunFolder, why: string): Promise<undefined> {
  adopter.log.warn(`instance ${run.process} of an earlier life is not taken over: ${why}`);
  await endRest(adopter, run, undefined);
  await adopter.release(run);
  return undefined;
}

async function endRest(
  { clock, stopTimeoutMs }: Adopter,
  run: RunFolder,
  group: number | undefined,
): Promise<void> {
  await endBelongings(clock, { process: run.process, group }, stopTimeoutMs);
}

class EndedProcess implements RunningProcess {
  /** Of nobody: no process has it. */
  readonly pid = 0;
  readonly ended: Promise<ProcessEnd>;

  constructor(end: ProcessEnd) {
    this.ended = Promise.resolve(end);
  }

  signal(): void {
    // Nothing is there to hear it.
  }

  async lastLines(): Promise<readonly string[]> {
    return (await this.ended).lastLines;
  }

  async remember(): Promise<void> {
    // There is no next life of it.
  }
}
