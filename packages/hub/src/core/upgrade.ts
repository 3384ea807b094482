/**
 * A ledger of format 1, from before releases, as rows of this one:
 *
 *     deployments/<repo>/<commit>  -> a deployment and a ready release in production
 *     routes/<repo>                -> routes/<repo>/production
 *     operations/<repo>/<commit>   -> a deploy goes on as a release in the queue; a stop is written already
 *
 * It was run by drones with commands of their own, so its releases have no services. The same rows in give
 * the same rows out, so that an upgrade that was cut short is simply done again.
 */
import {
  environmentDefault,
  routeSchema,
  shortCommit,
  type Route,
  type Specification,
} from "@propagit/protocol";
import { Type, type Static } from "typebox";
import {
  placeKey,
  releaseKey,
  type DeploymentRow,
  type Edit,
  type ReleaseRow,
  type RolloutRow,
} from "./rows.js";

/** What this program writes. */
export const ledgerFormat = 3;

const commit = Type.String({ pattern: "^(?:[0-9a-f]{40}|[0-9a-f]{64})$" });
const name = Type.String({ minLength: 1, maxLength: 63 });
const time = Type.Integer({ minimum: 0 });

/** Rows of format 1 that are no rows of this one; the drones' are the same. */
export const formerTables = {
  deployments: Type.Object({ repo: name, commit, since: time }),
  routes: routeSchema,
  operations: Type.Object({
    goal: Type.Enum(["deploy", "stop"]),
    repo: name,
    commit,
    startedAt: time,
  }),
} as const;
export type FormerTable = keyof typeof formerTables;

export type FormerRows = {
  readonly [T in FormerTable]: readonly Static<(typeof formerTables)[T]>[];
};
type FormerDeployment = FormerRows["deployments"][number];

/** Whether a key within its table is of format 1. */
export function isFormerKey(table: FormerTable, key: string): boolean {
  switch (table) {
    case "deployments":
      return key.includes("/");
    case "routes":
      return !key.includes("/");
    case "operations":
      return true;
    default:
      return table satisfies never;
  }
}

const specification: Specification = { services: [], routes: [], promote: "first" };
const author = "an earlier version";

/** @param idOf the deployment's id, see `deployment-id.ts` */
export function upgradeRows(
  former: FormerRows,
  idOf: (deployment: { repo: string; commit: string; specification: Specification }) => string,
): readonly Edit[] {
  const repos = new Set([...former.deployments, ...former.routes].map(({ repo }) => repo));
  return [...repos].flatMap((repo) => upgradeRepo(repo, former, idOf));
}

function upgradeRepo(
  repo: string,
  { deployments, routes, operations }: FormerRows,
  idOf: Parameters<typeof upgradeRows>[1],
): readonly Edit[] {
  const own = deployments
    .filter((row) => row.repo === repo)
    .sort((left, right) => left.since - right.since || (left.commit < right.commit ? -1 : 1));
  const numbers = new Map(own.map(({ commit }, index) => [commit, index + 1]));
  const route = routes.find((row) => row.repo === repo);
  const live = route ? liveOf(route, numbers) : [];
  const edits = own.flatMap((row, index): Edit[] => {
    const id = idOf({ repo, commit: row.commit, specification });
    const operation = operations.find(
      (one) => one.repo === repo && one.commit === row.commit && one.goal === "deploy",
    );
    return upgradeDeployment(row, { id, number: index + 1, startedAt: operation?.startedAt });
  });
  const environment = {
    repo,
    environment: environmentDefault,
    lastRelease: own.length,
    live,
    settings: {},
    scales: {},
  };
  const key = placeKey(repo, environmentDefault);
  edits.push({ table: "environments", key, row: environment });
  if (route) {
    const shares = route.shares.map((share) => ({
      ...share,
      deployment: idOf({ repo, commit: share.commit, specification }),
    }));
    const row = { repo, environment: environmentDefault, shares };
    edits.push({ table: "routes", key, row });
  }
  return edits;
}

function upgradeDeployment(
  { repo, commit, since }: FormerDeployment,
  {
    id,
    number,
    startedAt,
  }: { readonly id: string; readonly number: number; readonly startedAt: number | undefined },
): Edit[] {
  const place = { repo, environment: environmentDefault };
  const deployment: DeploymentRow = {
    ...place,
    id,
    commit,
    artifact: commit,
    release: number,
    specification,
    settings: {},
    since,
    started: true,
    services: [],
  };
  const release: ReleaseRow = {
    ...place,
    number,
    deployment: id,
    commit,
    artifact: commit,
    subject: `deployed as ${shortCommit(commit)}`,
    kind: "deploy",
    by: author,
    at: since,
    ...(startedAt === undefined && { endedAt: since }),
    state: startedAt === undefined ? "ready" : "deploying",
    phases: [],
    drones: [],
    specification,
    settings: {},
    pinned: false,
    presence: "running",
  };
  const key = releaseKey(repo, environmentDefault, number);
  const edits: Edit[] = [
    { table: "deployments", key: id, row: deployment },
    { table: "releases", key, row: release },
  ];
  if (startedAt === undefined) return edits;
  const rollout: RolloutRow = {
    ...place,
    number,
    deployment: id,
    acceptedAt: startedAt,
    phase: "queued",
    phaseAt: startedAt,
    drones: [],
  };
  return [...edits, { table: "rollouts", key, row: rollout }];
}

/** The release that most visitors are sent to. */
function liveOf({ shares }: Route, numbers: ReadonlyMap<string, number>): number[] {
  const [heaviest] = [...shares].sort((left, right) => right.weight - left.weight);
  const number = heaviest && numbers.get(heaviest.commit);
  return number === undefined ? [] : [number];
}
