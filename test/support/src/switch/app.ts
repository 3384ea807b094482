/**
 * An application that says which commit it is whatever it is asked, fast or slowly, and that does nothing at
 * all for a good end: at SIGTERM it is gone, with everything that is under way to it.
 *
 *     GET /             its commit
 *     GET /download     its commit, many times, over `ms`
 *     POST /upload      its commit and how many bytes came, when all are there
 *     websocket         each message back, behind its commit
 */
import type { WorkTree } from "../git.js";

export async function writeSwitchApp(tree: WorkTree): Promise<void> {
  await tree.write("web.mjs", server);
  await tree.write("propagit.yaml", manifest);
}

/** Pieces of a download; each is a commit's 40 characters. */
export const downloadPieces = 20;

const manifest = `services:
  web:
    command: node web.mjs
keep:
  releases: 40
  for: 1h
`;

const server = `import { createServer } from "node:http";
import { createHash } from "node:crypto";
const commit = process.env.COMMIT;
const plain = { "content-length": String(commit.length) };
const server = createServer((request, response) => {
  const url = new URL(request.url, "http://app");
  if (url.pathname === "/download") return download(response, Number(url.searchParams.get("ms")));
  if (request.method !== "POST") return response.writeHead(200, plain).end(commit);
  let bytes = 0;
  request.on("data", (piece) => (bytes += piece.length));
  request.on("end", () => response.end(commit + " " + bytes));
});
function download(response, ms) {
  response.writeHead(200, { "content-length": String(commit.length * ${downloadPieces}) });
  let left = ${downloadPieces};
  const timer = setInterval(() => {
    left -= 1;
    if (left > 0) return response.write(commit);
    clearInterval(timer);
    response.end(commit);
  }, ms / ${downloadPieces});
}
server.on("upgrade", (request, socket) => {
  const accept = createHash("sha1")
    .update(request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
    .digest("base64");
  socket.on("error", () => undefined);
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n" +
    "Sec-WebSocket-Accept: " + accept + "\\r\\n\\r\\n");
  let held = Buffer.alloc(0);
  socket.on("data", (piece) => {
    held = Buffer.concat([held, piece]);
    // Short masked frames only: more no client of this sends.
    while (held.length >= 6 && held.length >= 6 + (held[1] & 0x7f)) {
      const [kind, size] = [held[0] & 0x0f, held[1] & 0x7f];
      const text = Buffer.from(held.subarray(6, 6 + size).map((byte, at) => byte ^ held[2 + (at % 4)]));
      held = held.subarray(6 + size);
      if (kind === 8) return socket.end(Buffer.concat([Buffer.from([0x88, text.length]), text]));
      if (kind !== 1) continue;
      const said = Buffer.from(commit + " " + text.toString());
      socket.write(Buffer.concat([Buffer.from([0x81, said.length]), said]));
    }
  });
});
server.listen(process.env.PORT);
`;
