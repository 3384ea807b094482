/**
 * What a route needs a deployment for. Whatever is in use here is never reaped, and stopped only by force:
 * a share of the visitors, a variant of an experiment, a copy of the requests.
 */
import type { Route } from "@propagit/protocol";
import { leadsTo, sharePercent, type Destination } from "./shares.js";

export type Use =
  | { readonly kind: "share"; readonly percent: number }
  | { readonly kind: "experiment"; readonly name: string; readonly variant: string }
  | { readonly kind: "shadow"; readonly percent: number };

export function usesOf(route: Route | undefined, destination: Destination): readonly Use[] {
  if (!route) return [];
  const uses: Use[] = [];
  if (route.shares.some((share) => leadsTo(share, destination))) {
    uses.push({ kind: "share", percent: sharePercent(route, destination) });
  }
  for (const { name, variants } of route.experiments ?? []) {
    for (const { name: variant, commit, deployment } of variants) {
      if (commit !== undefined && leadsTo({ commit, deployment }, destination)) {
        uses.push({ kind: "experiment", name, variant });
      }
    }
  }
  const { shadow } = route;
  if (shadow && leadsTo(shadow, destination)) {
    uses.push({ kind: "shadow", percent: shadow.percent });
  }
  return uses;
}

/** Whether any visitor may be answered by it; the answers of a shadow are thrown away. */
export function hasVisitors(route: Route | undefined, destination: Destination): boolean {
  return usesOf(route, destination).some(({ kind }) => kind !== "shadow");
}

/** Why it is needed, as a sentence about it. */
export function describeUse(use: Use): string {
  switch (use.kind) {
    case "share":
      return "it has a share of the visitors";
    case "experiment":
      return `it serves variant ${use.variant} of experiment ${use.name}`;
    case "shadow":
      return `it gets a copy of ${use.percent} % of the requests`;
    default:
      return use satisfies never;
  }
}

/** How it is freed, as a hint; undefined for a share, of which the error itself knows. */
export function freeHint(use: Use | undefined, repo: string, flag: string): string | undefined {
  switch (use?.kind) {
    case "experiment":
      return `end it first: propagit experiment stop ${repo} ${use.name}${flag}, or add --force`;
    case "shadow":
      return `end it first: propagit shadow ${repo} --off${flag}, or add --force`;
    case "share":
    case undefined:
      return undefined;
    default:
      return use satisfies never;
  }
}
