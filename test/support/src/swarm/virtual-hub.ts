/**
 * What a hub does for one artifact besides sending pieces, with the real tracker: who asks is introduced to
 * others, with a key for each line, and what drones say of themselves is read. What it was told can be told to
 * another one afterwards, with nothing else in the way: that is how its processor time and memory are measured.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { ShareReport, SwarmPeer } from "@propagit/protocol";
import { nodeCrypto, simRandom } from "@propagit/runtime";
import {
  keyOfClaim,
  secretOfHolder,
  Tracker,
  type Participant,
  type TrackerEffect,
} from "@propagit/swarm";

export interface VirtualHubOptions {
  readonly artifact: string;
  readonly secret: string;
  readonly now: () => number;
  readonly fraction: () => number;
  /** A telling to a drone: as it is on the wire, but for the session's seal. */
  readonly tell: (name: string, text: string) => void;
}

export interface VirtualGrant {
  readonly secret: string;
  readonly expiresAt: number;
  readonly now: number;
  readonly peers: readonly SwarmPeer[];
}

/** What came to a hub, with when. */
export interface HubMessage {
  readonly at: number;
  /** Absent: somebody asks for the artifact. */
  readonly from?: string;
  readonly text: string;
}

export interface HubCost {
  readonly processorMs: number;
  /** What it keeps. */
  readonly heapBytes: number;
}

export const hubName = "hub";
const grantMs = 60 * 60_000;

export class VirtualHub {
  readonly #options: VirtualHubOptions;
  readonly tracker: Tracker;
  readonly messages: HubMessage[] = [];
  messagesOut = 0;

  constructor(options: VirtualHubOptions) {
    const { fraction } = options;
    const hub: SwarmPeer = { name: hubName, role: "hub", host: hubName, port: 1 };
    this.#options = options;
    this.tracker = new Tracker({ hub, relayOf: () => undefined, fraction });
  }

  /** A drone asks for the artifact: its grant, as text. */
  ask(text: string): string {
    const at = this.#options.now();
    this.messages.push({ at, text });
    const participant = JSON.parse(text) as Participant;
    const { name } = participant;
    const { peers, effects } = this.tracker.join(participant, at);
    this.#carryOut(effects);
    const now = Math.floor(at);
    const secret = secretOfHolder(nodeCrypto, this.#options.secret, name);
    const grant: VirtualGrant = {
      secret,
      expiresAt: now + grantMs,
      now,
      peers: this.#withKeys(name, peers),
    };
    this.messagesOut++;
    return JSON.stringify(grant);
  }

  /** What a drone says of its share. */
  hear(from: string, text: string): void {
    const at = this.#options.now();
    this.messages.push({ at, from, text });
    this.#carryOut(this.tracker.report(from, JSON.parse(text) as ShareReport, at));
  }

  #carryOut(effects: readonly TrackerEffect[]): void {
    for (const effect of effects) {
      if (effect.kind !== "introduce") continue;
      const peers = this.#withKeys(effect.to, effect.peers);
      this.messagesOut++;
      this.#options.tell(effect.to, JSON.stringify({ peers }));
    }
  }

  #withKeys(holder: string, peers: readonly SwarmPeer[]): SwarmPeer[] {
    const { artifact, now, secret } = this.#options;
    const expiresAt = Math.floor(now()) + grantMs;
    return peers.map((peer) => {
      const key = keyOfClaim(nodeCrypto, secretOfHolder(nodeCrypto, secret, peer.name), {
        artifact,
        holder,
        expiresAt,
      });
      return { ...peer, key, expiresAt };
    });
  }
}

/** Of a hub that is told all of that at once, for the second time: one that lives long is warm. */
export function costOfHub(messages: readonly HubMessage[]): HubCost {
  retell(messages);
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const start = process.cpuUsage();
  const hub = retell(messages);
  const { user, system } = process.cpuUsage(start);
  collectGarbage();
  const heapBytes = process.memoryUsage().heapUsed - before;
  // It is looked at after the measurement, so that it is still there then.
  if (hub.tracker.seats.size === 0) throw new Error("nobody took part");
  return { processorMs: (user + system) / 1_000, heapBytes };
}

function retell(messages: readonly HubMessage[]): VirtualHub {
  let at = 0;
  const random = simRandom(1);
  const hub = new VirtualHub({
    artifact: "a".repeat(64),
    secret: "5".repeat(64),
    now: () => at,
    fraction: () => random.fraction(),
    tell: () => undefined,
  });
  for (const message of messages) {
    at = message.at;
    if (message.from === undefined) hub.ask(message.text);
    else hub.hear(message.from, message.text);
  }
  hub.messages.length = 0;
  return hub;
}

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}
