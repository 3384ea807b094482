/**
 * Which other addresses lead to the hub, for one drone: the relays of its zone, then where those go.
 *
 *     zone b:  relay-1 (to hub:6001)   relay-2 (to relay-1)         a drone of zone b:  relay-2, relay-1, hub
 *     relay-2 itself, when relay-1 dies:                            relay-1's neighbours, then hub
 *
 * Each drone has an order of its own, so that many spread over the relays of their zone, and those of a relay
 * that dies over all that are left; nobody but them moves.
 */
import { inOwnOrder } from "./own-order.js";

export interface RelaySeen {
  readonly identity: string;
  readonly zone: string | undefined;
  /** `host:port` where it takes drones in. */
  readonly address: string;
  /** `host:port` where it goes itself. */
  readonly upstream: string;
  /** Identity of the relay through which it goes; undefined: none. */
  readonly through: string | undefined;
}

export interface WayAsker {
  readonly identity: string;
  readonly zone: string | undefined;
  readonly isRelay: boolean;
  readonly through: string | undefined;
}

/** As many as an answer has room for. */
const waysMax = 64;

export function waysOf(asker: WayAsker, relays: readonly RelaySeen[]): readonly string[] {
  const near = inOwnOrder(asker.identity, nearRelays(asker, relays), ({ identity }) => identity);
  const over = relays.find(({ identity }) => identity === asker.through);
  const upstreams = [...near, ...(over ? [over] : [])].map(({ upstream }) => upstream);
  const ways = new Set([...near.map(({ address }) => address), ...upstreams]);
  return [...ways].slice(0, waysMax);
}

/**
 * Of a drone those of its zone. One in a zone without relays goes by a relay because it was told to: those
 * beside that one. So does a relay; never by one that goes by itself.
 */
function nearRelays(asker: WayAsker, relays: readonly RelaySeen[]): readonly RelaySeen[] {
  const inZone = (zone: string | undefined) =>
    relays.filter((relay) => zone !== undefined && relay.zone === zone);
  const ofZone = asker.isRelay ? [] : inZone(asker.zone);
  if (ofZone.length > 0) return ofZone;
  const over = relays.find(({ identity }) => identity === asker.through);
  return inZone(over?.zone).filter((relay) => !goesBy(relay, asker.identity, relays));
}

/** Whether a relay is that one, or goes through it. */
function goesBy(relay: RelaySeen, identity: string, relays: readonly RelaySeen[]): boolean {
  const seen = new Set<string>();
  let at: RelaySeen | undefined = relay;
  while (at && !seen.has(at.identity)) {
    if (at.identity === identity) return true;
    seen.add(at.identity);
    const { through }: RelaySeen = at;
    at = relays.find((one) => one.identity === through);
  }
  return false;
}
