/** Answers a git request with a no that its user gets to read. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { errorCatalogue, PropagitError } from "@propagit/protocol";

export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  refusal: PropagitError | { readonly status: number; readonly message: string },
): void {
  if (response.headersSent || response.destroyed) {
    // The answer is half out: only the broken connection can say that it is not whole.
    response.destroy();
    return;
  }
  const isError = refusal instanceof PropagitError;
  const status = isError ? errorCatalogue[refusal.code].status : refusal.status;
  const hint = isError && refusal.hint !== "" ? `\n${refusal.hint}` : "";
  response.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    // Whatever is still coming as the body is not wanted.
    connection: "close",
    ...(status === 401 && { "www-authenticate": 'Basic realm="propagit", charset="UTF-8"' }),
    ...(status === 503 && { "retry-after": "5" }),
  });
  response.end(`${refusal.message}${hint}\n`);
  request.resume();
}
