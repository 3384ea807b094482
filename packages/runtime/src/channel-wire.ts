/**
 * One channel of a tunnel, as the wire that it stands for.
 *
 *     send --cut--> parts that wait --credit, at their turn--> the tunnel        (this side sends)
 *     message <--joined-- parts that came --"taken"--> the other side's credit   (this side takes)
 *
 * What waits here is at most what its sender left in a wire; what comes is bounded by the credit.
 */
import {
  channelCreditChars,
  channelPartChars,
  channelTextCharsMax,
  frameBytesMax,
  type Telling,
} from "@propagit/protocol";
import type { Clock } from "./clock.js";
import type { Wire, WireHandlers } from "./network.js";

/** What a channel needs of its tunnel. */
export interface ChannelOwner {
  readonly clock: Clock;
  /** There is something to send, and credit for it. */
  readonly ready: (channel: ChannelWire) => void;
  readonly taken: (channel: ChannelWire, chars: number) => void;
  /** It ended; `say` when the other side does not know. */
  readonly ended: (channel: ChannelWire, reason: string, say: boolean) => void;
}

type Part = Omit<Telling<"relay.data">, "channel">;

/** Taken characters are said when they are so many: often enough that the other side never has to wait. */
const sayTakenChars = channelCreditChars / 4;
/** A closing wire waits so long for the other side to take what was sent before. As on a socket. */
const closeMsMax = 2_000;

export class ChannelWire implements Wire {
  readonly number: number;
  readonly remoteHost: string;
  readonly #owner: ChannelOwner;
  readonly #waiting: Part[] = [];
  #waitingChars = 0;
  #credit = channelCreditChars;
  /** Came and was not said to be taken. */
  #untaken = 0;
  #isHeld = false;
  #pieces: string[] = [];
  #piecesChars = 0;
  #handlers: WireHandlers | undefined;
  #early: string[] = [];
  #isClosing = false;
  #endReason: string | undefined;

  constructor(owner: ChannelOwner, number: number, remoteHost: string) {
    this.#owner = owner;
    this.number = number;
    this.remoteHost = remoteHost;
  }

  get bufferedBytes(): number {
    return this.#waitingChars;
  }

  /** Whether its next part may go. */
  get isReady(): boolean {
    const [next] = this.#waiting;
    return next !== undefined && costOf(next.text) <= this.#credit;
  }

  send(text: string): void {
    if (this.#isClosing || this.#endReason !== undefined) return;
    for (const part of partsOf(text)) this.#waiting.push(part);
    this.#waitingChars += text.length;
    if (this.isReady) this.#owner.ready(this);
  }

  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#sayTaken();
  }

  listen(handlers: WireHandlers): void {
    this.#handlers = handlers;
    for (const text of this.#early.splice(0)) handlers.message(text);
    if (this.#endReason !== undefined) handlers.closed(this.#endReason);
  }

  close(): void {
    if (this.#isClosing || this.#endReason !== undefined) return;
    this.#isClosing = true;
    if (this.#waiting.length === 0) this.#finish("closed");
    else this.#owner.clock.after(closeMsMax, () => this.#finish("closed"));
  }

  /** The next part, when it is ready: it is on its way now. */
  nextPart(): Part | undefined {
    if (!this.isReady) return undefined;
    const part = this.#waiting.shift();
    if (!part) return undefined;
    this.#credit -= costOf(part.text);
    this.#waitingChars -= part.text.length;
    return part;
  }

  /** A part that `nextPart` gave is sent. */
  partSent(): void {
    if (this.#isClosing && this.#waiting.length === 0) this.#finish("closed");
    else if (this.isReady) this.#owner.ready(this);
  }

  /** A part came. False when it is more than may come: the other side breaks the rules. */
  receive({ text, more = false }: Part): boolean {
    this.#untaken += costOf(text);
    if (this.#untaken > channelCreditChars) return false;
    this.#pieces.push(text);
    this.#piecesChars += text.length;
    if (this.#piecesChars > frameBytesMax) {
      this.#finish(`a frame of more than ${frameBytesMax / 1024 / 1024} MiB came`);
      return true;
    }
    this.#sayTaken();
    if (!more) this.#deliver();
    return true;
  }

  /** The other side took so much. False when that is more than was sent. */
  gainCredit(chars: number): boolean {
    if (this.#credit + chars > channelCreditChars) return false;
    this.#credit += chars;
    if (this.isReady) this.#owner.ready(this);
    return true;
  }

  /** The other side, or all of the tunnel, ended. */
  ended(reason: string): void {
    if (this.#endReason !== undefined) return;
    this.#endReason = reason;
    this.#waiting.length = 0;
    this.#waitingChars = 0;
    this.#pieces = [];
    this.#handlers?.closed(reason);
  }

  #deliver(): void {
    const text = this.#pieces.join("");
    this.#pieces = [];
    this.#piecesChars = 0;
    if (this.#handlers) this.#handlers.message(text);
    else this.#early.push(text);
  }

  #sayTaken(): void {
    if (this.#isHeld || this.#untaken < sayTakenChars || this.#endReason !== undefined) return;
    const chars = this.#untaken;
    this.#untaken = 0;
    this.#owner.taken(this, chars);
  }

  #finish(reason: string): void {
    if (this.#endReason !== undefined) return;
    this.#owner.ended(this, reason, true);
    this.ended(reason);
  }
}

/** Of parts that follow one another all but the last say that there is more. */
function partsOf(text: string): readonly Part[] {
  const parts: Part[] = [];
  for (let at = 0; at < text.length || at === 0; at += channelTextCharsMax) {
    const end = at + channelTextCharsMax;
    parts.push({ text: text.slice(at, end), ...(end < text.length && { more: true }) });
  }
  return parts;
}

function costOf(text: string): number {
  return text.length + channelPartChars;
}
