/** What the command line says about a cluster, as values. */
import type { InstanceSummary, ReleaseSummary } from "@propagit/protocol";
import { until } from "./cli.js";
import type { Cluster } from "./cluster.js";

/** Newest first. */
export async function releasesOf(
  cluster: Cluster,
  repo: string,
  ...flags: readonly string[]
): Promise<readonly ReleaseSummary[]> {
  return parsed(cluster, "releases", repo, "--json", ...flags);
}

export async function instancesOf(
  cluster: Cluster,
  ...flags: readonly string[]
): Promise<readonly InstanceSummary[]> {
  return parsed(cluster, "ps", "--json", ...flags);
}

/** Waits until a release is as `condition` wants it. */
export async function untilRelease(
  cluster: Cluster,
  repo: string,
  number: number,
  condition: (release: ReleaseSummary) => boolean,
): Promise<ReleaseSummary> {
  let last: ReleaseSummary | undefined;
  try {
    await until(`release ${number} of ${repo}`, async () => {
      last = (await releasesOf(cluster, repo)).find((release) => release.number === number);
      return last !== undefined && condition(last);
    });
  } catch (thrown) {
    throw new Error(`${String(thrown)}; it is ${JSON.stringify(last)}\n${cluster.output}`, {
      cause: thrown,
    });
  }
  if (!last) throw new Error("cannot happen: it was there");
  return last;
}

/** Instances of a service that are ready, each with its drone, pid and port. */
export async function readyInstances(cluster: Cluster): Promise<readonly InstanceSummary[]> {
  const instances = await instancesOf(cluster);
  return instances.filter(({ away, report }) => !away && report.phase === "ready");
}

async function parsed<T>(cluster: Cluster, command: string, ...args: string[]): Promise<T> {
  const { exitCode, stdout, stderr } = await cluster.propagit(command, ...args);
  if (exitCode !== 0) throw new Error(`propagit ${command} ended with ${exitCode}: ${stderr}`);
  return JSON.parse(stdout) as T;
}
