/** Who sends a request over an endpoint's connection, and hears what comes back. */
import type { ResponseHead } from "../core/response-head.js";
import type { AttemptFailure } from "../exchange.js";
import type { EndpointConnection } from "./endpoint-connection.js";

export interface EndpointUser {
  /** Whether chunks are wanted as they came; else only their data. */
  readonly takesChunks: boolean;
  /** Waited for, and there now: it is the user's until he releases it. */
  endpointReady(connection: EndpointConnection): void;
  /** Waited for in vain. */
  endpointMissing(kind: AttemptFailure["kind"], reason: string): void;
  /** One head, with what came of the body behind it: `bytes[head.end, to)`; all of it if `isLast`. */
  answerHead(bytes: Buffer, head: ResponseHead, to: number, isLast: boolean): void;
  answerBody(bytes: Buffer, from: number, to: number): void;
  /** After the last piece of a body. */
  answerDone(): void;
  /** The connection ended, or says what is no HTTP, before the answer was whole. */
  endpointBroke(kind: "broken" | "malformed", reason: string): void;
  /** What was written was taken. */
  endpointFlushed(): void;
}
