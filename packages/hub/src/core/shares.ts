/** Shares of a route: what `promote` and `split` make, what `stop --force` takes away. */
import { PropagitError, shortCommit, type Route, type Share } from "@propagit/protocol";

/** Above this, shares of others are no longer told apart; the frames' own bound. */
const weightMax = 1_000_000;

/** What a share may lead to. */
export interface Destination {
  readonly commit: string;
  readonly deployment?: string | undefined;
}

/** @throws BAD_WEIGHT when there is no share, one is not a number above 0, or a commit has two */
export function checkShares(shares: readonly Share[]): readonly Share[] {
  if (shares.length === 0) throw new PropagitError("BAD_WEIGHT", "a split needs a share");
  const seen: Share[] = [];
  for (const share of shares) {
    const { commit, weight } = share;
    if (!Number.isFinite(weight) || weight <= 0 || weight > weightMax) {
      throw new PropagitError(
        "BAD_WEIGHT",
        `the weight ${weight} of ${shortCommit(commit)} is not above 0 and at most ${weightMax}`,
      );
    }
    if (seen.some((other) => leadsTo(other, share))) {
      throw new PropagitError("BAD_WEIGHT", `${shortCommit(commit)} is named twice`);
    }
    seen.push(share);
  }
  return shares;
}

/** Whether visitors of a share may get there; a share without a deployment takes any of its commit. */
export function leadsTo(share: Destination, { commit, deployment }: Destination): boolean {
  if (share.commit !== commit) return false;
  return (
    share.deployment === undefined || deployment === undefined || share.deployment === deployment
  );
}

/** The part of an environment's visitors that a commit, or one deployment of it, gets, in percent. */
export function sharePercent(route: Route | undefined, destination: Destination): number {
  if (!route || route.shares.length === 0) return 0;
  const weigh = (shares: readonly Share[]) =>
    shares.reduce((total, { weight }) => total + weight, 0);
  const own = route.shares.filter((share) => leadsTo(share, destination));
  return (weigh(own) / weigh(route.shares)) * 100;
}

export function isSameRoute(left: Route | undefined, right: Route): boolean {
  return (
    left !== undefined && JSON.stringify(comparable(left)) === JSON.stringify(comparable(right))
  );
}

/** `74336bc 90, 40548da 10` for messages. */
export function formatShares(shares: readonly Share[]): string {
  return shares.map(({ commit, weight }) => `${shortCommit(commit)} ${weight}`).join(", ");
}

/** Lists in their order, names of shares in one. */
function comparable({ shares, hosts = [], rules = {}, experiments = [], shadow }: Route) {
  return [
    shares.map(({ commit, deployment, weight }) => [commit, deployment ?? "", weight]),
    hosts,
    rules,
    experiments,
    shadow ?? null,
  ];
}
