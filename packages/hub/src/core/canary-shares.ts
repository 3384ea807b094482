/** The shares of a rollout by steps: what the new one gets, and how the old ones divide the rest. */
import type { Control, Share } from "@propagit/protocol";
import type { CanaryRow } from "./canary-row.js";
import { leadsTo } from "./shares.js";

export type SharedCanary = Pick<CanaryRow, "commit" | "deployment" | "before" | "old">;

/** Everything goes to the new one, or back, without a second share of weight 0. */
export function sharesAt({ commit, deployment, before }: SharedCanary, percent: number): Share[] {
  const id = deployment === undefined ? {} : { deployment };
  if (percent >= 100) return [{ commit, ...id, weight: 1 }];
  if (percent <= 0) return [...before];
  const total = before.reduce((sum, { weight }) => sum + weight, 0);
  const others = before.map((share) => ({
    ...share,
    weight: (share.weight / total) * (100 - percent),
  }));
  return [...others, { commit, ...id, weight: percent }];
}

/** As many of the old one's visitors as the new one has, to compare it with; all when there are not more. */
export function controlAt(canary: SharedCanary, percent: number): Control | undefined {
  if (percent <= 0 || percent >= 100) return undefined;
  const share = sharesAt(canary, percent).find((one) => leadsTo(one, canary.old));
  if (!share) return undefined;
  const { commit, deployment, weight } = share;
  return {
    commit,
    ...(deployment !== undefined && { deployment }),
    percent: Math.min(100, (percent / weight) * 100),
  };
}

export function isSameShares(left: readonly Share[], right: readonly Share[]): boolean {
  const plain = (shares: readonly Share[]) =>
    JSON.stringify(shares.map(({ commit, deployment, weight }) => [commit, deployment, weight]));
  return plain(left) === plain(right);
}
