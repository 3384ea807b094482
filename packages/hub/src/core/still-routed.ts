/** Why something is not stopped without force: visitors, or copies of their requests, are sent to it. */
import { PropagitError, shortCommit } from "@propagit/protocol";
import type { LedgerRows } from "./draft.js";
import { placeName } from "./place-name.js";
import { flagOf } from "./rollout-lines.js";
import { placeKey, type DeploymentRow } from "./rows.js";
import { describeUse, freeHint, usesOf, type Use } from "./uses.js";

interface Routed {
  readonly repo: string;
  readonly environment: string;
  readonly commit: string;
  readonly deployment: string | undefined;
}

/** STILL_ROUTED; undefined when nothing is sent there. */
export function stillRouted(
  ledger: LedgerRows,
  target: Routed,
  rows: readonly DeploymentRow[],
): PropagitError | undefined {
  const { repo, environment } = target;
  const route = ledger.rows("routes").get(placeKey(repo, environment));
  const uses = rows.some(({ started }) => started) ? usesOf(route, target) : [];
  const [first] = uses;
  if (!first) return undefined;
  const hint = freeHint(first, repo, flagOf(environment));
  const why = uses.map((use) => say(use, target)).join("; ");
  return new PropagitError("STILL_ROUTED", why, { ...(hint !== undefined && { hint }) });
}

/** `10 % of the visitors of webapp go to 74336bc`, `webapp 74336bc is needed: it serves …` */
function say(use: Use, target: Routed): string {
  const [where, commit] = [placeName(target), shortCommit(target.commit)];
  if (use.kind !== "share") return `${where} ${commit} is needed: ${describeUse(use)}`;
  return `${Math.round(use.percent * 100) / 100} % of the visitors of ${where} go to ${commit}`;
}
