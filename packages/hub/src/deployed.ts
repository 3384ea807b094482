/** Which deployed commit a user means, for the commands that are about those. */
import { parseRepoName, toPropagitError, type CommitHash, type RepoName } from "@propagit/protocol";
import type { Ledger } from "./ledger.js";
import type { HubWorld } from "./world.js";

/**
 * As any reference is resolved; but a prefix that fits several commits is good enough when only one of
 * them is deployed.
 *
 * @throws BAD_NAME, NO_REPO, NO_COMMIT, AMBIGUOUS
 */
export async function resolveDeployed(
  world: HubWorld,
  ledger: Ledger,
  repo: string,
  ref: string,
): Promise<{ repo: RepoName; commit: CommitHash }> {
  const name = parseRepoName(repo);
  try {
    return { repo: name, commit: await world.repositories.resolve(name, ref) };
  } catch (thrown) {
    if (toPropagitError(thrown).code !== "AMBIGUOUS") throw thrown;
    const prefix = ref.toLowerCase();
    const fitting = ledger.deployments.filter(
      (deployment) => deployment.repo === name && deployment.commit.startsWith(prefix),
    );
    const [only] = fitting;
    if (!only || fitting.length > 1) throw thrown;
    return { repo: name, commit: only.commit as CommitHash };
  }
}
