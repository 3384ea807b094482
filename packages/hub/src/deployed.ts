/** Which deployments a user means, for the commands that are about those. */
import {
  environmentDefault,
  parseRepoName,
  PropagitError,
  shortCommit,
  toPropagitError,
  type CommitHash,
  type RepoName,
} from "@propagit/protocol";
import { currentRelease, readyRelease } from "./core/deployment-edits.js";
import type { LedgerRows } from "./core/draft.js";
import {
  deployedCommits,
  numberedRelease,
  releaseOfCommit,
  usualRelease,
  type ReleaseQuestion,
} from "./core/release-reference.js";
import { nameOfRelease } from "./core/rollout-edits.js";
import { placeName } from "./core/place-name.js";
import type { DeploymentRow, ReleaseRow } from "./core/rows.js";
import type { Ledger } from "./ledger.js";
import type { HubWorld } from "./world.js";

export interface DeployedQuestion {
  readonly repo: string;
  readonly environment: string | undefined;
  /** A number of a release, or a commit as a user writes it. */
  readonly ref: string;
}

/** A release as it may be left out. */
export interface ReleaseWish {
  readonly repo: string;
  readonly environment?: string | undefined;
  readonly release?: string | undefined;
}

export interface Deployed {
  readonly repo: RepoName;
  readonly environment: string;
  readonly commit: CommitHash;
  /** Set when a release was named: only what it runs is meant, not all of its commit. */
  readonly deployment: string | undefined;
}

/**
 * A number is a release before it is a commit's beginning; a prefix that fits several commits is good enough
 * when only one of them is deployed.
 *
 * @throws BAD_NAME, NO_REPO, NO_COMMIT, NO_RELEASE, AMBIGUOUS
 */
export async function resolveDeployed(
  world: HubWorld,
  ledger: Ledger,
  { repo, environment = environmentDefault, ref }: DeployedQuestion,
): Promise<Deployed> {
  const name = parseRepoName(repo);
  const place = { repo: name, environment };
  const releases = [...ledger.rows("releases").values()].filter(
    (row) => row.repo === name && row.environment === environment,
  );
  const current = currentRelease(ledger, name, environment)?.number;
  const numbered = numberedRelease({ ...place, releases, current }, ref);
  if (numbered) {
    const { commit, deployment } = numbered;
    return { ...place, commit: commit as CommitHash, deployment };
  }
  try {
    const commit = await world.repositories.resolve(name, ref);
    return { ...place, commit, deployment: undefined };
  } catch (thrown) {
    if (toPropagitError(thrown).code !== "AMBIGUOUS") throw thrown;
    const prefix = ref.toLowerCase();
    const fitting = new Set(
      ledger.deployments
        .filter((row) => row.repo === name && (row.environment ?? environment) === environment)
        .filter(({ commit }) => commit.startsWith(prefix))
        .map(({ commit }) => commit),
    );
    const [only] = fitting;
    if (only === undefined || fitting.size > 1) throw thrown;
    return { ...place, commit: only as CommitHash, deployment: undefined };
  }
}

/** Whether anything of a repository is known: releases, or what was pushed. @throws NO_REPO */
export async function checkRepo(
  { repositories }: Pick<HubWorld, "repositories">,
  ledger: Ledger,
  repo: RepoName,
): Promise<void> {
  for (const row of ledger.rows("releases").values()) {
    if (row.repo === repo) return;
  }
  try {
    await repositories.resolve(repo, "HEAD");
  } catch (thrown) {
    // One without any commit is one.
    if (toPropagitError(thrown).code === "NO_REPO") throw thrown;
  }
}

/** What is to run of it, oldest first; also what is only on its way to that. */
export function deploymentsOf(
  rows: ReadonlyMap<string, DeploymentRow>,
  { repo, environment, commit, deployment }: Deployed,
): readonly DeploymentRow[] {
  return [...rows.values()]
    .filter(
      (row) =>
        row.repo === repo &&
        row.environment === environment &&
        row.commit === commit &&
        (deployment === undefined || row.id === deployment),
    )
    .sort((left, right) => left.release - right.release);
}

export interface ReadyDeployment {
  readonly row: DeploymentRow;
  /** The newest that runs it and was ready. */
  readonly release: ReleaseRow;
}

/**
 * The newest deployment that is meant and ready; one that is on its way may come to nothing.
 *
 * @throws NOT_DEPLOYED
 */
export function readyDeployment(ledger: LedgerRows, to: Deployed): ReadyDeployment {
  const rows = deploymentsOf(ledger.rows("deployments"), to);
  const ready = rows.flatMap((row) => {
    const release = readyRelease(ledger, row.id);
    return row.started && release ? [{ row, release }] : [];
  });
  const newest = ready.at(-1);
  if (newest) return newest;
  const [deploying] = rows;
  if (!deploying) throw notDeployed(to);
  const what = `release ${deploying.release} of ${placeName(to)}`;
  throw new PropagitError("NOT_DEPLOYED", `${what} is on its way and not ready yet`, {
    hint: `look on with \`propagit follow ${to.repo} ${deploying.release}\``,
  });
}

/** The newest release of it that is ready; undefined when it is to be deployed first. */
export function readyReleaseOf(ledger: LedgerRows, to: Deployed): ReleaseRow | undefined {
  try {
    return readyDeployment(ledger, to).release;
  } catch (thrown) {
    if (toPropagitError(thrown).code === "NOT_DEPLOYED") return undefined;
    throw thrown;
  }
}

export function notDeployed(deployed: Deployed): PropagitError {
  const { repo, environment, commit } = deployed;
  const short = shortCommit(commit);
  const flag = environment === environmentDefault ? "" : ` -e ${environment}`;
  return new PropagitError("NOT_DEPLOYED", `${placeName(deployed)} ${short} is not deployed`, {
    hint: `deploy it first: propagit deploy ${repo} ${short}${flag}`,
  });
}

/** @throws NOT_DEPLOYED */
export function visitedRelease(ledger: LedgerRows, repo: string, environment: string): ReleaseRow {
  const current = currentRelease(ledger, repo, environment);
  if (current) return current;
  const what = placeName({ repo, environment });
  throw new PropagitError("NOT_DEPLOYED", `${what} has no release that visitors are sent to`);
}

/** Beside which one a service is spawned; default: the one that visitors are sent to. @throws as `resolveDeployed`, NOT_DEPLOYED */
export async function deploymentToSpawn(
  world: HubWorld,
  ledger: Ledger,
  { repo, environment = environmentDefault, release: ref }: ReleaseWish,
): Promise<DeploymentRow> {
  const rows = ledger.rows("deployments");
  if (ref === undefined) {
    const current = visitedRelease(ledger, parseRepoName(repo), environment);
    const row = rows.get(current.deployment);
    if (row) return row;
    throw new PropagitError("NOT_DEPLOYED", `${nameOfRelease(current)} does not run any more`);
  }
  const target = await resolveDeployed(world, ledger, { repo, environment, ref });
  const row = deploymentsOf(rows, target).at(-1);
  if (row) return row;
  throw notDeployed(target);
}

/** In whose folder and environment a command runs. @throws BAD_NAME, NO_REPO, NO_COMMIT, AMBIGUOUS, NO_RELEASE, NOT_DEPLOYED */
export async function releaseToRun(
  world: HubWorld,
  ledger: Ledger,
  { repo: name, environment = environmentDefault, release: wanted }: ReleaseWish,
): Promise<ReleaseRow> {
  const repo = parseRepoName(name);
  const rows = [...ledger.rows("releases").values()];
  const question: ReleaseQuestion = {
    repo,
    environment,
    releases: rows.filter((row) => row.repo === repo && row.environment === environment),
    current: currentRelease(ledger, repo, environment)?.number,
  };
  if (wanted === undefined) return usualRelease(question);
  const numbered = numberedRelease(question, wanted);
  if (numbered) return numbered;
  try {
    const commit = await world.repositories.resolve(repo, wanted);
    return releaseOfCommit(question, commit);
  } catch (thrown) {
    // A prefix of several commits is good enough when only one of them is deployed.
    const [only, ...others] = deployedCommits(question, wanted);
    if (toPropagitError(thrown).code !== "AMBIGUOUS" || !only || others.length > 0) throw thrown;
    return releaseOfCommit(question, only);
  }
}
