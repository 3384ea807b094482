/**
 * What happens to a push: it is refused when its manifest is wrong, and the branches that the manifest maps
 * are deployed, with whoever pushed looking on.
 *
 * The branch is moved, for good, before anything is deployed: drones fetch what is pushed, and a deploy that
 * fails is no reason to lose a commit. So what then fails is told as the failure of the push that it is of,
 * see `git-push.ts`.
 */
import { manifestFiles } from "@propagit/manifest";
import {
  PropagitError,
  toPropagitError,
  type CommitHash,
  type Distribution,
  type RepoName,
  type RolloutResult,
} from "@propagit/protocol";
import {
  emptyPushPlan,
  parsePushOptions,
  planPush,
  type PushedBranch,
  type PushedDeploy,
  type PushPlan,
} from "./core/push-plan.js";
import { describePush, type RefChange } from "./core/ref-change.js";
import { endLines, isFailure, progressLines } from "./core/rollout-lines.js";
import type { BranchMove } from "./core/branch-edits.js";
import type { Ledger } from "./ledger.js";
import type { ReleaseName } from "./rollout-queues.js";
import type { Asker } from "./rollout-request.js";

export interface IncomingPush {
  readonly repo: RepoName;
  readonly changes: readonly RefChange[];
  /** What was given with `git push -o`. */
  readonly options: readonly string[];
  /** The user name that git gave, which nobody checks. */
  readonly by: string;
  /** The commit of what a branch is set to. @throws NO_COMMIT */
  readonly commitOf: (id: string) => Promise<CommitHash>;
  /** As `Repositories.read`, of what came with the push too. */
  readonly read: (
    commit: CommitHash,
    paths: readonly string[],
  ) => Promise<ReadonlyMap<string, string>>;
}

/** Whoever pushed and looks on; when he is gone, deploys go on without him. */
export interface PushWatch {
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** A commit that a push deploys. */
export interface PushedRelease extends PushedDeploy {
  readonly repo: RepoName;
  readonly by: string;
}

export interface PushDeskOptions {
  readonly ledger: Pick<Ledger, "note">;
  readonly deploy: (release: PushedRelease, asker: Asker) => Promise<RolloutResult>;
  /** Whether visitors of its environment are sent to a release. */
  readonly isVisited: (release: RolloutResult) => boolean;
  /** Whether visitors are sent to a release step by step. */
  readonly isStepping: (release: RolloutResult) => boolean;
  /** Labels of branches that lead to a release. */
  readonly branchesOf: (release: RolloutResult) => readonly string[];
  /** Branches that were set to a commit, or deleted: their names may lead elsewhere now. */
  readonly branchesMoved: (repo: RepoName, moves: readonly BranchMove[]) => Promise<void>;
  /** Tells how the bytes of a release travel; absent: nothing is said of that. */
  readonly distribution?: {
    watch(release: ReleaseName, tell: (distribution: Distribution) => void): { stop(): void };
  };
  /** See `visitorUrls`. */
  readonly proxyUrl: string | undefined;
}

const headsPrefix = "refs/heads/";
/** Branches of one push whose manifests are read; who pushes hundreds at once mirrors, and deploys none. */
const branchesMax = 50;

export class PushDesk {
  readonly #options: PushDeskOptions;

  constructor(options: PushDeskOptions) {
    this.#options = options;
  }

  /** Why it is refused, in lines; nothing when it may be. */
  async judge(push: IncomingPush): Promise<readonly string[]> {
    try {
      await plan(push);
      return [];
    } catch (thrown) {
      const { code, message, hint } = toPropagitError(thrown);
      if (code !== "BAD_MANIFEST") return [`error: ${message}`, `hint: ${hint}`];
      return [
        ...message.split("\n").map((line) => `error: ${line}`),
        "hint: `propagit check` says the same before a push; to push it without deploying: git push -o deploy=no",
      ];
    }
  }

  /**
   * It is taken: deploys what it deploys, and resolves when that is over or nobody looks on any more.
   *
   * @returns what failed, or undefined
   */
  async accepted(push: IncomingPush, watch: PushWatch): Promise<string | undefined> {
    this.#options.ledger.note(describePush(push));
    await this.#options.branchesMoved(push.repo, await movesOf(push));
    const { deploys, warnings } = await plan(push);
    for (const warning of warnings) watch.say(`warning: ${warning}`);
    if (deploys.length === 0) {
      hintAt(push, watch);
      return undefined;
    }
    const ends = await Promise.all(
      deploys.map((deploy) => {
        const prefix = deploys.length > 1 ? `[${deploy.branch}] ` : "";
        const say = (lines: readonly string[]) =>
          lines.forEach((line) => watch.say(`${prefix}${line}`));
        return this.#deploy(push, deploy, { say, signal: watch.signal });
      }),
    );
    return ends.find((failure) => failure !== undefined);
  }

  async #deploy(
    { repo, by }: IncomingPush,
    deploy: PushedDeploy,
    { say, signal }: { say: (lines: readonly string[]) => void; signal: AbortSignal },
  ): Promise<string | undefined> {
    const { branch } = deploy;
    const { isVisited, isStepping, branchesOf, proxyUrl } = this.#options;
    let isOutputShown = false;
    const travel = this.#watchTravel((line) => say([line]), signal);
    const onPart: Asker["onPart"] = (part) => {
      isOutputShown ||= part.kind === "output";
      say(progressLines(part));
      if (part.kind === "accepted") travel.begin(part);
    };
    try {
      const result = await this.#options.deploy({ ...deploy, repo, by }, { onPart, signal });
      const where = { isVisited: isVisited(result), isStepping: isStepping(result) };
      const branches = branchesOf(result);
      say(endLines({ result, ...where, branches, proxyUrl, isOutputShown }));
      return isFailure(result) ? `${branch}: ${result.reason ?? "the deploy failed"}` : undefined;
    } catch (thrown) {
      const { code, message, hint } = toPropagitError(thrown);
      if (code === "LINK_LOST") {
        say([`warning: ${message}`]);
        return undefined;
      }
      say([`error: FAILED: ${message}`, ...(hint === "" ? [] : [`hint: ${hint}`])]);
      return `${branch}: ${message}`;
    } finally {
      travel.end();
    }
  }

  /** Says how its bytes travel, as long as somebody looks on. */
  #watchTravel(say: (line: string) => void, signal: AbortSignal) {
    let watching: { stop(): void } | undefined;
    const end = () => watching?.stop();
    signal.addEventListener("abort", end, { once: true });
    return {
      begin: (release: ReleaseName) => {
        watching ??= this.#options.distribution?.watch(release, ({ line }) => {
          if (line !== undefined) say(line);
        });
      },
      end: () => {
        signal.removeEventListener("abort", end);
        end();
      },
    };
  }
}

async function movesOf({ changes, commitOf }: IncomingPush): Promise<readonly BranchMove[]> {
  const gone = changes.flatMap(({ ref, newId }) =>
    ref.startsWith(headsPrefix) && newId === undefined
      ? [{ branch: ref.slice(headsPrefix.length), commit: undefined }]
      : [],
  );
  const moved: BranchMove[] = [];
  for (const { branch, id } of branchesOf(changes).slice(0, branchesMax)) {
    moved.push({ branch, commit: await commitOf(id) });
  }
  return [...gone, ...moved];
}

/** @throws BAD_MANIFEST, BAD_USAGE, BAD_NAME */
async function plan(push: IncomingPush): Promise<PushPlan> {
  const options = parsePushOptions(push.options);
  if (!options.deploy) return emptyPushPlan;
  const moved = branchesOf(push.changes);
  if (moved.length > branchesMax) {
    if (options.environment === undefined && options.promote === undefined) return emptyPushPlan;
    throw new PropagitError("BAD_USAGE", `more than ${branchesMax} branches cannot be deployed`);
  }
  const branches: PushedBranch[] = [];
  for (const { branch, id } of moved) {
    const commit = await push.commitOf(id);
    branches.push({ branch, commit, files: await push.read(commit, manifestFiles) });
  }
  return planPush(branches, options);
}

/** Branches that were set to something; tags and deletions deploy nothing. */
function branchesOf(changes: readonly RefChange[]): { branch: string; id: string }[] {
  return changes.flatMap(({ ref, newId }) =>
    ref.startsWith(headsPrefix) && newId !== undefined
      ? [{ branch: ref.slice(headsPrefix.length), id: newId }]
      : [],
  );
}

/** What to type after a push that deploys nothing by itself. */
function hintAt({ repo, changes }: IncomingPush, { say }: PushWatch): void {
  const [first] = branchesOf(changes);
  if (first)
    say(`hint: nothing is deployed by itself; to run it: propagit deploy ${repo} ${first.branch}`);
}
