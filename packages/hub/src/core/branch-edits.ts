/**
 * Branches as host names: `BRANCH--REPO.DOMAIN` leads to what was deployed of a branch last.
 *
 *     feature/Login  --label-->  feature-login  --row-->  deployment 0d1c…  (its row carries the labels)
 *
 * Several branches may have one label. The one that is spelled like it has it, else the one that was
 * deployed first, until it is deleted or nothing of it runs any more: a name never starts to lead to another
 * branch's code because that one was pushed.
 */
import type { Draft, LedgerRows } from "./draft.js";
import { changed } from "./draft.js";
import {
  branchKey,
  placeKey,
  releaseKey,
  type BranchRow,
  type DeploymentRow,
  type ReleaseRow,
} from "./rows.js";

/** RFC 1035, section 2.3.4: of one part of a host name. */
const labelCharsMax = 63;
/** Of one repository; a mirror pushes thousands. A guess. */
const branchesMax = 1_000;
/** Of one release, as its row has them. */
const branchesOfReleaseMax = 20;
/** Of one deployment, as the protocol has it. */
const labelsMax = 100;

/** Undefined when nothing of its name can be part of a host name. */
export function labelOf(branch: string, repo: string): string | undefined {
  const charsMax = labelCharsMax - "--".length - repo.length;
  const plain = branch.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  const label = plain.replace(/^-/, "").slice(0, charsMax).replace(/-$/, "");
  return label === "" ? undefined : label;
}

/** A release on its way is asked for by one more branch. */
export function alsoOfBranch(draft: Draft, release: ReleaseRow, branch: string): void {
  const { branches = [], repo, environment, number } = release;
  if (branches.includes(branch) || branches.length >= branchesOfReleaseMax) return;
  const row = { ...release, branches: [...branches, branch] };
  draft.put("releases", releaseKey(repo, environment, number), row);
}

/** A branch leads to a deployment from now on. */
export function leadBranch(draft: Draft, wanted: BranchRow): void {
  const { repo, branch } = wanted;
  if (labelOf(branch, repo) === undefined) return;
  const key = branchKey(repo, branch);
  const known = draft.rows("branches").get(key);
  if (known?.deployment === wanted.deployment && known.environment === wanted.environment) return;
  if (!known && branchesOf(draft, repo).length >= branchesMax) return;
  draft.put("branches", key, { ...wanted, since: known?.since ?? wanted.since });
  relabel(draft, repo);
}

/** A branch as a push left it: set to a commit, or deleted. */
export interface BranchMove {
  readonly branch: string;
  readonly commit: string | undefined;
}

/**
 * After a push: a branch that is deleted leads nowhere, one that was set to what runs already leads there. One
 * whose commit runs nowhere goes on leading to what was deployed of it last.
 */
export function moveBranches(
  draft: Draft,
  repo: string,
  moves: readonly BranchMove[],
  now: number,
): void {
  for (const { branch, commit } of moves) {
    if (commit === undefined) {
      dropBranch(draft, repo, branch);
      continue;
    }
    const [newest] = [...draft.rows("deployments").values()]
      .filter((row) => row.repo === repo && row.commit === commit && row.started)
      .filter((row) => wasReady(draft, row))
      .sort((left, right) => right.since - left.since);
    if (!newest) continue;
    const { id: deployment, environment } = newest;
    leadBranch(draft, { repo, branch, environment, deployment, since: now });
  }
}

/** A branch is no more. */
export function dropBranch(draft: Draft, repo: string, branch: string): void {
  if (!draft.rows("branches").has(branchKey(repo, branch))) return;
  draft.delete("branches", branchKey(repo, branch));
  relabel(draft, repo);
}

/** Branches lead nowhere that lead to these; after they were deleted. */
export function dropBranchesTo(draft: Draft, ids: ReadonlySet<string>): void {
  const gone = [...draft.rows("branches").values()].filter(({ deployment }) => ids.has(deployment));
  for (const { repo, branch } of gone) draft.delete("branches", branchKey(repo, branch));
  for (const repo of new Set(gone.map((row) => row.repo))) relabel(draft, repo);
}

/** Labels that lead to what a release runs; an environment of the same name has its host name before them. */
export function labelsOfRelease(
  rows: LedgerRows,
  { repo, environment, release }: ReleaseNamed,
): readonly string[] {
  const row = rows.rows("releases").get(releaseKey(repo, environment, release));
  const labels = row && rows.rows("deployments").get(row.deployment)?.branches;
  return (labels ?? []).filter((label) => !rows.rows("environments").has(placeKey(repo, label)));
}

interface ReleaseNamed {
  readonly repo: string;
  readonly environment: string;
  readonly release: number;
}

/** The branch that has each label. */
export function winnersOf(rows: readonly BranchRow[]): ReadonlyMap<string, BranchRow> {
  const winners = new Map<string, BranchRow>();
  for (const row of rows) {
    const label = labelOf(row.branch, row.repo);
    if (label === undefined) continue;
    const other = winners.get(label);
    if (!other || comesBefore(row, other, label)) winners.set(label, row);
  }
  return winners;
}

function wasReady(rows: LedgerRows, { repo, environment, release }: DeploymentRow): boolean {
  return rows.rows("releases").get(releaseKey(repo, environment, release))?.state === "ready";
}

function comesBefore(left: BranchRow, right: BranchRow, label: string): boolean {
  if (left.branch === label || right.branch === label) return left.branch === label;
  return left.since < right.since || (left.since === right.since && left.branch < right.branch);
}

/** Writes into each deployment what leads to it. */
function relabel(draft: Draft, repo: string): void {
  const labels = new Map<string, string[]>();
  for (const [label, { deployment }] of winnersOf(branchesOf(draft, repo))) {
    labels.set(deployment, [...(labels.get(deployment) ?? []), label]);
  }
  for (const row of draft.rows("deployments").values()) {
    if (row.repo !== repo) continue;
    const own = labels.get(row.id)?.sort().slice(0, labelsMax);
    if (JSON.stringify(own) === JSON.stringify(row.branches)) continue;
    draft.put("deployments", row.id, changed<DeploymentRow>(row, { branches: own }));
  }
}

function branchesOf(rows: LedgerRows, repo: string): readonly BranchRow[] {
  return [...rows.rows("branches").values()].filter((row) => row.repo === repo);
}
