/** All of a plan that this hub cannot carry out, as far as that is known before anything begins. */
import {
  environmentDefault,
  parseCommitHash,
  parseRepoName,
  toPropagitError,
} from "@propagit/protocol";
import type { Plan } from "@propagit/plan";
import { problemsOfPlaces } from "./core/plan-places.js";
import {
  commitsIn,
  knownPlaces,
  problemsOfSubjects,
  repositoriesIn,
} from "./core/plan-subjects.js";
import type { LedgerRows } from "./core/draft.js";
import type { Fleet } from "./fleet.js";
import { inParallel } from "./in-parallel.js";
import type { PlanMeans } from "./plan-means.js";
import type { Repositories } from "./world.js";

/** Each is a process of git. */
const resolvedAtOnce = 8;

export interface PlanProblemsParts {
  readonly world: { readonly repositories: Pick<Repositories, "resolve"> };
  readonly ledger: LedgerRows;
  readonly fleet: Pick<Fleet, "members">;
  readonly means: Pick<PlanMeans, "commands" | "runsPrograms">;
}

/** Each with its place in the plan: `task 1.1.1 (drain): …`. */
export async function problemsHere(
  plan: Plan,
  { world, ledger, fleet, means }: PlanProblemsParts,
): Promise<readonly string[]> {
  const there = fleet.members.filter(({ contact }) => contact !== "left");
  const drones = new Set(there.map(({ name }) => name));
  const running = there.flatMap(({ instances }) =>
    [...instances.values()].map(({ repo, environment = environmentDefault, service }) => ({
      repo,
      environment,
      service,
    })),
  );
  const { commands, runsPrograms } = means;
  const known = knownPlaces(ledger, running);
  const pushed = await pushedOf(repositoriesIn(plan), world.repositories);
  return [
    ...problemsOfPlaces(plan, { drones, commands, runsPrograms }),
    ...problemsOfSubjects(plan, known, pushed),
    ...(await problemsOfCommits(plan, world.repositories)),
  ];
}

async function pushedOf(
  repos: Iterable<string>,
  repositories: Pick<Repositories, "resolve">,
): Promise<ReadonlySet<string>> {
  const pushed = new Set(repos);
  await inParallel([...pushed], resolvedAtOnce, async (repo) => {
    try {
      await repositories.resolve(parseRepoName(repo), "HEAD");
    } catch (thrown) {
      // Whatever is wrong with its HEAD, it is there.
      if (["NO_REPO", "BAD_NAME"].includes(toPropagitError(thrown).code)) pushed.delete(repo);
    }
  });
  return pushed;
}

/** What drones are to fetch and is not there; the same of many drones is looked for once, and told of the first. */
async function problemsOfCommits(
  plan: Plan,
  repositories: Pick<Repositories, "resolve">,
): Promise<readonly string[]> {
  const wanted = new Map<string, ReturnType<typeof commitsIn>[number]>();
  for (const one of commitsIn(plan)) {
    const key = `${one.repo} ${one.commit}`;
    if (!wanted.has(key)) wanted.set(key, one);
  }
  const problems = new Map<string, string>();
  await inParallel([...wanted.keys()], resolvedAtOnce, async (key) => {
    const one = wanted.get(key);
    if (!one) return;
    try {
      await repositories.resolve(parseRepoName(one.repo), parseCommitHash(one.commit));
    } catch (thrown) {
      problems.set(key, `${one.where}: ${toPropagitError(thrown).message}`);
    }
  });
  return [...wanted.keys()].flatMap((key) => problems.get(key) ?? []);
}
