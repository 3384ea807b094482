/** Source of an application's part that says back what websockets say, for `server` of `node:http`. */
export const echoSockets = `
import { createHash as acceptHash } from "node:crypto";
server.on("upgrade", (request, socket) => {
  const key = request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const accept = acceptHash("sha1").update(key).digest("base64");
  socket.on("error", () => socket.destroy());
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n" +
    "Sec-WebSocket-Accept: " + accept + "\\r\\n\\r\\n");
  socket.on("data", (frame) => {
    // One short masked text frame, said back unmasked; anything else is the end.
    if ((frame[0] & 15) !== 1) return socket.end();
    const length = frame[1] & 127;
    const text = frame.subarray(6, 6 + length).map((byte, at) => byte ^ frame[2 + (at % 4)]);
    socket.write(Buffer.concat([Buffer.from([129, text.length]), text]));
  });
});
`;
