/**
 * Many wires over one conversation: what a relay is made of, on both of its ends.
 *
 *     wire 1 ==\                                      /== wire 1
 *     wire 2 ===[ tunnel ]-- one conversation --[ tunnel ]=== wire 2
 *     wire 3 ==/                                      \== wire 3
 *
 * Channels take turns by parts, and a part only goes while the conversation below has little to send: so
 * heartbeats, of anybody, wait for a fraction of a second at most, however much somebody else sends.
 */
import { channelsMax, PropagitError, type Telling } from "@propagit/protocol";
import { ChannelWire } from "./channel-wire.js";
import type { Clock, Timer } from "./clock.js";
import type { Conversation, TellingHandlers } from "./conversation.js";
import type { Wire } from "./network.js";

export interface TunnelOptions {
  /** Carries the channels; when it is over they are. */
  readonly carrier: Pick<Conversation, "tell" | "end" | "bufferedBytes" | "over">;
  /** Takes what the other side opens; without it the other side may open nothing. */
  readonly accept?: (wire: Wire, path: ServicePath) => void;
}

export type ServicePath = Telling<"relay.open">["path"];
type TunnelTelling = "relay.open" | "relay.data" | "relay.taken" | "relay.close";

/** What may wait in the conversation below: some turns of everybody, and little for a line of 1 MB/s. */
const carrierBytesMax = 256 * 1024;
/** How often a conversation that has much to send is looked at again. */
const lookMs = 10;

export class Tunnel {
  readonly #clock: Clock;
  readonly #options: TunnelOptions;
  readonly #channels = new Map<number, ChannelWire>();
  /** Those whose turn it is, the next one first. */
  readonly #ready = new Set<ChannelWire>();
  /** Highest number that was ever used. */
  #last = 0;
  #timer: Timer | undefined;
  #isSending = false;
  #endReason: string | undefined;

  constructor(clock: Clock, options: TunnelOptions) {
    this.#clock = clock;
    this.#options = options;
    void options.carrier.over.then(({ message }) => this.#end(message));
  }

  get size(): number {
    return this.#channels.size;
  }

  /** A wire to the other side's service. @throws OVERLOADED, LINK_LOST */
  open(path: ServicePath, host: string): Wire {
    if (this.#endReason !== undefined) throw new PropagitError("LINK_LOST", this.#endReason);
    if (this.#channels.size >= channelsMax) {
      throw new PropagitError("OVERLOADED", `more than ${channelsMax} connections at once`);
    }
    const channel = this.#add(this.#last + 1, host);
    this.#options.carrier.tell("relay.open", { channel: channel.number, path, host });
    return channel;
  }

  /** A telling of the other side; one that breaks the rules ends the conversation. */
  hear<T extends TunnelTelling>(telling: T, params: Telling<T>): void {
    const problem = this.#take({ telling, params } as AnyTelling);
    if (problem !== undefined) {
      this.#options.carrier.end(new PropagitError("BAD_FRAME", `${telling}: ${problem}`));
    }
  }

  #take({ telling, params }: AnyTelling): string | undefined {
    if (telling === "relay.open") return this.#opened(params);
    const channel = this.#channels.get(params.channel);
    // What was sent before the other side heard of an end is no mistake.
    if (!channel) return params.channel > this.#last ? "there is no such channel" : undefined;
    switch (telling) {
      case "relay.data":
        return channel.receive(params) ? undefined : "more came than may be under way";
      case "relay.taken":
        return channel.gainCredit(params.chars) ? undefined : "more was taken than was sent";
      case "relay.close":
        this.#forget(channel);
        channel.ended(params.reason);
        return undefined;
      default:
        return telling satisfies never;
    }
  }

  #opened({ channel: number, path, host }: Telling<"relay.open">): string | undefined {
    const { accept, carrier } = this.#options;
    if (!accept) return "nothing is opened from that side";
    if (number <= this.#last) return "that channel was there before";
    if (this.#channels.size >= channelsMax) {
      this.#last = number;
      const reason = `more than ${channelsMax} connections at once`;
      carrier.tell("relay.close", { channel: number, reason });
      return undefined;
    }
    accept(this.#add(number, host), path);
    return undefined;
  }

  #add(number: number, host: string): ChannelWire {
    const { carrier } = this.#options;
    this.#last = number;
    const channel = new ChannelWire(
      {
        clock: this.#clock,
        ready: (one) => this.#becameReady(one),
        taken: (one, chars) => carrier.tell("relay.taken", { channel: one.number, chars }),
        ended: (one, reason, say) => {
          this.#forget(one);
          if (say) carrier.tell("relay.close", { channel: one.number, reason });
        },
      },
      number,
      host,
    );
    this.#channels.set(number, channel);
    return channel;
  }

  #becameReady(channel: ChannelWire): void {
    this.#ready.add(channel);
    this.#send();
  }

  /** One part of each in turn, for as long as the conversation below takes them. */
  #send(): void {
    if (this.#isSending || this.#timer) return;
    this.#isSending = true;
    const { carrier } = this.#options;
    for (const channel of this.#ready) {
      if (carrier.bufferedBytes >= carrierBytesMax) {
        this.#lookLater();
        break;
      }
      // Iterating a set comes to what is added behind: that is its next turn.
      this.#ready.delete(channel);
      const part = channel.nextPart();
      if (!part) continue;
      carrier.tell("relay.data", { channel: channel.number, ...part });
      channel.partSent();
    }
    this.#isSending = false;
  }

  #lookLater(): void {
    this.#timer = this.#clock.after(lookMs, () => {
      this.#timer = undefined;
      this.#send();
    });
  }

  #forget(channel: ChannelWire): void {
    this.#channels.delete(channel.number);
    this.#ready.delete(channel);
  }

  #end(reason: string): void {
    this.#endReason = reason;
    this.#timer?.cancel();
    this.#ready.clear();
    const channels = [...this.#channels.values()];
    this.#channels.clear();
    for (const channel of channels) channel.ended(reason);
  }
}

type AnyTelling = {
  [T in TunnelTelling]: { readonly telling: T; readonly params: Telling<T> };
}[TunnelTelling];

/** What hears the other side of a tunnel, when the conversations have one. */
export function tunnelHandlers(
  tunnelOf: (conversation: Conversation) => Tunnel | undefined,
): TellingHandlers {
  return {
    "relay.open": (params, from) => tunnelOf(from)?.hear("relay.open", params),
    "relay.data": (params, from) => tunnelOf(from)?.hear("relay.data", params),
    "relay.taken": (params, from) => tunnelOf(from)?.hear("relay.taken", params),
    "relay.close": (params, from) => tunnelOf(from)?.hear("relay.close", params),
  };
}
