/** What a hub tells a drone, checked: names in it become parts of paths, whatever the hub did. */
import {
  parseRepoName,
  parseServiceName,
  PropagitError,
  toPropagitError,
  type Assignment,
  type Telling,
} from "@propagit/protocol";
import type { CommitName, Remembered } from "../world.js";

export interface Told {
  readonly assignments: readonly Assignment[];
  readonly keep: readonly CommitName[];
  /** Why something of it is not done. */
  readonly refused: readonly string[];
}

export function checkTold({ assignments: all, keep }: Telling<"drone.assign">): Told {
  const refused: string[] = [];
  const assignments = all.filter((assignment) => {
    const reason = whyNot(assignment);
    if (reason !== undefined) refused.push(reason);
    return reason === undefined;
  });
  return { assignments, keep: keep.filter(({ repo }) => isRepoName(repo)), refused };
}

/** What is remembered from now on; nothing of what is no longer assigned. */
export function withTold(before: Remembered, { assignments, keep }: Told): Remembered {
  const ids = new Set(assignments.map(({ id }) => id));
  return {
    ...before,
    assignments,
    keep,
    specifications: before.specifications.filter(({ id }) => ids.has(id)),
    resting: before.resting.filter(({ deployment }) => ids.has(deployment)),
  };
}

function whyNot({ repo, environment, services }: Assignment): string | undefined {
  try {
    parseServiceName(environment);
    for (const { service } of services) parseServiceName(service);
    if (isRepoName(repo)) return undefined;
    throw new PropagitError("BAD_NAME", `${repo} is not the plain name of a repository`);
  } catch (thrown) {
    return toPropagitError(thrown).message;
  }
}

function isRepoName(repo: string): boolean {
  try {
    return parseRepoName(repo) === repo;
  } catch {
    return false;
  }
}
