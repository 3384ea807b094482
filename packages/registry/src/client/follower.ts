/**
 * One watch of a client: a snapshot first, then every change once and in order, across reconnects.
 *
 *     following (knows its position) --link lost--> waiting --resume(position)--> following
 */
import type { Endpoint, EndpointUpdate, Position } from "@propagit/protocol";
import type { Clock, Conversation, Timer } from "@propagit/runtime";

/** Pause before a watch that the registry refused is asked for again. */
const retryMs = 1_000;

export class Follower {
  readonly #clock: Clock;
  readonly #onUpdate: (update: EndpointUpdate) => void;
  #position: Position | undefined;
  #stop: AbortController | undefined;
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(clock: Clock, onUpdate: (update: EndpointUpdate) => void) {
    this.#clock = clock;
    this.#onUpdate = onUpdate;
  }

  /** Goes on over a new conversation. */
  resume(conversation: Conversation): void {
    if (this.#isStopped || !conversation.isOpen) return;
    this.#timer?.cancel();
    const stop = new AbortController();
    this.#stop = stop;
    void this.#follow(conversation, stop);
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#stop?.abort();
  }

  async #follow(conversation: Conversation, stop: AbortController): Promise<void> {
    const since = this.#position;
    let pieces: Endpoint[] = [];
    const onPart = (update: EndpointUpdate) => {
      if (this.#isStopped || this.#stop !== stop) return;
      if (update.kind !== "snapshot") return this.#take(update, stop);
      pieces = [...pieces, ...update.endpoints];
      if (update.more === true) return;
      const { kind, at, settled } = update;
      this.#give({ kind, at, settled, endpoints: pieces });
      pieces = [];
    };
    try {
      const params = since ? { since } : {};
      await conversation.call("registry.watch", params, {
        onPart,
        signal: stop.signal,
        limitMs: 0,
      });
    } catch {
      // The link says why it is down; here only going on matters.
    }
    if (this.#isStopped || this.#stop !== stop || !conversation.isOpen) return;
    this.#timer = this.#clock.after(retryMs, () => this.resume(conversation));
  }

  #take(update: EndpointUpdate, stop: AbortController): void {
    const at = this.#position;
    const isNext = at && update.at.epoch === at.epoch && update.at.revision === at.revision + 1;
    if (isNext) return this.#give(update);
    // A hole in what came: only a new snapshot can mend that.
    this.#position = undefined;
    stop.abort();
  }

  #give(update: EndpointUpdate): void {
    this.#position = update.at;
    this.#onUpdate(update);
  }
}
