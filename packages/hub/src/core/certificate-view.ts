/** Certificates as people see them: those that are there, and those that are asked for. */
import type { AcmeSummary, CertificateSummary } from "@propagit/protocol";
import { hostsWanted, newestByHost, renewAt } from "./certificate-plan.js";
import { acmeKey, type AcmeRow, type CertificateRow, type OrderRow } from "./certificate-rows.js";
import type { LedgerRows } from "./draft.js";

export function certificatesView(
  rows: LedgerRows,
  now: number,
  isUnderWay: (host: string) => boolean,
): readonly CertificateSummary[] {
  const acme = rows.rows("acme").get(acmeKey);
  const wanted = acme ? hostsWanted(rows, acme, now) : [];
  const newest = newestByHost(rows);
  const orders = rows.rows("orders");
  const shown = [...rows.rows("certificates").values()].map((row) => {
    const host =
      row.source === "acme" ? row.names.find((name) => newest.get(name) === row) : undefined;
    const isRenewed = host !== undefined && wanted.includes(host);
    const summary = summaryOf(row, now);
    if (!isRenewed) return summary;
    return withOrder({ ...summary, nextAt: renewAt(row) }, orders.get(host), isUnderWay(host));
  });
  const missing = wanted
    .filter((host) => !newest.has(host))
    .map((host) => missingView(host, acme, orders.get(host), isUnderWay(host)));
  return [...shown, ...missing].sort(byName);
}

/** What can be said of it alone. */
export function summaryOf(row: CertificateRow, now: number): CertificateSummary {
  const { id, names, source, issuer, notBefore, notAfter, by, at } = row;
  const state = notAfter <= now ? "expired" : notBefore > now ? "early" : "valid";
  return { id, names, source, state, issuer, notBefore, notAfter, by, since: at };
}

export function acmeView(row: AcmeRow, now: number): AcmeSummary {
  const { directory, email, challenge, hosts, allow, pausedUntil, by, at } = row;
  return {
    directory,
    challenge,
    hosts,
    allow,
    by,
    since: at,
    ...(email !== undefined && { email }),
    ...(pausedUntil !== undefined && pausedUntil > now && { pausedUntil }),
  };
}

function missingView(
  host: string,
  acme: AcmeRow | undefined,
  order: OrderRow | undefined,
  isUnderWay: boolean,
): CertificateSummary {
  const since = order?.since ?? acme?.at ?? 0;
  const plain: CertificateSummary = { names: [host], source: "acme", state: "waiting", since };
  return withOrder(plain, order, isUnderWay);
}

function withOrder(
  summary: CertificateSummary,
  order: OrderRow | undefined,
  isUnderWay: boolean,
): CertificateSummary {
  // What is there and good is said first; that it could not be renewed stands beside it.
  const isThere = summary.state === "valid";
  const state = isThere ? "valid" : stateOf(summary.state, order, isUnderWay);
  if (!order) return { ...summary, state };
  const { failures, error, nextAt } = order;
  return {
    ...summary,
    state,
    nextAt,
    ...(failures > 0 && { failures }),
    ...(error !== undefined && { error }),
  };
}

function stateOf(
  state: CertificateSummary["state"],
  order: OrderRow | undefined,
  isUnderWay: boolean,
): CertificateSummary["state"] {
  if (isUnderWay) return "ordering";
  return order?.error === undefined ? state : "failing";
}

function byName(left: CertificateSummary, right: CertificateSummary): number {
  const [first = "", second = ""] = [left.names[0], right.names[0]];
  return first < second ? -1 : first > second ? 1 : left.since - right.since;
}
