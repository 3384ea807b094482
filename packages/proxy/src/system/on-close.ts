/** What to do when a connection closes: one listener for each, however many requests wait on it. */
import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

const waiting = new WeakMap<Duplex, Set<() => void>>();

/** Calls `action` when the socket closes, unless the response is over before. */
export function onClose(socket: Duplex, response: ServerResponse, action: () => void): void {
  const actions = waiting.get(socket) ?? watch(socket);
  actions.add(action);
  response.on("close", () => actions.delete(action));
}

function watch(socket: Duplex): Set<() => void> {
  const actions = new Set<() => void>();
  waiting.set(socket, actions);
  socket.on("close", () => {
    for (const action of actions) action();
  });
  return actions;
}
