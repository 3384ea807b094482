/** The answers on one visitor's connection of HTTP/1: how each is framed for him, and whether it is the last. */
import type { RequestHead } from "../core/request-head.js";
import type { ResponseHead } from "../core/response-head.js";
import { methodIds } from "../core/methods.js";
import type { Answer, Edits } from "../exchange.js";
import {
  endsWithConnection,
  framingFor,
  lastChunk,
  writeAnswerHead,
  writeBody,
  writeInterim,
  type AnswerStart,
} from "./answer-text.js";
import { ownAnswerText } from "./own-answer.js";
import type { Transport } from "./transport.js";

export class AnswerWriter {
  /** Only the connection's end ends the answer: one that is cut off would look whole. */
  endsWithConnection = false;
  readonly #start: AnswerStart = {
    framing: "same",
    edits: undefined,
    closes: false,
    isOld: false,
  };

  /** Whether the connection ends with the answer. */
  get closes(): boolean {
    return this.#start.closes;
  }

  interim(transport: Transport, request: RequestHead, bytes: Buffer, head: ResponseHead): void {
    if (request.versionMinor === 0) return;
    transport.hurry();
    writeInterim(transport, bytes, head);
  }

  /** What the answer is for, before `begin`. */
  prepare(request: RequestHead, edits: Edits | undefined, mustClose: boolean): void {
    this.#start.isOld = request.versionMinor === 0;
    this.#start.edits = edits;
    this.#start.closes = mustClose;
  }

  begin(
    transport: Transport,
    request: RequestHead,
    bytes: Buffer,
    head: ResponseHead,
    to: number,
    isLast: boolean,
  ): boolean {
    const start = this.#start;
    this.endsWithConnection = endsWithConnection(request, head);
    start.framing = framingFor(request, head);
    start.closes ||= this.endsWithConnection;
    if (!isLast || !start.closes || start.framing !== "same") transport.hurry();
    return writeAnswerHead(transport, bytes, head, to, start);
  }

  body(transport: Transport, bytes: Buffer, from: number, to: number): boolean {
    return writeBody(transport, bytes, from, to, this.#start.framing);
  }

  end(transport: Transport, trailers: readonly string[]): void {
    if (this.#start.framing === "chunks") transport.write(lastChunk(trailers));
  }

  /** All of an answer of the proxy itself; after `prepare`. */
  own(transport: Transport, request: RequestHead, answer: Answer): void {
    const start = this.#start;
    start.framing = "same";
    start.closes ||= answer.close === true;
    const connection = start.closes ? "close" : start.isOld ? "keep-alive" : "";
    const isHead = request.methodId === methodIds.HEAD;
    transport.write(ownAnswerText(answer, { isHead, connection }));
  }
}
