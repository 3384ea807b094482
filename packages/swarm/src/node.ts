/**
 * A process that takes part in artifacts, on a `SwarmWorld`: real or simulated. One timer for all of them;
 * everything else happens when a peer says something.
 */
import { keyOfClaim, parseClaim } from "./core/claim.js";
import { TokenBucket } from "./core/token-bucket.js";
import { ArtifactShare, type ShareContext } from "./share.js";
import type { Admission, Offer, Share, Swarm, SwarmOptions } from "./swarm.js";
import { Uploads } from "./uploads.js";
import type { PeerLine, SwarmWorld } from "./world.js";
import { PropagitError } from "@propagit/protocol";

/** How often it looks at what goes by time: stalls, attempts to dial, reports. */
const tickMs = 250;
/** Requests stop only when so much came at once beyond the cap. */
const intakeBurstMs = 500;

/**
 * @example
 * import { SwarmNode, type Admission, type SwarmWorld } from "@propagit/swarm";
 *
 * async function fetchPack(world: SwarmWorld, admission: Admission): Promise<string> {
 *   const options = { name: () => "web-1", role: "drone", zone: undefined } as const;
 *   const node = new SwarmNode(world, { ...options, changed: (report) => console.log(report) });
 *   const share = node.take(admission);
 *   await share.whole;
 *   return share.path;
 * }
 */
export class SwarmNode implements Swarm {
  readonly #world: SwarmWorld;
  readonly #context: ShareContext;
  readonly #uploads: Uploads;
  readonly #shares = new Map<string, ArtifactShare>();
  #isTicking = false;
  #stopped = false;

  constructor(world: SwarmWorld, options: SwarmOptions) {
    const { receiveBytesPerSecondMax: receiveMax, sendBytesPerSecondMax: sendMax } = options;
    const now = world.clock.monotonic();
    this.#world = world;
    this.#uploads = new Uploads(world.clock, sendMax);
    this.#context = {
      world,
      options,
      uploads: this.#uploads,
      intakeCap:
        receiveMax === undefined ? undefined : new TokenBucket(receiveMax, now, intakeBurstMs),
      intakes: () => this.shares.filter((share) => share.isTaking).length || 1,
    };
  }

  get shares(): readonly ArtifactShare[] {
    return [...this.#shares.values()];
  }

  share(artifact: string): Share | undefined {
    return this.#shares.get(artifact);
  }

  take(admission: Admission): Share {
    const known = this.#shares.get(admission.artifact);
    if (known && !known.isOver) {
      known.admit(admission);
      return known;
    }
    const share = new ArtifactShare(this.#context, admission);
    this.#add(share);
    void share.start();
    return share;
  }

  async offer(offer: Offer): Promise<Share> {
    const known = this.#shares.get(offer.artifact);
    const admission = { ...offer, bytes: 0, peers: [] };
    if (known && !known.isOver) {
      known.admit(admission);
      return known;
    }
    const share = new ArtifactShare(this.#context, admission);
    this.#add(share);
    try {
      await share.startOffer(offer);
    } catch (thrown) {
      this.#shares.delete(offer.artifact);
      throw thrown;
    }
    return share;
  }

  keyFor(identity: string): string | undefined {
    const claim = parseClaim(identity);
    const share = claim && this.#shares.get(claim.artifact);
    if (!claim || !share || share.isOver || claim.expiresAt < share.hubNow()) return undefined;
    return keyOfClaim(this.#world.crypto, share.secret, claim);
  }

  accept(line: PeerLine): void {
    const share = this.#shares.get(line.claim.artifact);
    if (share && !this.#stopped) share.accept(line);
    else line.close();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.shares.map((share) => share.end("keep")));
    this.#shares.clear();
  }

  /** @throws LINK_LOST when it was stopped */
  #add(share: ArtifactShare): void {
    if (this.#stopped) throw new PropagitError("LINK_LOST", "this process ends");
    this.#shares.set(share.artifact, share);
    if (!this.#isTicking) this.#tickLater();
  }

  #tickLater(): void {
    this.#isTicking = true;
    this.#world.clock.after(tickMs, () => this.#tick());
  }

  #tick(): void {
    this.#isTicking = false;
    for (const share of this.shares) {
      share.tick();
      if (share.isGone) this.#shares.delete(share.artifact);
    }
    this.#uploads.tick();
    if (this.#shares.size > 0 && !this.#stopped) this.#tickLater();
  }
}
