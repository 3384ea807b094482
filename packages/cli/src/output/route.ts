import { shortCommit, type Route } from "@propagit/protocol";

/** `webapp: 74336bc 90 %, 40548da 10 %` */
export function formatRoute({ repo, shares }: Route): string {
  const total = shares.reduce((sum, { weight }) => sum + weight, 0);
  const parts = shares.map(
    ({ commit, weight }) => `${shortCommit(commit)} ${formatPercent((100 * weight) / total)}`,
  );
  return `${repo}: ${parts.join(", ") || "no visitors are sent anywhere"}\n`;
}

export function formatPercent(percent: number): string {
  return `${Math.round(percent * 10) / 10} %`;
}
