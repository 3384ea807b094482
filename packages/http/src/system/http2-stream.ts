/**
 * One stream of HTTP/2 as a visitor's side of an exchange.
 *
 *     HEADERS ──as a head of HTTP/1.1──> parser ──> Exchange        RST_STREAM, connection gone ──> visitorLeft
 *     DATA ─────as a body of HTTP/1.1─────────────> endpoint
 *     HEADERS, DATA, trailers <─────────────────── answer           cut ──> RST_STREAM
 *
 * Back-pressure is that of Node's stream: it is read while the endpoint takes, and the endpoint is read while it takes.
 */
import { constants, type ServerHttp2Stream } from "node:http2";
import type { Forwarding } from "../core/forwarding.js";
import { answerFates } from "../core/drops.js";
import { addField, http1HeadOf, type Http2Fields, http2FieldsOf } from "../core/http2-fields.js";
import { parseRequestHead, RequestHead } from "../core/request-head.js";
import { hasNeverBody, type ResponseHead } from "../core/response-head.js";
import { answerText, type HeadPlan } from "../core/rewrite.js";
import { isForbiddenTrailer, readTrailer } from "../core/trailers.js";
import type { Answer, Edits } from "../exchange.js";
import type { EngineCore } from "./core.js";
import { Exchange } from "./exchange.js";
import { HeadView, noBytes } from "./head-view.js";
import { dateText } from "./own-answer.js";
import type { VisitorSide } from "./visitor-side.js";

/** What a chunk's frame takes at most, and the last chunk without trailers. */
const chunkFrameBytes = 16;
const lineEnd = Buffer.from("\r\n");

type Ended = (wasReset: boolean) => void;

export class Http2Stream implements VisitorSide {
  readonly #core: EngineCore;
  readonly #stream: ServerHttp2Stream;
  readonly #exchange: Exchange;
  readonly forwarding: Forwarding;
  readonly view: HeadView;
  readonly head = new RequestHead();
  readonly takesChunks = false;
  bytes: Buffer = noBytes;
  isBodyDone = false;
  bodyBytes = 0;
  /** It was over before all of his body came: what is on its way is thrown away. */
  wasCutShort = false;
  #isWanted = false;
  #hasEnded = false;
  #uselessBytes = 0;
  #isAnswered = false;
  #requestTrailers: readonly string[] = [];
  #answerTrailers: readonly string[] = [];
  #tellOver: Ended = () => {};

  constructor(core: EngineCore, forwarding: Forwarding, stream: ServerHttp2Stream) {
    this.#core = core;
    this.#stream = stream;
    this.forwarding = forwarding;
    this.view = new HeadView("2", forwarding, this);
    this.#exchange = new Exchange(core, this);
  }

  get pendingBytes(): number {
    return this.#stream.writableLength;
  }

  /** Of the body, those included that nobody has taken, or will. */
  get cameBytes(): number {
    return this.bodyBytes + this.#uselessBytes + this.#stream.readableLength;
  }

  /** Told whether the visitor reset it before he had his answer. */
  whenOver(tell: Ended): void {
    this.#tellOver = tell;
  }

  /** @param fields names and values in turn, pseudo-fields among them */
  start(fields: readonly string[], hasBody: boolean): void {
    this.#listen();
    this.isBodyDone = !hasBody;
    const made = http1HeadOf(fields, hasBody);
    if ("refused" in made) return this.#refuse(400, made.refused);
    const bytes = Buffer.from(made.text, "latin1");
    const after = parseRequestHead(bytes, 0, bytes.length, this.head, this.#core.limits);
    if (after !== bytes.length) return this.#refuse(this.head.badStatus, this.head.badReason);
    this.bytes = bytes;
    this.view.bytes = bytes;
    this.view.head = this.head;
    this.isBodyDone ||= this.head.contentLength === 0;
    // What nobody reads must still be seen to end.
    if (this.isBodyDone) this.#stream.resume();
    this.#exchange.begin();
  }

  tick(nowMs: number): void {
    this.#exchange.tick(nowMs);
  }

  restoreHead(): void {}

  takeBodyText(bytesMax: number): string {
    const size = Math.min(this.#stream.readableLength, bytesMax - chunkFrameBytes);
    const data = this.isBodyDone || size <= 0 ? null : (this.#stream.read(size) as Buffer | null);
    return data === null ? "" : this.#framed(data).toString("latin1");
  }

  wantBody(): void {
    this.#isWanted = true;
    this.#pump();
  }

  /** Buffers here have one owner each. */
  lendTo(): void {}
  borrowFrom(): void {}

  sendInterim(bytes: Buffer, head: ResponseHead): void {
    const fields = http2FieldsOf(answerText(bytes, head, planOf("", undefined)));
    this.#send((stream) => stream.additionalHeaders({ ":status": head.status, ...fields }));
  }

  beginAnswer(
    bytes: Buffer,
    head: ResponseHead,
    edits: Edits | undefined,
    to: number,
    isLast: boolean,
  ): boolean {
    const hasLength =
      head.contentLength >= 0 && !(hasNeverBody(head.status) && head.status !== 304);
    const length = hasLength ? `Content-Length: ${head.contentLength}\r\n` : "";
    const fields = http2FieldsOf(answerText(bytes, head, planOf(length, edits)));
    this.#respond(head.status, fields, {
      endStream: isLast && head.end === to && !head.isChunked,
      waitForTrailers: head.body === "chunked",
    });
    return this.answerBody(bytes, head.end, to);
  }

  /** The bytes are the endpoint's, which reads on into them: what goes out is a copy. */
  answerBody(bytes: Buffer, from: number, to: number): boolean {
    if (from === to || this.#stream.closed) return !this.#stream.writableNeedDrain;
    return this.#stream.write(Buffer.from(bytes.subarray(from, to)));
  }

  endAnswer(trailers: readonly string[]): void {
    this.#answerTrailers = trailers;
    this.#end();
  }

  answerOwn(answer: Answer): void {
    this.#answerSelf(answer);
  }

  /** `close` would end the body first, and so make it look whole; what is destroyed is reset, with INTERNAL_ERROR. */
  cut(): void {
    this.#answered();
    this.#stream.destroy(new Error("the answer broke off"));
  }

  /** A stream has no connection to give. */
  detach(): undefined {
    return undefined;
  }

  #listen(): void {
    const stream = this.#stream;
    stream.on("readable", () => this.#pump());
    stream.on("end", () => {
      this.#hasEnded = true;
      this.#pump();
    });
    stream.on("trailers", (...came: unknown[]) => {
      this.#requestTrailers = sendable(came[2] as readonly string[]);
    });
    stream.on("drain", () => this.#exchange.visitorFlushed());
    stream.on("wantTrailers", () =>
      this.#send(() => stream.sendTrailers(fieldsOf(this.#answerTrailers))),
    );
    // Its end follows.
    stream.on("error", () => {});
    stream.on("close", () => this.#closed());
  }

  #closed(): void {
    const wasReset = !this.#isAnswered;
    this.#isWanted = false;
    this.#exchange.visitorLeft("he reset the stream");
    this.#tellOver(wasReset);
  }

  /** Hands over what has come, as long as it is wanted. */
  #pump(): void {
    if (this.#isAnswered) return this.#skip();
    while (this.#isWanted && !this.isBodyDone) {
      const data = this.#stream.read() as Buffer | null;
      if (data === null) break;
      this.#give(this.#framed(data));
    }
    if (!this.#isWanted || !this.#hasEnded || this.isBodyDone) return;
    this.isBodyDone = true;
    this.#give(lastChunk(this.#requestTrailers));
  }

  #give(bytes: Buffer | string): void {
    const isTaken = this.#exchange.requestBody(bytes);
    if (this.isBodyDone) {
      this.#isWanted = false;
      this.#stream.resume();
      this.#exchange.requestDone();
    } else if (!isTaken) this.#isWanted = false;
  }

  /** As a body of HTTP/1. Node ends streams that do not keep to their content-length. */
  #framed(data: Buffer): Buffer {
    this.bodyBytes += data.length;
    if (this.head.isChunked) {
      return Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, lineEnd]);
    }
    this.isBodyDone = this.bodyBytes >= this.head.contentLength;
    return data;
  }

  #respond(
    status: number,
    fields: Http2Fields,
    options: { readonly endStream: boolean; readonly waitForTrailers?: boolean },
  ): void {
    this.#send((stream) => stream.respond({ ":status": sayable(status), ...fields }, options));
  }

  /** Node throws at fields that it does not send: that is the end of this stream, and of nothing else. */
  #send(say: (stream: ServerHttp2Stream) => void): void {
    const stream = this.#stream;
    if (stream.closed || stream.destroyed) return;
    try {
      say(stream);
    } catch (error) {
      const { message } = error as Error;
      this.#core.log.warn(`an answer cannot be sent by HTTP/2: ${message}`);
      this.cut();
    }
  }

  #refuse(status: number, reason: string): void {
    this.#answerSelf(this.#core.refuse({ kind: "malformed", status, reason }));
  }

  #answerSelf({ status, headers, body }: Answer): void {
    const fields = fieldsOf(headers);
    fields["date"] ??= dateText();
    const bytes = Buffer.from(body as string);
    if (!hasNeverBody(status)) fields["content-length"] = String(bytes.length);
    const isBare = hasNeverBody(status) || bytes.length === 0;
    this.#respond(status, fields, { endStream: isBare });
    if (!isBare && !this.#stream.closed) this.#stream.write(bytes);
    this.#end();
  }

  /** What he still sends of the request is of no use to anybody (RFC 9113, 8.1). */
  #end(): void {
    this.#answered();
    this.#stream.end();
    if (this.isBodyDone) return;
    this.#stream.close(constants.NGHTTP2_NO_ERROR);
    this.#skip();
  }

  /** A stream that holds bytes does not end, and would be kept as long as the connection. */
  #skip(): void {
    for (let data = this.#stream.read() as Buffer | null; data !== null;) {
      this.#uselessBytes += data.length;
      data = this.#stream.read() as Buffer | null;
    }
  }

  #answered(): void {
    this.#isAnswered = true;
    this.wasCutShort = !this.#hasEnded;
  }
}

/** What is beyond all classes counts as a failure of the server (RFC 9110, 15); Node sends no such thing. */
function sayable(status: number): number {
  return status > 599 ? 502 : status;
}

function planOf(lines: string, edits: Edits | undefined): HeadPlan {
  return { fates: answerFates, lines, edits, keepsFraming: false, keepsUpgrade: false };
}

function fieldsOf(namesAndValues: readonly string[]): Http2Fields {
  const fields = http2FieldsOf("");
  for (let at = 0; at + 1 < namesAndValues.length; at += 2) {
    addField(fields, namesAndValues[at] as string, namesAndValues[at + 1] as string);
  }
  return fields;
}

/** Those that may stand behind a chunked body; a proxy may leave the others out (RFC 9110, 6.5.1). */
function sendable(fields: readonly string[]): readonly string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [name, value] = [fields[at] as string, fields[at + 1] as string];
    if (isForbiddenTrailer(name)) continue;
    if (typeof readTrailer(`${name}: ${value}`) !== "string") kept.push(name, value);
  }
  return kept;
}

function lastChunk(trailers: readonly string[]): string {
  let text = "0\r\n";
  for (let at = 0; at < trailers.length; at += 2)
    text += `${trailers[at]}: ${trailers[at + 1]}\r\n`;
  return `${text}\r\n`;
}
