import assert from "node:assert/strict";
import { test } from "node:test";
import { answerHeaders, requestHeaders } from "../../src/core/headers.js";
import { commitA } from "../support/samples.js";

/** Lines as they stand in a head, to names and values in turn. */
const fields = (...lines: readonly string[]) => lines.flatMap((line) => line.split(/: (.*)/, 2));
const forward = (...lines: readonly string[]) =>
  requestHeaders({
    rawHeaders: fields(...lines),
    host: "webapp",
    clientAddress: "10.0.0.1",
    httpVersion: "1.1",
  });
const added = fields(
  "X-Forwarded-For: 10.0.0.1",
  "X-Forwarded-Proto: http",
  "X-Forwarded-Host: webapp",
  "Via: 1.1 propagit",
);

test("gives the app one Host, ours, and length and body headers as they came", () => {
  const headers = forward("HOST: other", "Content-Length: 3", "Transfer-Encoding: chunked");
  assert.deepEqual(headers, [...fields("Host: webapp", "Content-Length: 3"), ...added]);
});

test("lets Connection take any header with it but those that say whose and how long", () => {
  const headers = forward(
    "Connection: close, X-Hop,  host, Content-Length",
    "x-hop: gone",
    "Content-Length: 3",
    "Connection: x-other",
    "X-Other: gone",
    "X-Kept: kept",
  );
  const kept = fields("Host: webapp", "Content-Length: 3", "X-Kept: kept");
  assert.deepEqual(headers, [...kept, ...added]);
});

test("adds itself to the proxies before it, and passes on that trailers are welcome", () => {
  const headers = forward("Via: 1.1 edge", "TE: gzip;q=1, trailers", "Trailer: X-Sum");
  assert.deepEqual(headers.slice(0, 4), fields("Host: webapp", "TE: trailers"));
  assert.deepEqual(headers.slice(-2), fields("Via: 1.1 edge, 1.1 propagit"));
});

test("announces trailers to the visitor only where they can follow", () => {
  const rawHeaders = fields("Trailer: X-Sum", "Upgrade: h2c", "Server: app");
  const answer = { rawHeaders, commit: commitA };
  const commit = `x-propagit-commit: ${commitA}`;
  assert.deepEqual(
    answerHeaders({ ...answer, takesTrailers: true }),
    fields("Trailer: X-Sum", "Server: app", commit),
  );
  assert.deepEqual(
    answerHeaders({ ...answer, takesTrailers: false, cookie: "a=b" }),
    fields("Server: app", commit, "Set-Cookie: a=b"),
  );
});
