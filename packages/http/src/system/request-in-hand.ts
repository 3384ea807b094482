/**
 * The head of the request that a connection is busy with. Its places are in the bytes that it was read from, as
 * long as they are there; then it is kept as text, and parsed once more in the rare case that somebody looks.
 */
import type { Forwarding } from "../core/forwarding.js";
import { textOf } from "../core/head.js";
import { parseRequestHead, RequestHead } from "../core/request-head.js";
import type { EngineCore } from "./core.js";
import { HeadView, noBytes, type HeadKeeper } from "./head-view.js";
import type { Input } from "./input.js";

/** Heads that are kept for whoever needs one next. */
const spareHeadsMax = 256;
const noHead = new RequestHead();

export class RequestInHand implements HeadKeeper {
  head: RequestHead = noHead;
  bytes: Buffer = noBytes;
  readonly #core: EngineCore;
  #view: HeadView | undefined;
  #kept = "";

  constructor(core: EngineCore) {
    this.#core = core;
  }

  get view(): HeadView {
    return this.#view as HeadView;
  }

  prepare(forwarding: Forwarding): void {
    this.#view = new HeadView("1", forwarding, this);
  }

  /** As `parseRequestHead`, on what was read. */
  parse({ bytes, at, end }: Input): number {
    if (this.head === noHead) this.head = this.#core.heads.pop() ?? new RequestHead();
    return parseRequestHead(bytes, at, end, this.head, this.#core.limits);
  }

  show(bytes: Buffer): void {
    const { view } = this;
    this.#kept = "";
    this.bytes = bytes;
    view.bytes = bytes;
    view.head = this.head;
  }

  /** Its bytes are about to be overwritten. */
  keep(): void {
    const text = textOf(this.bytes, this.head, this.head.start, this.head.end);
    this.show(noBytes);
    this.#kept = text;
  }

  restoreHead(): void {
    if (this.#kept === "") return;
    const bytes = Buffer.from(this.#kept, "latin1");
    this.head.reset();
    parseRequestHead(bytes, 0, bytes.length, this.head, this.#core.limits);
    this.show(bytes);
  }

  /** It was answered. */
  giveBack(): void {
    const { heads } = this.#core;
    if (this.head !== noHead && heads.length < spareHeadsMax) heads.push(this.head);
    this.head = noHead;
    this.bytes = noBytes;
    this.#kept = "";
  }
}
