/** Where visitors go: routes, shares, experiments, shadows, and the book of all of them. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { conditionSchema, rulesSchema } from "./rules.js";
import { commit, count, exact, forLargeValues, list, name, text } from "./shape.js";
import { hostRouteSchema } from "./specification.js";

/** Where a release is meant for: `production` unless said otherwise. */
export const environmentDefault = "production";

/** Names what runs: the same repo, environment, commit, specification and config have the same one. */
export const deploymentId = Type.String({ pattern: "^[0-9a-f]{16}$" });

/** Metadata key under which an endpoint's deployment is kept, so that proxies can tell releases apart. */
export const deploymentMetaKey = "deployment";

/** Metadata key under which an endpoint's zone is kept: proxies prefer their own. */
export const zoneMetaKey = "zone";

/** A branch as a part of a host name: lower-case, other characters as `-`. */
export const branchLabel = Type.String({ pattern: "^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$" });

/** Something that the cluster should run. */
export const deploymentSchema = exact({
  repo: name,
  commit,
  id: Type.Optional(deploymentId),
  environment: Type.Optional(name),
  /** Number of the newest release that runs it. */
  release: Type.Optional(count),
  /** Branches whose newest deployed commit it is: `BRANCH--REPO.DOMAIN` leads to it. */
  branches: Type.Optional(list(branchLabel, 100)),
});
export type Deployment = Static<typeof deploymentSchema>;

/** A share of a route: the weight is relative to the sum of all. */
export const shareSchema = exact({
  commit,
  /** Absent: any deployment of that commit in the route's environment. */
  deployment: Type.Optional(deploymentId),
  weight: Type.Number({ exclusiveMinimum: 0, maximum: 1_000_000 }),
});
export type Share = Static<typeof shareSchema>;

/** Names of experiments and variants. */
export const trafficWord = Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$" });

/** One way that an experiment treats visitors. */
export const variantSchema = exact({
  name: trafficWord,
  /** Relative to the sum of all; 0: only those whom a rule sends there. */
  weight: Type.Number({ minimum: 0, maximum: 1_000_000 }),
  /** What serves them; absent: whatever the route's shares say, and only the app tells them apart. */
  commit: Type.Optional(commit),
  deployment: Type.Optional(deploymentId),
});
export type ExperimentVariant = Static<typeof variantSchema>;

/**
 * A named experiment: visitors who fit `audience` are divided between its variants, independently of every
 * other experiment and of the shares. The app learns the variant from `X-Propagit-Variant: NAME=VARIANT`.
 * When two experiments name a commit for a visitor, the one that started first decides.
 */
export const experimentSchema = exact({
  name: trafficWord,
  variants: Type.Array(variantSchema, { minItems: 1, maxItems: 20 }),
  /** In front of the draw: the first whose condition holds decides. */
  rules: Type.Optional(list(exact({ when: conditionSchema, variant: trafficWord }), 20)),
  audience: Type.Optional(conditionSchema),
  by: Type.Optional(text(200)),
  since: Type.Optional(count),
});
export type Experiment = Static<typeof experimentSchema>;

/** A copy of a part of the requests goes here too; its answers are thrown away. */
export const shadowSchema = exact({
  commit,
  deployment: Type.Optional(deploymentId),
  percent: Type.Number({ exclusiveMinimum: 0, maximum: 100 }),
});
export type Shadow = Static<typeof shadowSchema>;

/** So many of a share's own visitors, always the same ones, are counted apart: as many as a new commit has. */
export const controlSchema = exact({
  commit,
  deployment: Type.Optional(deploymentId),
  percent: Type.Number({ exclusiveMinimum: 0, maximum: 100 }),
});
export type Control = Static<typeof controlSchema>;

/** Where visitors of a repository and environment go: one share after `promote`, several after `split`. */
export const routeSchema = exact({
  repo: name,
  environment: Type.Optional(name),
  shares: list(shareSchema, 20),
  /** Host names and paths beside its own name: of its newest live release's manifest, and by hand. */
  hosts: Type.Optional(list(hostRouteSchema, 200)),
  /** Of the manifest of its newest live release, with what was said by hand over it. */
  rules: Type.Optional(rulesSchema),
  experiments: Type.Optional(list(experimentSchema, 20)),
  shadow: Type.Optional(shadowSchema),
  control: Type.Optional(controlSchema),
});
export type Route = Static<typeof routeSchema>;

/** All routes and all running commits. */
export const routeBookSchema = exact({
  revision: count,
  routes: list(routeSchema, 100_000),
  deployments: list(deploymentSchema, 100_000),
});
export type RouteBook = Static<typeof routeBookSchema>;

/** `REPO/ENVIRONMENT` of a route. */
const routeKey = text(130);
/** Of a deployment: its id, or `REPO/ENVIRONMENT/COMMIT` of one without. */
const deploymentKey = text(200);

/**
 * One step of following the book. Revisions rise by any step within one life of the ledger, which `book`
 * names; each update takes the book from what it was to `revision` as a whole.
 */
export const bookUpdateSchema = forLargeValues(
  Type.Union([
    /** Replaces everything. With `more`, the next one belongs to it: together they would not fit a frame. */
    exact({
      kind: Type.Literal("snapshot"),
      book: text(64),
      revision: count,
      routes: list(routeSchema, 100_000),
      deployments: list(deploymentSchema, 100_000),
      more: Type.Optional(Type.Boolean()),
    }),
    exact({
      kind: Type.Literal("change"),
      revision: count,
      routes: list(routeSchema, 100_000),
      deployments: list(deploymentSchema, 100_000),
      droppedRoutes: list(routeKey, 100_000),
      droppedDeployments: list(deploymentKey, 100_000),
    }),
  ]),
);
export type BookUpdate = Static<typeof bookUpdateSchema>;

/** Key of a route in updates of the book. */
export function keyOfRoute({ repo, environment = environmentDefault }: RoutePlace): string {
  return `${repo}/${environment}`;
}

/** Key of a deployment in updates of the book. */
export function keyOfDeployment(deployment: Deployment): string {
  return deployment.id ?? `${keyOfRoute(deployment)}/${deployment.commit}`;
}

interface RoutePlace {
  readonly repo: string;
  readonly environment?: string;
}
