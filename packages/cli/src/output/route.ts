import { environmentDefault, shortCommit, type Route } from "@propagit/protocol";
import { formatPercent } from "./quantity.js";

/** `webapp: 74336bc 90 %, 40548da 10 %` */
export function formatRoute({
  repo,
  environment,
  shares,
}: Pick<Route, "repo" | "environment" | "shares">): string {
  const total = shares.reduce((sum, { weight }) => sum + weight, 0);
  const commits = new Set(shares.map(({ commit }) => commit));
  const parts = shares.map(({ commit, deployment, weight }) => {
    // Two releases of one commit, with other settings.
    const which = commits.size < shares.length && deployment ? ` (deployment ${deployment})` : "";
    return `${shortCommit(commit)}${which} ${formatPercent((100 * weight) / total)}`;
  });
  const place = `${repo}${inEnvironment(environment)}`;
  return `${place}: ${parts.join(", ") || "no visitors are sent anywhere"}\n`;
}

/** Nothing for production, ` (staging)` for another environment. */
export function inEnvironment(environment: string | undefined): string {
  const isDefault = environment === undefined || environment === environmentDefault;
  return isDefault ? "" : ` (${environment})`;
}
