/**
 * Where the exchange ends and a visitor's protocol begins. A connection of HTTP/1 and a stream of HTTP/2 are both
 * driven through `VisitorSide`, and tell what they see through the methods of `Exchange`:
 *
 *     VisitorSide ── begin, requestBody, requestDone, visitorFlushed, visitorLeft, tick ──> Exchange
 *                <── takeBodyText, wantBody, sendInterim, beginAnswer, answerBody, endAnswer,
 *                    answerOwn, cut, detach ──────────────────────────────────────────────
 *
 * The request's head is that of HTTP/1, whatever the visitor speaks: a stream of HTTP/2 writes its fields as one
 * and has it parsed, so that every request passes the same checks and the same rewriting.
 */
import type { Forwarding } from "../core/forwarding.js";
import type { RequestHead } from "../core/request-head.js";
import type { ResponseHead } from "../core/response-head.js";
import type { Answer, Edits } from "../exchange.js";
import type { HeadView } from "./head-view.js";
import type { Transport } from "./transport.js";

export interface VisitorSide {
  /** The request, as the director sees it; with its head and the bytes that the head's places are in. */
  readonly view: HeadView;
  readonly head: RequestHead;
  readonly bytes: Buffer;
  readonly forwarding: Forwarding;
  /** Whether chunks can be passed on as they are; if not, `answerBody` gets data only. */
  readonly takesChunks: boolean;
  /** Of the request: whether all of its body was handed over, and how many bytes of data that was. */
  readonly isBodyDone: boolean;
  readonly bodyBytes: number;
  /** About so many bytes of the answer have been written but not taken by his connection. */
  readonly pendingBytes: number;

  /** Makes `head` and `bytes` good again after they were kept; nothing when they are. */
  restoreHead(): void;
  /** What of the body is at hand, at most so many bytes, as latin1 and framed for HTTP/1; handed over with that. */
  takeBodyText(bytesMax: number): string;
  /** The endpoint takes more of the body: `Exchange.requestBody` is called until it returns false. */
  wantBody(): void;
  /** The bytes of the last `requestBody` are still on their way out of `to`. */
  lendTo(to: Transport): void;
  /** The bytes of the last `beginAnswer` or `answerBody`, read from there, are still on their way out of here. */
  borrowFrom(from: Transport): void;

  sendInterim(bytes: Buffer, head: ResponseHead): void;
  /**
   * The head of the answer, with the body in `bytes[head.end, to)`; `isLast`: that is all of it.
   * @returns whether everything was taken; if not, the bytes must stay until `Exchange.visitorFlushed`
   */
  beginAnswer(
    bytes: Buffer,
    head: ResponseHead,
    edits: Edits | undefined,
    to: number,
    isLast: boolean,
  ): boolean;
  answerBody(bytes: Buffer, from: number, to: number): boolean;
  /** The answer is whole, and the exchange over. @param trailers names and values in turn */
  endAnswer(trailers: readonly string[]): void;
  /** An answer of the proxy itself; the exchange is over. */
  answerOwn(answer: Answer): void;
  /** An answer that has begun cannot be finished: the visitor must see that. */
  cut(): void;
  /** After `beginAnswer` with a 101: the connection itself, and what came on it already. */
  detach(): { readonly transport: Transport; readonly rest: string } | undefined;
}
