/** Answers of the proxy itself: short text that says why. */
import type { ServerResponse } from "node:http";
import { errorCatalogue, type PropagitError } from "@propagit/protocol";

/** Says, on the proxy's own answers, what its table is stale by. */
const staleHeader = "x-propagit-stale";

/** Answers with an error; when an answer has begun already, it is cut off instead. */
export function answerError(
  response: ServerResponse,
  error: PropagitError,
  stale: readonly string[],
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const text = `${error.code}: ${error.message}\n${error.hint}\n`;
  response.writeHead(errorCatalogue[error.code].status, {
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": Buffer.byteLength(text),
    "Cache-Control": "no-store",
    ...(stale.length > 0 && { [staleHeader]: stale.join(", ") }),
  });
  response.end(text);
}
