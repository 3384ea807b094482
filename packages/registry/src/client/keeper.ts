/**
 * Keeps own records registered: what is wanted is here, what the registry has is made equal to it, in
 * rounds; one at a time, after every connect, every change and every third of a lease.
 *
 *     round:  free what is no longer wanted → renew the lease (or get a new one) → register what is missing
 *
 * Freeing comes first: after a restart of the registry a renewal shows all records of the lease again, and
 * one that was freed meanwhile must not come back even for a moment.
 */
import {
  PropagitError,
  toPropagitError,
  type Endpoint,
  type ErrorCode,
  type Registration,
} from "@propagit/protocol";
import { type Conversation, deferred, type Timer, type World } from "@propagit/runtime";
import type { OwnRecord } from "./own-record.js";

export interface KeeperOptions {
  readonly ttlMs: number;
  /** Another free port for a record whose port turned out to be taken. */
  readonly choosePort: (own: OwnRecord) => Promise<number>;
  /** To go on with. */
  readonly lease: string | undefined;
  readonly leaseChanged: (lease: string) => void;
}

/** Ports tried for one record before it is given up. */
const portTriesMax = 20;
/** Registrations on their way at the same time. */
const putsAtOnce = 64;
/** Leases that may end within one round before the next round is waited for. */
const leaseTriesMax = 3;
/** Pause before a round that failed, or found a port taken, is made again. */
const retryMs = 1_000;
/** Waited for beyond a lease time: the tick that ends the lease, and the way there. */
const patienceMs = 2_000;
/** Answers that mean: not now, perhaps later. */
const passing: ReadonlySet<ErrorCode> = new Set(["LINK_LOST", "TIMED_OUT", "UNREACHABLE"]);
/** Answers that mean: somebody else is there, perhaps one who died and whose lease has not ended. */
const occupied: ReadonlySet<ErrorCode> = new Set(["PORT_TAKEN", "NOT_OWNER"]);

export class Keeper {
  readonly #world: World;
  readonly #options: KeeperOptions;
  readonly #own = new Map<string, OwnRecord>();
  /** Ids that the registry may still have under the lease. */
  readonly #unwanted = new Set<string>();
  #lease: string | undefined;
  /** Long ago: a lease of an earlier life is renewed before it is used. */
  #renewedAtMs = Number.NEGATIVE_INFINITY;
  #conversation: Conversation | undefined;
  #turn: Promise<void> = Promise.resolve();
  #nextRound: Promise<void> | undefined;
  #renewTimer: Timer | undefined;
  #retryTimer: Timer | undefined;
  #isStopped = false;

  constructor(world: World, options: KeeperOptions) {
    this.#world = world;
    this.#options = options;
    this.#lease = options.lease;
  }

  records(): readonly OwnRecord[] {
    return [...this.#own.values()];
  }

  /** Wants a record registered; `own.awaited` tells when it is. The same id replaces. */
  want(own: OwnRecord): void {
    const before = this.#own.get(own.id);
    if (before) void own.awaited.promise.then(before.awaited.resolve, before.awaited.reject);
    this.#own.set(own.id, own);
    void this.#kick();
  }

  /** Registers a record again, changed; resolves when the registry has it so. */
  change(own: OwnRecord, registration: Registration): Promise<Endpoint> {
    const before = own.awaited;
    own.awaited = deferred();
    void own.awaited.promise.then(before.resolve, before.reject);
    own.registration = registration;
    own.isHeld = false;
    void this.#kick();
    return own.awaited.promise;
  }

  /** Frees records; resolves when the registry did, or at once when it cannot be reached (then later). */
  async unwant(which: readonly OwnRecord[]): Promise<void> {
    for (const own of which) {
      this.#own.delete(own.id);
      this.#unwanted.add(own.id);
      own.awaited.reject(new PropagitError("NO_RECORD", `record ${own.id} was freed meanwhile`));
    }
    await this.#kick();
  }

  /** Frees a record that nobody here wants, if the lease holds it. */
  async disown(id: string): Promise<void> {
    if (this.#own.has(id)) return;
    this.#unwanted.add(id);
    await this.#kick();
  }

  /** Gives up on what never was registered, because the registry will not have us. */
  refuse(error: PropagitError): void {
    for (const own of this.records()) if (!own.endpoint) this.#giveUp(own, error);
  }

  /** Makes a new conversation know everything; called after every connect. */
  async introduce(conversation: Conversation): Promise<void> {
    for (const own of this.#own.values()) own.isHeld = false;
    try {
      await this.#exclusive(() => this.#round(conversation, true));
    } catch (thrown) {
      if (isPassing(toPropagitError(thrown), conversation)) throw thrown;
      // The registry refuses (it is full, say): questions and watches go on all the same.
      this.#retryLater();
    }
    if (this.#isStopped) return;
    this.#conversation = conversation;
    this.#planRenewal();
    // What was wanted while the round was made.
    void this.#kick();
    void this.#forgetWhenOver(conversation);
  }

  /** Ends the lease and everything that is waited for. */
  async stop(limitMs: number): Promise<void> {
    for (const { id } of this.records()) this.#unwanted.add(id);
    const conversation = this.#end();
    if (!conversation) return;
    const lease = await this.#exclusive(async () => this.#lease);
    if (lease === undefined) return;
    await conversation.call("registry.revoke", { lease }, { limitMs }).catch(() => undefined);
  }

  /** Ends everything that is waited for; the lease runs on, renewed once more, with the records under it. */
  async leave(): Promise<void> {
    const conversation = this.#end();
    if (!conversation) return;
    const lease = await this.#exclusive(async () => this.#lease);
    if (lease === undefined) return;
    await conversation.call("registry.renew", { lease }).catch(() => undefined);
  }

  #end(): Conversation | undefined {
    this.#isStopped = true;
    this.#renewTimer?.cancel();
    this.#retryTimer?.cancel();
    const error = new PropagitError("LINK_LOST", "the client was closed");
    for (const own of this.records()) own.awaited.reject(error);
    this.#own.clear();
    const conversation = this.#conversation;
    this.#conversation = undefined;
    return conversation;
  }

  async #forgetWhenOver(conversation: Conversation): Promise<void> {
    await conversation.over;
    if (this.#conversation === conversation) this.#conversation = undefined;
  }

  /** One more round, soon; the promise is of that round and never rejects. */
  #kick(): Promise<void> {
    const conversation = this.#conversation;
    if (!conversation) return Promise.resolve();
    this.#nextRound ??= this.#exclusive(async () => {
      this.#nextRound = undefined;
      try {
        await this.#round(conversation, false);
      } catch {
        this.#retryLater();
      }
    });
    return this.#nextRound;
  }

  #retryLater(): void {
    this.#retryTimer?.cancel();
    if (this.#isStopped) return;
    this.#retryTimer = this.#world.clock.after(retryMs, () => void this.#kick());
  }

  #planRenewal(): void {
    this.#renewTimer?.cancel();
    this.#renewTimer = this.#world.clock.after(this.#renewEveryMs(), () => {
      void this.#kick();
      this.#planRenewal();
    });
  }

  #renewEveryMs(): number {
    return this.#options.ttlMs / 3;
  }

  async #round(conversation: Conversation, mustRenew: boolean): Promise<void> {
    for (let attempt = 1; attempt <= leaseTriesMax; attempt++) {
      try {
        await this.#freeUnwanted(conversation);
        await this.#keepLease(conversation, mustRenew);
        await this.#putMissing(conversation);
        return;
      } catch (thrown) {
        if (toPropagitError(thrown).code !== "NO_LEASE") throw thrown;
        this.#forgetLease();
      }
    }
    throw new PropagitError("NO_LEASE", `${leaseTriesMax} leases ended in one round`);
  }

  async #freeUnwanted(conversation: Conversation): Promise<void> {
    for (const id of this.#unwanted) {
      if (this.#lease !== undefined) await this.#free(conversation, this.#lease, id);
      this.#unwanted.delete(id);
    }
  }

  async #free(conversation: Conversation, lease: string, id: string): Promise<void> {
    try {
      await conversation.call("registry.free", { lease, id });
    } catch (thrown) {
      const error = toPropagitError(thrown);
      if (error.code === "NO_LEASE" || isPassing(error, conversation)) throw thrown;
      // NO_RECORD, NOT_OWNER: it is not ours any more, which is what was wanted.
    }
  }

  async #keepLease(conversation: Conversation, mustRenew: boolean): Promise<void> {
    if (this.#own.size === 0) return;
    const now = this.#world.clock.monotonic();
    if (this.#lease === undefined) {
      const { lease } = await conversation.call("registry.grant", { ttlMs: this.#options.ttlMs });
      this.#lease = lease;
      this.#renewedAtMs = now;
      this.#options.leaseChanged(lease);
    } else if (mustRenew || now - this.#renewedAtMs >= this.#renewEveryMs() * 0.9) {
      await conversation.call("registry.renew", { lease: this.#lease });
      this.#renewedAtMs = now;
    }
  }

  #forgetLease(): void {
    this.#lease = undefined;
    for (const own of this.#own.values()) own.isHeld = false;
  }

  /** Several at once, so that a drone with hundreds of instances is back soon over a long line. */
  async #putMissing(conversation: Conversation): Promise<void> {
    const missing = this.records().filter(({ isHeld }) => !isHeld);
    for (let done = 0; done < missing.length; done += putsAtOnce) {
      const batch = missing.slice(done, done + putsAtOnce);
      // All are waited for before one's failure counts: rounds must not overlap.
      const results = await Promise.allSettled(batch.map((own) => this.#put(conversation, own)));
      const failed = results.find(({ status }) => status === "rejected");
      if (failed) throw (failed as PromiseRejectedResult).reason;
    }
  }

  async #put(conversation: Conversation, own: OwnRecord): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const error = await this.#tryPut(conversation, own);
      if (!error) return;
      if (error.code === "NO_LEASE" || isPassing(error, conversation)) throw error;
      const mayChoose = error.code === "PORT_TAKEN" && own.isPortChosen && !own.endpoint;
      if (!mayChoose || attempt >= portTriesMax) return this.#refused(own, error);
      const port = await this.#options.choosePort(own);
      own.registration = { ...own.registration, port };
    }
  }

  /** Registers it as it is now; returns what the registry has against it. */
  async #tryPut(conversation: Conversation, own: OwnRecord): Promise<PropagitError | undefined> {
    const { registration } = own;
    try {
      const lease = this.#lease ?? "";
      const params = { lease, record: registration };
      const { endpoint } = await conversation.call("registry.register", params);
      own.endpoint = endpoint;
      own.complaint = undefined;
      // `set` may have changed it meanwhile: then it is registered again in the next round.
      own.isHeld = own.registration === registration;
      if (own.isHeld) own.awaited.resolve(endpoint);
      return undefined;
    } catch (thrown) {
      return toPropagitError(thrown);
    }
  }

  #refused(own: OwnRecord, error: PropagitError): void {
    if (!own.endpoint && !this.#isPatient(own, error)) return this.#giveUp(own, error);
    this.#retryLater();
    if (own.complaint === error.message) return;
    own.complaint = error.message;
    const { service, port } = own.registration;
    this.#world.log.warn(
      `${service} on port ${port} cannot be registered: ${error.message}; trying again every ${retryMs / 1000} s`,
    );
  }

  /** A predecessor that died holds the place for one lease time at most. */
  #isPatient(own: OwnRecord, { code }: PropagitError): boolean {
    if (!occupied.has(code) || own.isPortChosen) return false;
    const now = this.#world.clock.monotonic();
    own.occupiedSinceMs ??= now;
    return now - own.occupiedSinceMs < this.#options.ttlMs + patienceMs;
  }

  #giveUp(own: OwnRecord, error: PropagitError): void {
    if (this.#own.get(own.id) === own) this.#own.delete(own.id);
    // Its answer may have been lost on the way, so the registry may have it all the same.
    this.#unwanted.add(own.id);
    own.awaited.reject(error);
  }

  /** Runs work after all that was begun before; so two rounds never overtake each other. */
  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }
}

/** A broken conversation fails every call with the reason of its end, which is nothing the registry said. */
function isPassing({ code }: PropagitError, conversation: Conversation): boolean {
  return passing.has(code) || !conversation.isOpen;
}
