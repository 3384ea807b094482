/**
 * Keeps lines to enough of the peers that one was introduced to: a few at a time, each again only after a
 * while, and nobody who was found to be bad.
 */
import { keyOfClaim, type Claim } from "./core/claim.js";
import { toPropagitError, type SwarmPeer } from "@propagit/protocol";
import { backoffMs, type Backoff, type Clock, type Random } from "@propagit/runtime";
import type { Admission } from "./swarm.js";
import type { PeerLine, SwarmWorld } from "./world.js";

/** Lines to have; the tracker introduces about as many. */
const linesWanted = 10;
/** Of one artifact at the same time. */
const dialsMax = 8;
const dialLimitMs = 5_000;
/** Peers to remember. */
const knownMax = 256;
const redial: Backoff = { firstMs: 1_000, maxMs: 30_000 };

interface Known {
  peer: SwarmPeer;
  attempts: number;
  /** Of the monotonic clock. */
  notBefore: number;
  isDialling: boolean;
  lastReason?: string;
}

export interface DiallerOptions {
  readonly world: Pick<SwarmWorld, "clock" | "crypto" | "lines" | "random">;
  readonly admission: () => Admission;
  /** By the hub's clock. */
  readonly hubNow: () => number;
  readonly ownName: () => string;
  readonly isConnected: (name: string) => boolean;
  readonly isBanned: (name: string) => boolean;
  readonly lines: () => number;
  readonly dialled: (line: PeerLine, peer: SwarmPeer) => void;
}

export class Dialler {
  readonly #options: DiallerOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #known = new Map<string, Known>();
  #dialling = 0;
  #ended = false;

  constructor(options: DiallerOptions) {
    this.#options = options;
    this.#clock = options.world.clock;
    this.#random = options.world.random;
  }

  introduce(peers: readonly SwarmPeer[]): void {
    for (const peer of peers) {
      const known = this.#known.get(peer.name);
      if (known) {
        const isMoved = known.peer.host !== peer.host || known.peer.port !== peer.port;
        known.peer = peer;
        // Whoever introduces it again has seen it since.
        if (isMoved) known.notBefore = 0;
      } else if (this.#known.size < knownMax && peer.name !== this.#options.ownName())
        this.#known.set(peer.name, { peer, attempts: 0, notBefore: 0, isDialling: false });
    }
    this.run();
  }

  /** Dials whom it is time to dial, if more lines are wanted. */
  run(): void {
    if (this.#ended) return;
    const now = this.#clock.monotonic();
    const hubNow = this.#options.hubNow();
    for (const known of this.#known.values()) {
      if (this.#dialling >= dialsMax) return;
      if (this.#options.lines() + this.#dialling >= linesWanted) return;
      const { name } = known.peer;
      if (known.isDialling || known.notBefore > now) continue;
      if (hubNow > this.#claimFor(known.peer).expiresAt) continue;
      if (this.#options.isConnected(name) || this.#options.isBanned(name)) continue;
      void this.#dial(known);
    }
  }

  /** A line to it ended: not at once again. */
  lost(name: string): void {
    const known = this.#known.get(name);
    if (known) this.#putOff(known);
  }

  /** It was of use: the next attempt is a first one. */
  proved(name: string): void {
    const known = this.#known.get(name);
    if (known) known.attempts = 0;
  }

  /** Whom it knows, with why each could not be dialled last. */
  describe(): string {
    const all = [...this.#known.values()].map(({ peer: { name }, lastReason }) =>
      lastReason === undefined ? name : `${name} (${lastReason})`,
    );
    return all.length > 0 ? all.slice(0, 8).join(", ") : "nobody";
  }

  end(): void {
    this.#ended = true;
  }

  async #dial(known: Known): Promise<void> {
    const { admission, dialled, world } = this.#options;
    const claim = this.#claimFor(known.peer);
    const { host, port } = known.peer;
    known.isDialling = true;
    this.#dialling++;
    try {
      // Without a key of its own, as in simulations, all have the same secret.
      const key = known.peer.key ?? keyOfClaim(world.crypto, admission().secret, claim);
      const line = await world.lines.dial({ host, port }, claim, key, dialLimitMs);
      delete known.lastReason;
      if (this.#ended) line.close();
      else dialled(line, known.peer);
    } catch (thrown) {
      known.lastReason = toPropagitError(thrown).message;
      this.#putOff(known);
    } finally {
      known.isDialling = false;
      this.#dialling--;
    }
  }

  #claimFor(peer: SwarmPeer): Claim {
    const { artifact, expiresAt, holder } = this.#options.admission();
    return { artifact, holder, expiresAt: peer.expiresAt ?? expiresAt };
  }

  #putOff(known: Known): void {
    known.attempts++;
    const delayMs = backoffMs(redial, known.attempts, this.#random.fraction());
    known.notBefore = this.#clock.monotonic() + delayMs;
  }
}
