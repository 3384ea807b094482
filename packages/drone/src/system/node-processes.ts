/** Processes of the machine, each under a shim in a group of its own, writing into its own file. */
import { join } from "node:path";
import { PropagitError, toPropagitError } from "@propagit/protocol";
import { nodeDisk, type Clock, type Log } from "@propagit/runtime";
import type { AdoptedProcess, LaunchRequest, Processes, RunningProcess } from "../world.js";
import { adopt, discard } from "./adopt.js";
import { bootId } from "./boot-id.js";
import { Gate } from "../gate.js";
import { Limiter } from "./limits.js";
import type { InstanceOutput } from "./log-output.js";
import type { LogStore } from "./log-store.js";
import { endBelongings } from "./process-group.js";
import { endOldLedger } from "./process-ledger.js";
import { RunFolder, type KnownProcess } from "./run-folder.js";
import { spawnShim, type ShimRequest } from "./shim.js";
import { ShimPipe } from "./shim-pipe.js";
import { describeExit, ShimProcess } from "./shim-process.js";
import { checkLaunchable } from "./shim-program.js";
import { accountOf } from "./shim-user.js";

export interface NodeProcessesOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Where output goes. */
  readonly logs: LogStore;
  /** The drone's data folder; what runs is noted in its `run`. */
  readonly folder: string;
  /** For what is left of an instance when its app has ended. */
  readonly stopTimeoutMs: number;
}

/** Folders of an earlier life that are looked at together. A guess. */
const adoptionsMax = 16;
/** From the start of the shim to the start of the app. */
const startMsMax = 20_000;

export class NodeProcesses implements Processes {
  readonly #options: NodeProcessesOptions;
  readonly #folder: string;
  readonly #limiter: Limiter;
  readonly #processes = new Set<ShimProcess>();
  readonly #boot = bootId();

  constructor(options: NodeProcessesOptions) {
    this.#options = options;
    this.#folder = join(options.folder, "run");
    this.#limiter = new Limiter(options.log);
  }

  async launch(request: LaunchRequest): Promise<RunningProcess> {
    await checkLaunchable(request);
    const account = await accountOf(request.user);
    const run = new RunFolder(this.#folder, request.note.process);
    const limits = await this.#limiter.prepare(run.process, request.limits);
    const output = await this.#options.logs.open(request.note, "begin").catch(async (thrown) => {
      await this.#release(run);
      throw toPropagitError(thrown);
    });
    try {
      await run.create(request.note, await this.#boot);
      return await this.#start({ request, run, account, limits }, output);
    } catch (thrown) {
      output.stop();
      await this.#release(run).catch(() => undefined);
      throw thrown;
    } finally {
      await output.closeDescriptor();
    }
  }

  async adopt(): Promise<readonly AdoptedProcess[]> {
    const { clock, log, folder, stopTimeoutMs: graceMs } = this.#options;
    const path = join(folder, "instances.json");
    await endOldLedger({ disk: nodeDisk, path, clock, log, graceMs });
    const gate = new Gate(adoptionsMax);
    const adopter = {
      ...this.#options,
      boot: await this.#boot,
      release: (run: RunFolder) => this.#release(run),
    };
    const found = await Promise.all(
      (await RunFolder.list(this.#folder)).map((run) =>
        gate
          .pass(new AbortController().signal, () => adopt(adopter, run))
          .catch((thrown: unknown) => discard(adopter, run, toPropagitError(thrown).message)),
      ),
    );
    const adopted = found.filter((it) => it !== undefined);
    for (const { process } of adopted) if (process) this.#keep(process);
    return adopted.map(({ note, running }) => ({ note, running }));
  }

  leave(): void {
    for (const process of this.#processes) process.leave();
    this.#processes.clear();
  }

  async #start(
    shim: Omit<ShimRequest, "output" | "pipe">,
    output: InstanceOutput,
  ): Promise<RunningProcess> {
    const { clock, stopTimeoutMs } = this.#options;
    const { run } = shim;
    const pipe = ShimPipe.create(run.pipe);
    try {
      const child = await spawnShim({
        ...shim,
        output: output.descriptor,
        pipe: pipe.writeEnd,
      });
      pipe.closeWriteEnd();
      const shimEnd = new Promise<string | undefined>((resolve) => {
        child.once("exit", (_code, signal) => resolve(signal ?? undefined));
      });
      const app = await this.#appOf(shim, pipe, child.pid, output);
      return this.#keep(
        new ShimProcess({
          clock,
          run,
          boot: await this.#boot,
          app,
          group: child.pid,
          pipe,
          shimEnd,
          hasShim: true,
          output,
          stopTimeoutMs,
          release: () => this.#release(run),
        }),
      );
    } catch (thrown) {
      pipe.leave();
      throw thrown;
    }
  }

  /** @throws DEPLOY_FAILED when there is none, with the last that its shell said */
  async #appOf(
    { run, request }: Omit<ShimRequest, "output" | "pipe">,
    pipe: ShimPipe,
    group: number,
    output: InstanceOutput,
  ): Promise<KnownProcess> {
    const { clock } = this.#options;
    await new Promise<void>((resolve) => {
      const timer = clock.after(startMsMax, resolve);
      const end = () => {
        timer.cancel();
        resolve();
      };
      pipe.onSaid(end);
      void pipe.closed.then(end);
    });
    const app = await run.readApp();
    if (app !== undefined) return app;
    const code = await run.readExit();
    await endBelongings(clock, { process: run.process, group }, 0);
    const how = code === undefined ? "its shell did not start it" : describeExit(code).how;
    const [last] = (await output.lastLines().catch(() => [])).slice(-1);
    const detail = last === undefined ? "" : `: ${last}`;
    throw new PropagitError(
      "DEPLOY_FAILED",
      `${request.command[0]} cannot be run: ${how}${detail}`,
    );
  }

  #keep(process: ShimProcess): ShimProcess {
    this.#processes.add(process);
    void process.ended.then(() => this.#processes.delete(process));
    return process;
  }

  async #release(run: RunFolder): Promise<void> {
    await run.remove();
    await this.#limiter.release(run.process);
  }
}
