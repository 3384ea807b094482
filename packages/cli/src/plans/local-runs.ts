/**
 * Runs of plans that this machine carries out without a hub: what is kept of them, and where.
 *
 *     ~/.propagit/plans/<id>/   (or PROPAGIT_HOME)
 *       run, end, lock          the journal (plan, `system/folder-journal.ts`)
 *       project                 the folder whose propagit.config has its commands
 *       asks/                   what other processes ask of who carries it out (`asks.ts`)
 *     ~/.propagit/plans/.names/<hash of a plan's name>/lock
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  loadProject,
  openFolderJournal,
  Run,
  summaryOf,
  toolBox,
  unreadableRun,
  type Commands,
  type Journal,
  type Plan,
  type RunSummary,
} from "@propagit/plan";
import { parseJson, PropagitError, quote, toPropagitError } from "@propagit/protocol";
import { lockFolder, nodeDisk, type FolderLock } from "@propagit/runtime";
import { dataFolderOf } from "../folders.js";

/** Runs that no process carries out and that are kept, the newest ones. */
const keptMax = 200;

export function plansFolder(): string {
  return dataFolderOf("plans");
}

/** A run as it is on disk. */
export interface LocalRun {
  readonly summary: RunSummary;
  /** Whether a process carries it out now. */
  readonly isCarried: boolean;
}

export class LocalRuns {
  readonly journal: Journal;
  readonly #folder: string;

  private constructor(journal: Journal, folder: string) {
    this.journal = journal;
    this.#folder = folder;
  }

  static async open(folder = plansFolder()): Promise<LocalRuns> {
    return new LocalRuns(await openFolderJournal(folder), folder);
  }

  folderOf(run: string): string {
    return join(this.#folder, run);
  }

  /** Newest first. */
  async list(): Promise<readonly LocalRun[]> {
    const heads = await this.journal.list();
    return Promise.all(
      heads.map(async ({ run, summary }) =>
        summary ? { summary, isCarried: false } : this.#look(run),
      ),
    );
  }

  /** The one run whose id begins like that. @throws NO_PLAN, AMBIGUOUS */
  async find(prefix: string): Promise<string> {
    const ids = (await this.journal.list()).map(({ run }) => run);
    if (ids.includes(prefix)) return prefix;
    const fitting = ids.filter((id) => id.startsWith(prefix));
    const [id, other] = fitting;
    if (id === undefined || prefix === "") {
      throw new PropagitError("NO_PLAN", `no plan that was carried out here begins with ${prefix}`);
    }
    if (other === undefined) return id;
    throw new PropagitError("AMBIGUOUS", `${prefix} may be ${fitting.slice(0, 5).join(" or ")}`);
  }

  /** Whether a process carries it out now. */
  async isCarried(run: string): Promise<boolean> {
    if (!(await this.journal.take(run))) return true;
    await this.journal.release(run);
    return false;
  }

  /**
   * Two runs of plans with the same name would do the same to the same hosts at the same time.
   *
   * @throws NOT_NOW when a process carries one out
   */
  async lockName(name: string): Promise<FolderLock> {
    const hash = createHash("sha256").update(name).digest("hex").slice(0, 32);
    try {
      return await lockFolder(join(this.#folder, ".names", hash));
    } catch (thrown) {
      if (!(thrown instanceof PropagitError) || thrown.code !== "DATA_IN_USE") throw thrown;
      const message = `a plan called ${quote(name)} is carried out already`;
      const hint = "see which and how far it is: propagit plans --local";
      throw new PropagitError("NOT_NOW", message, { cause: thrown, hint });
    }
  }

  async noteProject(run: string, folder: string): Promise<void> {
    await nodeDisk.writeAtomic(join(this.folderOf(run), "project"), JSON.stringify({ folder }), {
      mode: 0o600,
    });
  }

  /** What its plan uses; the project is loaded only for a command that is not ours. @throws BAD_CONFIG */
  async commandsFor(run: string, plan: Plan): Promise<Commands> {
    const stages = [...plan.stages, ...(plan.rollback ?? [])];
    const names = stages.flatMap(({ lines }) => lines.flat().map(({ command }) => command));
    const { setupCommands } = await import("../setup/commands.js");
    const ofSetup = setupCommands();
    if (names.some((name) => ofSetup.has(name))) return new Map([...toolBox, ...ofSetup]);
    const isOurs = names.every((name) => toolBox.has(name));
    const folder = isOurs ? undefined : await this.#projectOf(run);
    if (folder === undefined) return toolBox;
    const modules = { "propagit/config": await import("../config.js") };
    return (await loadProject(folder, { ours: toolBox, modules })).commands;
  }

  /** Removes the oldest of those that are over or were broken off. */
  async prune(): Promise<void> {
    let kept = 0;
    for (const { run, summary } of await this.journal.list()) {
      const isCarried = summary === undefined && (await this.#isCarriedOrUnreadable(run));
      if (!isCarried && ++kept > keptMax) await this.journal.remove(run);
    }
  }

  /** What nobody can read is for a person to look at. */
  async #isCarriedOrUnreadable(run: string): Promise<boolean> {
    return this.isCarried(run).catch(() => true);
  }

  async #projectOf(run: string): Promise<string | undefined> {
    const text = await readFile(join(this.folderOf(run), "project"), "utf8").catch(() => "");
    const folder = (parseJson(text) as { readonly folder?: unknown } | undefined)?.folder;
    return typeof folder === "string" ? folder : undefined;
  }

  async #look(run: string): Promise<LocalRun> {
    try {
      const isCarried = await this.isCarried(run);
      const { plan, events } = await this.journal.read(run);
      return { summary: summaryOf(run, new Run(plan, events)), isCarried };
    } catch (thrown) {
      const { message: reason } = toPropagitError(thrown);
      return { summary: unreadableRun(run, reason), isCarried: false };
    }
  }
}
