/**
 * When an authority is asked for which host.
 *
 *     wanted, none there ──> due          got ── two thirds of its life ──> due
 *       failed ──> 2 min, 8 min, 32 min, 2 h, … 24 h, each give or take ──> due
 *
 * Five failed checks of a host within an hour are the most that Let's Encrypt takes: 2 + 8 + 32 minutes are
 * four tries in the first hour.
 */
import { acmeKey, type AcmeRow, type CertificateRow, type OrderRow } from "./certificate-rows.js";
import { wantedHosts } from "./certificate-hosts.js";
import type { LedgerRows } from "./draft.js";

export interface OrderPlan {
  /** To be asked for now, those that wait longest first. */
  readonly due: readonly string[];
  /** When to look again; undefined when nothing will be due by itself. */
  readonly nextAt: number | undefined;
  /** Ids of certificates that an authority gave, and that are over and no longer wanted. */
  readonly over: readonly string[];
  /** Hosts that were to be asked for, and that nobody wants any more. */
  readonly dropped: readonly string[];
}

const minuteMs = 60_000;
const retryMs = { first: 2 * minuteMs, factor: 4, most: 24 * 60 * minuteMs } as const;
/** Failures may be delayed or early by that part, so that a thousand hosts are not asked for at once. */
const retryJitter = 0.2;
const renewJitter = 0.05;
const nothing: OrderPlan = { due: [], nextAt: undefined, over: [], dropped: [] };

export function planOrders(rows: LedgerRows, now: number): OrderPlan {
  const acme = rows.rows("acme").get(acmeKey);
  if (!acme) return nothing;
  const newest = newestByHost(rows);
  const hosts = hostsWanted(rows, acme, now);
  const wanted = new Set(hosts);
  const times = hosts.map((host) => ({ host, at: dueAt(rows, host, newest.get(host)) }));
  const pausedUntil = acme.pausedUntil ?? 0;
  const due = times.filter(({ at }) => at <= now).sort((left, right) => left.at - right.at);
  const later = times.filter(({ at }) => at > now).map(({ at }) => at);
  const isPaused = pausedUntil > now;
  if (isPaused && due.length > 0) later.push(pausedUntil);
  return {
    due: isPaused ? [] : due.map(({ host }) => host),
    nextAt: later.length > 0 ? Math.max(pausedUntil, Math.min(...later)) : undefined,
    over: overIds(rows, wanted, now),
    dropped: [...rows.rows("orders").keys()].filter((host) => !wanted.has(host)),
  };
}

export function hostsWanted(rows: LedgerRows, acme: AcmeRow, now: number): readonly string[] {
  const routes = [...rows.rows("routes").values()];
  const routed = routes.flatMap(({ hosts = [] }) => hosts.map(({ host }) => host));
  return wantedHosts({ acme, routed, certificates: rows.rows("certificates").values() }, now);
}

/** At two thirds of its life, a little earlier for some than for others; the same each time it is asked. */
export function renewAt({ id, notBefore, notAfter }: CertificateRow): number {
  const lifeMs = notAfter - notBefore;
  const part = Number.parseInt(id.slice(0, 4), 16) / 65_536;
  return Math.floor(notBefore + lifeMs * (2 / 3 - part * renewJitter));
}

/**
 * @param failures in a row, with this one
 * @param fraction random, from 0 to 1
 * @param retryAfterMs as the authority wishes: never before that
 */
export function retryAt(
  now: number,
  {
    failures,
    fraction,
    retryAfterMs = 0,
  }: { failures: number; fraction: number; retryAfterMs?: number },
): number {
  const plainMs = retryMs.first * retryMs.factor ** Math.min(failures - 1, 10);
  const waitMs = Math.min(plainMs, retryMs.most) * (1 - retryJitter + fraction * 2 * retryJitter);
  return now + Math.ceil(Math.max(waitMs, retryAfterMs));
}

/** The newest certificate that an authority gave for each host. */
export function newestByHost(rows: LedgerRows): ReadonlyMap<string, CertificateRow> {
  const newest = new Map<string, CertificateRow>();
  for (const row of rows.rows("certificates").values()) {
    if (row.source !== "acme") continue;
    for (const name of row.names) {
      if (row.notAfter > (newest.get(name)?.notAfter ?? 0)) newest.set(name, row);
    }
  }
  return newest;
}

function dueAt(rows: LedgerRows, host: string, certificate: CertificateRow | undefined): number {
  const order: OrderRow | undefined = rows.rows("orders").get(host);
  if (order) return order.nextAt;
  return certificate ? renewAt(certificate) : 0;
}

/** Those of hosts that nobody wants any more go when they are over; those that were replaced, too. */
function overIds(rows: LedgerRows, wanted: ReadonlySet<string>, now: number): readonly string[] {
  return [...rows.rows("certificates").values()]
    .filter(({ source, notAfter }) => source === "acme" && notAfter <= now)
    .filter(({ names }) => !names.some((name) => wanted.has(name)))
    .map(({ id }) => id);
}
