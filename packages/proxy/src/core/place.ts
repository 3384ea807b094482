/** One environment of a repository, where visitors are sent: its route made ready. */
import { environmentDefault, keyOfRoute, type Route, type Share } from "@propagit/protocol";
import { readyExperiments, type ReadyExperiment } from "./experiment.js";
import type { Policy } from "./policy.js";
import type { Variant } from "./variant.js";

export interface Place {
  readonly repo: string;
  readonly environment: string;
  /** `REPO/ENVIRONMENT`. */
  readonly key: string;
  /** What visitors of production draw for is what it was before there were other environments. */
  readonly drawKey: string;
  /** Empty until something is promoted. */
  readonly variants: readonly Variant[];
  /** The variants before, the last ones first: for when nobody of the new ones is known yet. */
  readonly former: readonly FormerVariants[];
  readonly experiments: readonly ReadyExperiment[];
  readonly shadow?: { readonly variant: Variant; readonly part: number };
  /** Of the visitors of this variant so many, of 1, are counted apart. */
  readonly control?: { readonly variant: Variant; readonly part: number };
  readonly policy: Policy;
}

/**
 * The hub says who gets visitors, the registry where they listen, and nobody says which of the two is heard
 * first: until the first endpoint of the new shares is known, visitors go where they went before, so that a
 * switch loses nobody.
 *
 *     book: all to B      registry: B listens
 *     |<-- still to A -->|<-- to B
 */
interface FormerVariants {
  readonly variants: readonly Variant[];
  /** Monotonic, in ms: longer nobody waits, since then the new one is simply not there. */
  readonly untilMs: number;
}

/** A guess: many times what a record takes from the registry to here. */
const formerMs = 5_000;
/** Changes in a row that are remembered. */
const formerMax = 3;

/** What of a variant the book says. */
export interface Destination {
  readonly commit: string;
  readonly deployment?: string;
  readonly weight: number;
  readonly drawKey: string;
}

export interface PlaceParts {
  readonly route: Route;
  readonly policy: Policy;
  readonly before?: { readonly route: Route; readonly place: Place };
  readonly now: number;
  readonly variantOf: (destination: Destination) => Variant;
}

export function placeOf({ route, policy, before, now, variantOf }: PlaceParts): Place {
  const { repo, environment = environmentDefault, shares, shadow, control } = route;
  const plain = (to: { commit: string; deployment?: string }) =>
    variantOf({ ...to, weight: 1, drawKey: to.commit });
  const variants = shares.map((share) => variantOf(destinationOf(share, shares)));
  const controlled = variants.find((variant) => control && isSameShare(variant, control));
  return {
    ...emptyPlace(repo, environment, policy),
    variants,
    former: formerOf(route, before, now),
    experiments: readyExperiments(route.experiments ?? [], (arm) =>
      arm.commit === undefined
        ? undefined
        : plain({ commit: arm.commit, ...(arm.deployment && { deployment: arm.deployment }) }),
    ),
    ...(shadow && {
      shadow: { variant: plain(pickDestination(shadow)), part: shadow.percent / 100 },
    }),
    ...(control && controlled && { control: { variant: controlled, part: control.percent / 100 } }),
  };
}

/** Something runs there, and nothing says who gets visitors. */
export function emptyPlace(repo: string, environment: string, policy: Policy): Place {
  const key = keyOfRoute({ repo, environment });
  const drawKey = environment === environmentDefault ? repo : key;
  return { repo, environment, key, drawKey, variants: [], former: [], experiments: [], policy };
}

/** As messages call it. */
export function nameOfPlace({ repo, environment }: Pick<Place, "repo" | "environment">): string {
  return environment === environmentDefault ? repo : `${repo} in ${environment}`;
}

function destinationOf(share: Share, shares: readonly Share[]): Destination {
  const hasTwin = shares.some((other) => other !== share && other.commit === share.commit);
  // A change of settings alone makes another deployment, and moves nobody to another variant.
  const drawKey = hasTwin ? `${share.commit} ${share.deployment ?? ""}` : share.commit;
  return { ...share, drawKey };
}

function pickDestination(to: { readonly commit: string; readonly deployment?: string }) {
  const { commit, deployment } = to;
  return { commit, ...(deployment !== undefined && { deployment }) };
}

function formerOf(
  { shares }: Route,
  before: PlaceParts["before"],
  now: number,
): readonly FormerVariants[] {
  if (!before) return [];
  const left = before.place.former.filter(({ untilMs }) => untilMs > now);
  const { variants } = before.place;
  const isSame =
    variants.length === shares.length &&
    variants.every((variant, at) => isSameShare(variant, shares[at]));
  const all = isSame ? left : [{ variants, untilMs: now + formerMs }, ...left];
  return all.slice(0, formerMax);
}

function isSameShare(
  { commit, deployment }: { readonly commit: string; readonly deployment?: string | undefined },
  other: { readonly commit: string; readonly deployment?: string } | undefined,
): boolean {
  return commit === other?.commit && deployment === other.deployment;
}
