/** Puts limits on an instance, as far as the machine has the means. */
import { readFile } from "node:fs/promises";
import { PropagitError, type Limits } from "@propagit/protocol";
import type { Log } from "@propagit/runtime";
import { planLimits } from "../core/limit-plan.js";
import { ControlGroups } from "./limits-cgroup.js";

export class Limiter {
  readonly #log: Log;
  /** Found when the first limit is asked for. */
  #groups: Promise<ControlGroups> | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * Lines for the app's shell that put the limits on it.
   *
   * @throws NO_LIMIT when one cannot be enforced, and it is not said to be only wished for
   */
  async prepare(process: string, limits: Limits | undefined): Promise<readonly string[]> {
    if (limits === undefined) return [];
    this.#groups ??= ControlGroups.find();
    const groups = await this.#groups;
    const abilities = { ...groups.abilities, filesMax: await filesMax() };
    const plan = planLimits(limits, abilities);
    if (plan.missing.length > 0) this.#refuse(limits, plan.missing);
    const files = plan.files === undefined ? [] : [`ulimit -n ${plan.files}`];
    try {
      return [...(await groups.create(process, plan)), ...files];
    } catch (thrown) {
      await groups.remove(process);
      this.#refuse(limits, [`its control group (${String(thrown)})`]);
      return files;
    }
  }

  /** Once nothing of the instance is left. */
  async release(process: string): Promise<void> {
    // Groups of an earlier life are tidied up when groups are looked for, which nobody does without need.
    await (await this.#groups)?.remove(process);
  }

  #refuse({ otherwise }: Limits, missing: readonly string[]): void {
    const text = `this machine cannot enforce the limit on ${missing.join(", nor on ")}`;
    if (otherwise === "refuse") throw new PropagitError("NO_LIMIT", text);
    this.#log.warn(text);
  }
}

/** The drone's own hard limit, which only root may go beyond. */
async function filesMax(): Promise<number | undefined> {
  if (process.getuid?.() === 0) return undefined;
  const text = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(text)?.[1];
  return hard === undefined ? undefined : Number(hard);
}
