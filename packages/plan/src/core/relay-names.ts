/**
 * Names below `relays`. A mistyped one would leave what the relay is to do to the target `all`, and all its delays
 * unheeded, so each must be the name of one that something is handed on to.
 */
import { PropagitError, quote, suggestion } from "@propagit/protocol";
import type { TargetBook } from "./targets.js";

interface NamedRelays {
  readonly book: TargetBook;
  /** Where it is said what targets mean for a relay. */
  readonly relayPlaceOf?: (relay: string) => string | undefined;
}

/**
 * As far as it can be said without asking which drones there are.
 *
 * @throws BAD_TARGET with the place of each that nothing is handed on to
 */
export function checkRelays(named: NamedRelays): void {
  const members = forwarding(named.book);
  const names = members.flatMap(namesIn);
  refuse(
    named,
    [...named.book.relays.keys()].filter((relay) => !members.some((one) => mayMean(one, relay))),
    (relay) => `no target forwards to ${quote(relay)}${suggestion(relay, names)}`,
  );
}

/**
 * Those that only a pattern or a selector may mean.
 *
 * @param drones names of drones that a text means
 * @throws BAD_TARGET when one of them is no drone
 */
export function checkRelayDrones(
  named: NamedRelays,
  drones: (text: string) => readonly string[],
): void {
  const names = new Set(forwarding(named.book).flatMap(namesIn));
  const unsaid = [...named.book.relays.keys()].filter((relay) => !names.has(relay));
  refuse(
    named,
    unsaid.filter((relay) => drones(relay).length === 0),
    (relay) => `there is no drone ${quote(relay)}${suggestion(relay, drones("*"))}`,
  );
}

function refuse(
  { relayPlaceOf }: NamedRelays,
  relays: readonly string[],
  why: (relay: string) => string,
): void {
  if (relays.length === 0) return;
  const lines = relays.map((relay) => `${relayPlaceOf?.(relay) ?? "`relays`"}: ${why(relay)}`);
  throw new PropagitError("BAD_TARGET", lines.join("\n  "), {
    hint: "what it says would be lost: a relay is named as the member that has a `forward`; docs/targets.md",
  });
}

/** Members that hand on, of all targets. */
function forwarding({ targets, relays }: TargetBook): readonly string[] {
  return [targets, ...relays.values()]
    .flatMap((own) => [...own.values()])
    .flatMap((target) => [...target])
    .flatMap(([member, { forward }]) => (forward === undefined ? [] : [member]));
}

/** Of a list its names; none of a pattern or a selector. */
function namesIn(member: string): readonly string[] {
  if (isPattern(member) || isSelector(member)) return [];
  return member.split(",");
}

/** Which drones have a label is known to the hub only. */
function mayMean(member: string, relay: string): boolean {
  return isPattern(member) ? fits(member, relay) : isSelector(member) || isIn(member, relay);
}

function isIn(member: string, relay: string): boolean {
  return member === "*" || namesIn(member).includes(relay);
}

/** One that cannot be read is told by whoever selects drones with it. */
function fits(pattern: string, relay: string): boolean {
  try {
    return new RegExp(pattern.slice(1, -1)).test(relay);
  } catch {
    return true;
  }
}

function isPattern(member: string): boolean {
  return member.startsWith("/");
}

function isSelector(member: string): boolean {
  return !isPattern(member) && /[=!()\s]/.test(member);
}
