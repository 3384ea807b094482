/**
 * What a forwarded request says about its visitor. What he says himself is dropped, unless his connection comes from
 * a trusted network: then he is a proxy, is believed, and the list goes on with his own address.
 *
 *     203.0.113.7 ──> 10.0.0.1 (trusted) ──> here       X-Forwarded-For: 203.0.113.7, 10.0.0.1
 *     203.0.113.7 says "X-Forwarded-For: 1.1.1.1"       X-Forwarded-For: 203.0.113.7
 *
 * One object per connection: what does not change from request to request is made once.
 */
import { type Fates, requestFates } from "./drops.js";
import { findKnown, headerOf } from "./fields.js";
import { believedVisitor } from "./believed.js";
import { known, type KnownName } from "./known-names.js";
import { plainAddress, type NetworkList } from "./networks.js";
import type { RequestHead } from "./request-head.js";
import { hostOf } from "./request-views.js";
import { parseTraceParent, traceParentText } from "./trace-context.js";

export interface ForwardingOptions {
  readonly trusted: NetworkList;
  /** The name in Via; without one there is no Via. Default "propagit". */
  readonly via?: string | undefined;
  /** RFC 7239's field beside `X-Forwarded-*`. */
  readonly forwarded: boolean;
  readonly requestId: boolean;
  /**
   * `pass`: a trusted one goes on as it is. `join`: the proxy has a place of its own in the trace, and starts one where
   * there is none. `off`: neither is touched.
   */
  readonly traceContext: "off" | "pass" | "join";
}

export interface VisitorConnection {
  readonly address: string;
  readonly isSecure: boolean;
  /** Where he came in. */
  readonly port?: number | undefined;
  /** What he speaks, for Via, when it is not HTTP/1: `2.0`. */
  readonly protocol?: string | undefined;
}

/** Random hexadecimal digits, as many as asked for; not all of them 0. */
export type HexSource = (digits: number) => string;

const believedFields: readonly KnownName[] = [
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-proto",
  "x-forwarded-*",
  "x-real-ip",
  "x-request-id",
];
const traceFields: readonly KnownName[] = ["traceparent", "tracestate"];

export class Forwarding {
  /** What becomes of the fields that he sent. */
  readonly fates: Fates;
  readonly isTrusted: boolean;
  readonly #connection: VisitorConnection;
  readonly #options: ForwardingOptions;
  readonly #hexOf: HexSource;
  /** For untrusted visitors: the lines that depend on the host only, and what they were made for. */
  #madeFor = "";
  #made = "";
  #hasMade = false;
  /** Of the last request for which lines were made; empty when there is none. */
  requestId = "";

  constructor(connection: VisitorConnection, options: ForwardingOptions, hexOf: HexSource) {
    const address = plainAddress(connection.address);
    this.#connection = { ...connection, address };
    this.#options = options;
    this.#hexOf = hexOf;
    this.isTrusted = options.trusted.has(address);
    this.fates = fatesFor(this.isTrusted, options);
  }

  /** Who is asking, and whether his way was secure, as far as it is to be believed. */
  visitorOf(bytes: Buffer, head: RequestHead): VisitorConnection {
    if (!this.isTrusted) return this.#connection;
    return believedVisitor(bytes, head, this.#connection, this.#options.trusted);
  }

  /** Lines for the forwarded head. */
  linesOf(bytes: Buffer, head: RequestHead, host = hostOf(bytes, head)): string {
    const lines = this.isTrusted ? this.#trustedLines(bytes, head, host) : this.#ownLines(host);
    const via = this.#viaLine(bytes, head);
    return lines + via + this.#requestIdLine(bytes, head) + this.#traceLines(bytes, head);
  }

  #ownLines(host: string): string {
    if (this.#hasMade && this.#madeFor === host) return this.#made;
    const { address, isSecure, port } = this.#connection;
    const proto = isSecure ? "https" : "http";
    let lines = `X-Forwarded-For: ${address}\r\nX-Forwarded-Proto: ${proto}\r\n`;
    if (host !== "") lines += `X-Forwarded-Host: ${host}\r\n`;
    if (port !== undefined) lines += `X-Forwarded-Port: ${port}\r\n`;
    if (this.#options.forwarded)
      lines += `Forwarded: ${forwardedElement(this.#connection, host)}\r\n`;
    this.#madeFor = host;
    this.#hasMade = true;
    this.#made = lines;
    return lines;
  }

  /** What is there stays or goes on, what is missing is added. */
  #trustedLines(bytes: Buffer, head: RequestHead, host: string): string {
    const { address, isSecure, port } = this.#connection;
    const before = headerOf(bytes, head, "x-forwarded-for");
    let lines = `X-Forwarded-For: ${before === undefined ? address : `${before}, ${address}`}\r\n`;
    if (findKnown(head, known["x-forwarded-proto"]) < 0) {
      lines += `X-Forwarded-Proto: ${isSecure ? "https" : "http"}\r\n`;
    }
    if (findKnown(head, known["x-forwarded-host"]) < 0 && host !== "") {
      lines += `X-Forwarded-Host: ${host}\r\n`;
    }
    if (findKnown(head, known["x-forwarded-port"]) < 0 && port !== undefined) {
      lines += `X-Forwarded-Port: ${port}\r\n`;
    }
    return lines + this.#forwardedLine(bytes, head, host);
  }

  /** Without our own element there is none: a list that ends before us would be a wrong one. */
  #forwardedLine(bytes: Buffer, head: RequestHead, host: string): string {
    if (!this.#options.forwarded) return "";
    const before = headerOf(bytes, head, "forwarded");
    const element = forwardedElement(this.#connection, host);
    return `Forwarded: ${before === undefined ? element : `${before}, ${element}`}\r\n`;
  }

  /** Each adds itself behind those before: lines of ours go first, so theirs are said again. */
  #viaLine(bytes: Buffer, head: RequestHead): string {
    const { via = "propagit" } = this.#options;
    if (via === "") return "";
    const own = `${this.#connection.protocol ?? `1.${head.versionMinor}`} ${via}`;
    if (findKnown(head, known.via) < 0) return `Via: ${own}\r\n`;
    return `Via: ${headerOf(bytes, head, "via")}, ${own}\r\n`;
  }

  #requestIdLine(bytes: Buffer, head: RequestHead): string {
    this.requestId = "";
    if (!this.#options.requestId) return "";
    if (this.isTrusted) {
      const sent = headerOf(bytes, head, "x-request-id");
      if (sent !== undefined) {
        this.requestId = sent;
        return "";
      }
    }
    this.requestId = this.#hexOf(32);
    return `X-Request-Id: ${this.requestId}\r\n`;
  }

  #traceLines(bytes: Buffer, head: RequestHead): string {
    if (this.#options.traceContext !== "join") return "";
    const sent = this.isTrusted ? headerOf(bytes, head, "traceparent") : undefined;
    const parent = sent === undefined ? undefined : parseTraceParent(sent);
    // Whether a trace that starts here is recorded is for the app to say: flag 1 leaves it to its own sampler.
    const trace = parent ?? { traceId: this.#hexOf(32), flags: "01" };
    const lines = `traceparent: ${traceParentText(trace, this.#hexOf(16))}\r\n`;
    const state = parent === undefined ? undefined : headerOf(bytes, head, "tracestate");
    return state === undefined ? lines : `${lines}tracestate: ${state}\r\n`;
  }
}

/** There are few kinds of connections, and many of each. */
const fatesByKind = new Map<string, Fates>();

function fatesFor(isTrusted: boolean, options: ForwardingOptions): Fates {
  const { traceContext, requestId, via } = options;
  const kind = `${isTrusted} ${traceContext} ${requestId} ${via === ""}`;
  let fates = fatesByKind.get(kind);
  if (fates === undefined) {
    fates = requestFates(keptFields(isTrusted, options));
    fatesByKind.set(kind, fates);
  }
  return fates;
}

function keptFields(isTrusted: boolean, options: ForwardingOptions): readonly KnownName[] {
  const { traceContext, requestId, via } = options;
  const kept = isTrusted ? [...believedFields] : [];
  if (!requestId && !isTrusted) kept.push("x-request-id");
  if (via === "") kept.push("via");
  const keepsTrace = traceContext === "off" || (traceContext === "pass" && isTrusted);
  return keepsTrace ? [...kept, ...traceFields] : kept;
}

/** RFC 7239, section 4. */
function forwardedElement({ address, isSecure }: VisitorConnection, host: string): string {
  const node = address.includes(":") ? `"[${address}]"` : address;
  const place = host === "" ? "" : `;host="${host}"`;
  return `for=${node}${place};proto=${isSecure ? "https" : "http"}`;
}
