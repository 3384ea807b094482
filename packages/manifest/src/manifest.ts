/** What a repository says of itself, out of the files of a commit. */
import { PropagitError, type Specification } from "@propagit/protocol";

/** Files that may say what a repository consists of; the first that is there counts. */
export const manifestFiles = ["propagit.yaml", "propagit.yml", "Procfile", "package.json"] as const;

/** Where a push to a branch goes. */
export interface BranchRule {
  readonly branch: string;
  readonly environment: string;
  /** Default: as the specification of that environment says. */
  readonly promote: boolean | undefined;
}

/** A manifest that was read and is right; `specificationOf` gives it for one environment. */
export interface Manifest {
  /** Which file it came from; undefined when none says anything. */
  readonly source: (typeof manifestFiles)[number] | undefined;
  readonly branches: readonly BranchRule[];
  /** Environments it names; `production` is always there. */
  readonly environments: readonly string[];
}

/**
 * @param files texts by path, of those of `manifestFiles` that the commit has
 * @throws BAD_MANIFEST with file, line and column
 */
export function readManifest(files: ReadonlyMap<string, string>): Manifest {
  throw new PropagitError("BAD_MANIFEST", `not read yet: ${[...files.keys()].join(", ")}`);
}

/** @throws BAD_MANIFEST when what holds for that environment cannot be */
export function specificationOf(manifest: Manifest, environment: string): Specification {
  throw new PropagitError("BAD_MANIFEST", `${environment} of ${manifest.source ?? "nothing"}`);
}

/** Undefined: a push to that branch deploys nothing. */
export function environmentOfBranch(manifest: Manifest, branch: string): BranchRule | undefined {
  return manifest.branches.find((rule) => rule.branch === branch);
}
