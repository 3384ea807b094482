/** Drones and relays as those see them who swap pieces: under which name, where to dial, in which zone. */
import type { Participant } from "@propagit/swarm";
import { inOwnOrder } from "./core/own-order.js";
import type { Fleet, Member } from "./fleet.js";
import type { Ledger } from "./ledger.js";
import type { RelayDesk } from "./relay-desk.js";

export interface SwarmMembersParts {
  readonly fleet: Pick<Fleet, "member" | "members" | "listen" | "sessionKeyOf">;
  readonly ledger: Pick<Ledger, "rows">;
  readonly relays: Pick<RelayDesk, "through">;
}

export interface RelayQuestion {
  readonly artifact: string;
  /** Identities of those that did not take it on. */
  readonly unfit: ReadonlySet<string>;
  /** Whether one of that name gets its pieces, or has them. */
  readonly takesPart: (name: string) => boolean;
}

interface Relay {
  readonly identity: string;
  readonly participant: Participant;
}

export class SwarmMembers {
  readonly #parts: SwarmMembersParts;
  /** Relays that were heard of, by name: their identity. */
  readonly #relays = new Map<string, string>();
  /** Looked up for each drone and zone; made anew when a relay came or went. */
  #byZone: ReadonlyMap<string, readonly Relay[]> | undefined;
  readonly #listening: { stop(): void };

  constructor(parts: SwarmMembersParts) {
    this.#parts = parts;
    this.#listening = parts.fleet.listen({
      contact: (identity) => this.#look(identity),
      observed: () => undefined,
    });
    for (const { identity } of parts.fleet.members) this.#look(identity);
  }

  stop(): void {
    this.#listening.stop();
  }

  /** Undefined when it takes no part in swarms. */
  participant(identity: string): Participant | undefined {
    const member = this.#parts.fleet.member(identity);
    const row = this.#parts.ledger.rows("drones").get(identity);
    // Under that name others know the hub itself.
    if (!member?.swarm || !row || member.name === "hub") return undefined;
    const { port, relay } = member.swarm;
    const zone = this.#zoneOf(member);
    const parent = relay && this.#parentOf(identity);
    return {
      name: member.name,
      role: relay ? "relay" : "drone",
      host: relay?.host ?? row.host,
      port,
      ...(zone !== undefined && { zone }),
      ...(parent !== undefined && { parent }),
    };
  }

  /**
   * The live relay that carries an artifact into a zone. One that takes part in it already, so that its pieces cross
   * the line once; otherwise by the artifact, so that many artifacts spread over all relays of the zone.
   */
  relayOf(zone: string, { artifact, unfit, takesPart }: RelayQuestion): Participant | undefined {
    const { fleet } = this.#parts;
    this.#byZone ??= this.#relaysByZone();
    const live = (this.#byZone.get(zone) ?? []).filter(
      ({ identity }) => !unfit.has(identity) && fleet.sessionKeyOf(identity) !== undefined,
    );
    const taking = live.filter(({ participant: { name } }) => takesPart(name));
    const choice = taking.length > 0 ? taking : live;
    return inOwnOrder(artifact, choice, ({ identity }) => identity)[0]?.participant;
  }

  /** Of a relay. */
  identityOf(name: string): string | undefined {
    return this.#relays.get(name);
  }

  #look(identity: string): void {
    const member = this.#parts.fleet.member(identity);
    const isRelay = member?.swarm?.relay !== undefined;
    if (isRelay || this.#relays.get(member?.name ?? "") === identity) this.#byZone = undefined;
    if (isRelay) this.#relays.set(member.name, identity);
    else if (member && this.#relays.get(member.name) === identity) this.#relays.delete(member.name);
  }

  #relaysByZone(): ReadonlyMap<string, readonly Relay[]> {
    const byZone = new Map<string, Relay[]>();
    for (const [, identity] of [...this.#relays].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      const participant = this.participant(identity);
      if (participant?.zone === undefined) continue;
      const others = byZone.get(participant.zone) ?? [];
      byZone.set(participant.zone, [...others, { identity, participant }]);
    }
    return byZone;
  }

  /** Who speaks through a relay and names no zone is in that of the relay. */
  #zoneOf({ identity, labels }: Member): string | undefined {
    const zone = labels["zone"];
    if (zone !== undefined) return zone;
    const relay = this.#parts.relays.through(identity);
    return relay === undefined ? undefined : this.#parts.fleet.member(relay)?.labels["zone"];
  }

  #parentOf(identity: string): string | undefined {
    const relay = this.#parts.relays.through(identity);
    return relay === undefined ? undefined : this.#parts.fleet.member(relay)?.name;
  }
}
