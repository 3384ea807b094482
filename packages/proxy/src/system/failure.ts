/** What undici's errors mean to us. */
import { errnoOf } from "@propagit/runtime";

export type FailureKind =
  /** Nobody took the connection: the endpoint is left out for a while. */
  | "unconnected"
  /** It broke while a request was on it. */
  | "broken"
  /** The pool was ended because the endpoint left the table. */
  | "dropped"
  /** undici refuses to send the request at all. */
  | "unsendable";

export function kindOf(error: Error, wasSent: boolean): FailureKind {
  const code = errnoOf(error);
  if (code === "UND_ERR_INVALID_ARG" || code === "UND_ERR_NOT_SUPPORTED") return "unsendable";
  if (code === "UND_ERR_CLOSED" || code === "UND_ERR_DESTROYED") return "dropped";
  return wasSent ? "broken" : "unconnected";
}

/** Short and without addresses, for the visitor reads it. */
export function reasonOf(error: Error): string {
  const code = errnoOf(error);
  switch (code) {
    case "ECONNREFUSED":
      return "nothing listens there";
    case "UND_ERR_CONNECT_TIMEOUT":
      return "it does not take connections";
    case "ECONNRESET":
    case "EPIPE":
    case "UND_ERR_SOCKET":
      return "the connection ended";
    case "UND_ERR_HEADERS_OVERFLOW":
      return "the head of its answer is too long";
    case undefined:
      return "its answer is not HTTP";
    default:
      return code;
  }
}
