/** Two sockets as one: after an upgrade the proxy only carries bytes. */
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { idleMsMax } from "./upstreams.js";

/** Carries bytes both ways until both sides have ended; `over` is called once. */
export function splice(left: Duplex, right: Duplex, over: () => void): void {
  let open = 2;
  const carry = (from: Duplex, to: Duplex) => {
    // Half-closed is still open: a side that has said all may be listening.
    from.pipe(to);
    from.on("error", () => to.destroy());
    from.on("close", () => {
      finish(to);
      open -= 1;
      if (open === 0) over();
    });
    if (from instanceof Socket) from.setTimeout(idleMsMax, () => from.destroy());
  };
  carry(left, right);
  carry(right, left);
}

/** Ends a socket after what was written to it is gone. */
function finish(socket: Duplex): void {
  if (socket instanceof Socket) socket.destroySoon();
  else socket.end();
}
