/** What the hub says of an artifact, as `propagit swarm --json` prints it. */
import type { SwarmView } from "@propagit/protocol";
import type { Fleet } from "@propagit/test-support";

/** Undefined when the commit took another way. */
export async function viewOf(
  fleet: Fleet,
  repo: string,
  commit: string,
): Promise<SwarmView | undefined> {
  // Of the repository and not of the artifact: to ask for one that is not there is an error.
  const { exitCode, stdout, stderr } = await fleet.propagit("swarm", repo, "--json");
  if (exitCode !== 0) throw new Error(stderr);
  const { artifacts } = JSON.parse(stdout) as { readonly artifacts: readonly SwarmView[] };
  return artifacts.find((view) => view.commit === commit);
}
