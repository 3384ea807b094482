/** Shares of a route: what `promote` and `split` make, what `stop --force` takes away. */
import { PropagitError, shortCommit, type Route, type Share } from "@propagit/protocol";

/** Above this, shares of others are no longer told apart; the frames' own bound. */
const weightMax = 1_000_000;

/** @throws BAD_WEIGHT when there is no share, one is not a number above 0, or a commit has two */
export function checkShares(shares: readonly Share[]): readonly Share[] {
  if (shares.length === 0) throw new PropagitError("BAD_WEIGHT", "a split needs a share");
  const seen = new Set<string>();
  for (const { commit, weight } of shares) {
    if (!Number.isFinite(weight) || weight <= 0 || weight > weightMax) {
      throw new PropagitError(
        "BAD_WEIGHT",
        `the weight ${weight} of ${shortCommit(commit)} is not above 0 and at most ${weightMax}`,
      );
    }
    if (seen.has(commit)) {
      throw new PropagitError("BAD_WEIGHT", `${shortCommit(commit)} is named twice`);
    }
    seen.add(commit);
  }
  return shares;
}

/** The part of a repository's visitors that a commit gets, in percent. */
export function sharePercent(route: Route | undefined, commit: string): number {
  const own = route?.shares.find((share) => share.commit === commit);
  if (!route || !own) return 0;
  const sum = route.shares.reduce((total, { weight }) => total + weight, 0);
  return (own.weight / sum) * 100;
}

/** The route without a commit; undefined when nothing is left of it. */
export function withoutShare(route: Route, commit: string): Route | undefined {
  const shares = route.shares.filter((share) => share.commit !== commit);
  return shares.length === 0 ? undefined : { ...route, shares };
}

export function isSameRoute(left: Route | undefined, right: Route): boolean {
  return (
    left?.shares.length === right.shares.length &&
    left.shares.every(
      ({ commit, weight }, at) =>
        right.shares[at]?.commit === commit && right.shares[at].weight === weight,
    )
  );
}

/** `74336bc 90, 40548da 10` for messages. */
export function formatShares(shares: readonly Share[]): string {
  return shares.map(({ commit, weight }) => `${shortCommit(commit)} ${weight}`).join(", ");
}
