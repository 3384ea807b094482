/**
 * One push from the hub's side: git's hooks ask whether it may be, and tell when it is done; whoever pushed
 * then watches what comes of it, until the end or until he has gone.
 */
import {
  parseCommitHash,
  PropagitError,
  toPropagitError,
  type CommitHash,
  type RepoName,
} from "@propagit/protocol";
import { aborted, type Log } from "@propagit/runtime";
import { judgeBuildPush } from "../core/build-push.js";
import type { IncomingPush, PushDesk } from "../push-desk.js";
import { readFiles, type Git } from "./git-history.js";
import { pointHead } from "./git-refs.js";
import type { GitRepositories } from "./git-repositories.js";
import type { HookCall } from "./push-hooks.js";

export interface GitPushOptions {
  readonly repositories: GitRepositories;
  readonly desk: Pick<PushDesk, "judge" | "accepted">;
  readonly log: Log;
  readonly repo: RepoName;
  /** The user name that git gave, which nobody checks. */
  readonly by: string;
  /** A drone pushes what it built, and nothing else. */
  readonly isDrone: boolean;
  /** Aborted when whoever pushed has gone, or the hub ends. */
  readonly signal: AbortSignal;
  /** Whether he is shown what is said, as every git of the last ten years does. */
  readonly isShown: () => boolean;
  /** It is taken: from here on it is only watched. */
  readonly taken: () => void;
}

export class GitPush {
  readonly #options: GitPushOptions;
  #failure: string | undefined;

  constructor(options: GitPushOptions) {
    this.#options = options;
  }

  /** What failed after the push was taken, for git's exit code; undefined when nothing did. */
  get failure(): string | undefined {
    return this.#failure;
  }

  async answer(call: HookCall): Promise<void> {
    try {
      if (call.question.hook === "pre-receive") call.end(await this.#judge(call));
      else await this.#accepted(call);
    } catch (thrown) {
      const { code, message, hint } = toPropagitError(thrown);
      if (code === "INTERNAL") this.#options.log.warn(`a push failed: ${String(thrown)}`);
      call.say(`error: ${message}${hint === "" ? "" : `\nhint: ${hint}`}`);
      call.end(false);
    }
  }

  async #judge(call: HookCall): Promise<boolean> {
    const { desk, isDrone } = this.#options;
    const refusal = isDrone ? await this.#judgeBuild(call) : await desk.judge(this.#describe(call));
    for (const line of refusal) call.say(line);
    if (refusal.length > 0) return false;
    await this.#keepFormer(call);
    return true;
  }

  /** Before any branch moves, so that there is no moment in which nothing holds where it was. */
  async #keepFormer({ question }: HookCall): Promise<void> {
    const { repositories, repo } = this.#options;
    const git = this.#gitIn(question.quarantine);
    await repositories.kept.keepFormer(repo, question.changes, { git, now: Date.now() });
  }

  async #judgeBuild({ question }: HookCall): Promise<readonly string[]> {
    const git = this.#gitIn(question.quarantine);
    const parents = new Map<string, string>();
    for (const { newId } of question.changes) {
      if (newId === undefined) continue;
      const { stdout } = await git(["rev-parse", "--verify", "--quiet", `${newId}^`]);
      parents.set(newId, stdout.trim());
    }
    return judgeBuildPush(question.changes, parents);
  }

  async #accepted(call: HookCall): Promise<void> {
    const { repositories, desk, repo, isDrone, signal, isShown, taken } = this.#options;
    if (isDrone) return call.end(true);
    await pointHead(repositories, repo, call.question.changes);
    const watching = desk.accepted(this.#describe(call), { say: call.say, signal });
    taken();
    // Who has gone, or cannot be shown anything, is not waited for; the deploy goes on.
    watching.catch(() => undefined);
    const over = aborted(signal).then(() => undefined);
    if (isShown()) this.#failure = await Promise.race([watching, over]);
    call.end(true);
  }

  #describe({ question }: HookCall): IncomingPush {
    const { repo, by } = this.#options;
    const git = this.#gitIn(question.quarantine);
    return {
      repo,
      by,
      changes: question.changes,
      options: question.options,
      commitOf: (id) => commitOf(git, id),
      read: (commit, paths) => readFiles(git, commit, paths),
    };
  }

  /** Git that also sees what is not taken yet. */
  #gitIn(env: Readonly<Record<string, string>>): Git {
    const { repositories, repo } = this.#options;
    return (args, options) => repositories.git(repo, args, { ...options, env });
  }
}

/** The commit that a branch is set to; a branch can only be set to one. */
async function commitOf(git: Git, id: string): Promise<CommitHash> {
  const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${id}^{commit}`];
  const { exitCode, stdout } = await git(args);
  if (exitCode === 0) return parseCommitHash(stdout.trim());
  throw new PropagitError("NO_COMMIT", `${id} is not a commit`);
}
