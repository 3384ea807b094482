/** A parsed head as the director sees it: strings are made when they are asked for. */
import { headerOf, rawHeadersOf } from "../core/fields.js";
import type { Forwarding } from "../core/forwarding.js";
import { RequestHead } from "../core/request-head.js";
import { bodyBytesOf, hostOf, methodOf, targetOf, upgradeOf } from "../core/request-views.js";
import type { RequestView } from "../exchange.js";

/** Where the bytes of a head are brought back from when their buffer was needed for others. */
export interface HeadKeeper {
  restoreHead(): void;
}

/** Good until its exchange has ended. */
export class HeadView implements RequestView {
  readonly protocol: "1" | "2";
  readonly forwarding: Forwarding;
  bytes: Buffer = noBytes;
  head: RequestHead = noHead;

  readonly #keeper: HeadKeeper;

  constructor(protocol: "1" | "2", forwarding: Forwarding, keeper: HeadKeeper) {
    this.protocol = protocol;
    this.forwarding = forwarding;
    this.#keeper = keeper;
  }

  get method(): string {
    return methodOf(this.#bytes(), this.head);
  }

  get target(): string {
    return targetOf(this.#bytes(), this.head);
  }

  get host(): string {
    return hostOf(this.#bytes(), this.head);
  }

  get version(): "1.0" | "1.1" | "2" {
    if (this.protocol === "2") return "2";
    return this.head.versionMinor === 0 ? "1.0" : "1.1";
  }

  get isSecure(): boolean {
    return this.forwarding.visitorOf(this.#bytes(), this.head).isSecure;
  }

  get address(): string {
    return this.forwarding.visitorOf(this.#bytes(), this.head).address;
  }

  get bodyBytes(): number | undefined {
    return bodyBytesOf(this.head);
  }

  get upgrade(): string | undefined {
    return upgradeOf(this.#bytes(), this.head);
  }

  header(name: string): string | undefined {
    return headerOf(this.#bytes(), this.head, name);
  }

  rawHeaders(): readonly string[] {
    return rawHeadersOf(this.#bytes(), this.head);
  }

  #bytes(): Buffer {
    if (this.bytes === noBytes) this.#keeper.restoreHead();
    return this.bytes;
  }
}

/** Of a view whose bytes are elsewhere. */
export const noBytes = Buffer.alloc(0);
const noHead = new RequestHead();
