/**
 * What a drone's join does to the rows: its name, who is forgotten for it, whether that is news.
 *
 * A drone keeps its name as long as it wants the same one; one that ended on purpose gives its name up to
 * a new drone that wants it, one that is only away does not.
 */
import {
  parseDroneName,
  parseLabel,
  parseServiceName,
  PropagitError,
  type Params,
} from "@propagit/protocol";
import { Value } from "typebox/value";
import type { Draft } from "./draft.js";
import { chooseName } from "./drone-name.js";
import type { DroneRow } from "./rows.js";
import type { Contact } from "./contact.js";

/** Drones known to one hub; what a deploy's answer has room for. */
const dronesMax = 10_000;
const labelsMax = 32;
/** A drone that ended is forgotten after a week, one that is away after 90 days; guesses. */
const forgetMs = { left: 7 * 86_400_000, away: 90 * 86_400_000 } as const;
/** Forgotten at one join; a transaction has bounds. */
const forgottenMax = 100;

export type Labels = Readonly<Record<string, string>>;
export type JoinParams = Params<"hub.join">;

/** How a drone is known right now. */
export interface Standing {
  readonly contact: Contact;
  readonly since: number;
}

export interface JoinPlan {
  readonly row: DroneRow;
  /** Identities whose rows go. */
  readonly forgotten: readonly string[];
  /** Whether it was not there before, or not for a while. */
  readonly isNews: boolean;
  /** False: it is back as it was. */
  readonly isChange: boolean;
}

/** @throws BAD_NAME */
export function checkJoin({ name, service, labels }: JoinParams): void {
  parseDroneName(name);
  if (service !== undefined) parseServiceName(service);
  const pairs = Object.entries(labels);
  if (pairs.length > labelsMax) {
    throw new PropagitError("BAD_NAME", `a drone has at most ${labelsMax} labels`);
  }
  for (const [key, value] of pairs) parseLabel(`${key}=${value}`);
}

/** Labels as they count: those it was started with, and what was changed of them since. */
export function labelsOf({ labels, relabelled }: Pick<DroneRow, "labels" | "relabelled">): Labels {
  if (!relabelled) return labels;
  const kept = Object.entries(labels).filter(([key]) => !relabelled.unset.includes(key));
  return { ...Object.fromEntries(kept), ...relabelled.set };
}

/** Drones that are forgotten, and what was said of them: instances kept ended there, services started there. */
export function forgetDrones(draft: Draft, identities: readonly string[]): void {
  const gone = new Set(identities);
  if (gone.size === 0) return;
  for (const identity of gone) draft.delete("drones", identity);
  for (const [key, { identity }] of draft.rows("holds")) {
    if (gone.has(identity)) draft.delete("holds", key);
  }
  for (const [key, row] of draft.rows("spawned")) {
    const drones = row.drones.filter((identity) => !gone.has(identity));
    if (drones.length === 0) draft.delete("spawned", key);
    else if (drones.length < row.drones.length) draft.put("spawned", key, { ...row, drones });
  }
}

/** @throws OVERLOADED */
export function planJoin(
  rows: ReadonlyMap<string, DroneRow>,
  standings: ReadonlyMap<string, Standing>,
  params: JoinParams,
  now: number,
): JoinPlan {
  const { identity, name: wanted, labels, service, host, version, swarm } = params;
  const before = rows.get(identity);
  const { name, forgotten } =
    before?.wanted === wanted
      ? { name: before.name, forgotten: [] }
      : makeRoom(rows, standings, params, now);
  const contact = standings.get(identity)?.contact;
  const since = before?.state === "connected" ? before.since : now;
  const isNews = contact !== "connected" && contact !== "lost";
  const state = "connected";
  const row: DroneRow = {
    identity,
    name,
    wanted,
    labels,
    ...(service !== undefined && { service }),
    host,
    version,
    state,
    since,
    ...(before?.relabelled && { relabelled: before.relabelled }),
    ...(before?.draining && { draining: before.draining }),
    ...(swarm?.relay?.carriesOnly && { carriesOnly: true }),
  };
  const isChange = isNews || forgotten.length > 0 || !Value.Equal(before, row);
  return { row, forgotten, isNews, isChange };
}

/** Finds a name for a drone that is new, or wants another one. */
function makeRoom(
  rows: ReadonlyMap<string, DroneRow>,
  standings: ReadonlyMap<string, Standing>,
  { identity, name: wanted }: JoinParams,
  now: number,
): { readonly name: string; readonly forgotten: readonly string[] } {
  const others = [...rows.values()].filter((row) => row.identity !== identity);
  const expired = others.filter((row) => isExpired(standings.get(row.identity), now));
  if (others.length - expired.length >= dronesMax) {
    throw new PropagitError("OVERLOADED", `the hub knows ${dronesMax} drones already`);
  }
  const hasLeft = (row: DroneRow) => standings.get(row.identity)?.contact === "left";
  const name = freeName(
    wanted,
    others.filter((row) => !hasLeft(row)),
  );
  const replaced = others.filter((row) => row.name === name);
  const forgotten = [...replaced, ...expired.slice(0, forgottenMax)];
  return { name, forgotten: [...new Set(forgotten.map((row) => row.identity))] };
}

function freeName(wanted: string, others: readonly DroneRow[]): string {
  const taken = new Set(others.map(({ name }) => name));
  return chooseName(wanted, (name) => taken.has(name));
}

function isExpired(standing: Standing | undefined, now: number): boolean {
  if (standing?.contact !== "left" && standing?.contact !== "away") return false;
  return now - standing.since > forgetMs[standing.contact];
}
