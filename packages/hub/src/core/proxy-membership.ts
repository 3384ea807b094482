/**
 * What meeting a proxy does to the rows: its name, who is forgotten for it, whether that is news. A proxy
 * keeps its name as long as it wants the same one; those that ended or are away for long make room.
 */
import { formatAddress, PropagitError, type Params } from "@propagit/protocol";
import type { Contact } from "./contact.js";
import { chooseName } from "./drone-name.js";
import type { LedgerChange, ProxyRow } from "./rows.js";

export type MeetParams = Params<"hub.meet">;

/** A proxy introducing itself, with what a former version does not say. */
export type Meeting = Required<Pick<MeetParams, "identity" | "name" | "version" | "address">> &
  Pick<MeetParams, "zone">;

/** Proxies known to one hub; what the answer to `hub.proxies` has room for. */
const proxiesMax = 1_000;
/** Who ended, or is away, is forgotten after a week: it would only be in the way of a look. A guess. */
const forgetMs = 7 * 86_400_000;

export interface MeetPlan {
  readonly row: ProxyRow;
  readonly forgotten: readonly string[];
  /** Undefined: it is back as it was. */
  readonly change: LedgerChange | undefined;
}

/** @throws BAD_VERSION for a proxy that does not say who it is */
export function meetingOf({ identity, name, version, address, zone }: MeetParams): Meeting {
  if (!identity || !name || !version || !address) {
    throw new PropagitError(
      "BAD_VERSION",
      "this proxy is of a former version: it does not say who it is, and would not understand the book of routes",
      { hint: "update the proxy to the hub's version" },
    );
  }
  return { identity, name, version, address, ...(zone !== undefined && { zone }) };
}

/**
 * @param host of its connection
 * @throws OVERLOADED
 */
export function planMeet(
  rows: ReadonlyMap<string, ProxyRow>,
  contactOf: (identity: string) => Contact | undefined,
  {
    meeting,
    host,
    now,
  }: { readonly meeting: Meeting; readonly host: string; readonly now: number },
): MeetPlan {
  const { identity, name: wanted, version, zone } = meeting;
  const before = rows.get(identity);
  const others = [...rows.values()].filter((row) => row.identity !== identity);
  const forgotten = others.filter((row) => isForgotten(row, contactOf(row.identity), now));
  const left = others.filter((row) => !forgotten.includes(row));
  if (left.length >= proxiesMax) {
    throw new PropagitError("OVERLOADED", `the hub knows ${proxiesMax} proxies already`);
  }
  const taken = new Set(left.map((row) => row.name));
  const address = formatAddress({ host: meeting.address.host ?? host, port: meeting.address.port });
  const contact = contactOf(identity);
  const isNews = contact !== "connected" && contact !== "lost";
  const row: ProxyRow = {
    identity,
    name: before?.wanted === wanted ? before.name : chooseName(wanted, (one) => taken.has(one)),
    wanted,
    address,
    ...(zone !== undefined && { zone }),
    version,
    state: "connected",
    since: before && !isNews ? before.since : now,
  };
  const isChange = isNews || forgotten.length > 0 || JSON.stringify(before) !== JSON.stringify(row);
  const change = isChange ? changeOf(row, forgotten, isNews) : undefined;
  return { row, forgotten: forgotten.map((one) => one.identity), change };
}

function changeOf(row: ProxyRow, forgotten: readonly ProxyRow[], isNews: boolean): LedgerChange {
  const gone = forgotten.map(
    ({ identity: key }) => ({ table: "proxies", key, row: undefined }) as const,
  );
  const text = `proxy ${row.name} takes visitors at ${row.address}`;
  return {
    edits: [...gone, { table: "proxies", key: row.identity, row }],
    events: isNews ? [{ kind: "proxy-joined", text }] : [],
  };
}

function isForgotten({ since }: ProxyRow, contact: Contact | undefined, now: number): boolean {
  return (contact === "left" || contact === "away") && now - since > forgetMs;
}
