/**
 * A visitor who stays connected and talks: every word must come back from the commit that he was connected to.
 * That the other side ends the conversation with a close frame is in order; that it breaks off is not.
 */
import { WebSocket } from "ws";
import type { SlowOptions } from "./slow-visits.js";

const wordMs = 50;
/** Of a close frame: the other side goes away, or is done. */
const inOrder: readonly number[] = [1_000, 1_001];

export class WebSocketVisitor {
  readonly #options: Pick<SlowOptions, "port" | "host" | "tally">;
  #isOver = false;
  #socket: WebSocket | undefined;
  readonly #ended: Promise<void>;

  constructor(options: Pick<SlowOptions, "port" | "host" | "tally">) {
    this.#options = options;
    this.#ended = this.#again();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    this.#socket?.close(1_000);
    await this.#ended;
  }

  async #again(): Promise<void> {
    while (!this.#isOver) await this.#converse();
  }

  #converse(): Promise<void> {
    const { port, host, tally } = this.#options;
    const sentAt = performance.now();
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { host } });
    this.#socket = socket;
    let [commit, why, said] = ["", "", 0];
    socket.on("upgrade", (answer) => {
      commit = String(answer.headers["x-propagit-commit"]);
      tally.answered("websocket", { commit, sentAt });
    });
    const timer = setInterval(() => {
      if (socket.readyState === WebSocket.OPEN) socket.send(String(++said));
    }, wordMs);
    socket.on("message", (data: Buffer) => {
      if (!data.toString().startsWith(`${commit} `)) why = `it was told ${data.toString()}`;
    });
    socket.on("error", (error) => (why = error.message));
    return new Promise((resolve) => {
      socket.on("close", (code) => {
        clearInterval(timer);
        const isFine = why === "" && (inOrder.includes(code) || this.#isOver);
        if (!isFine) tally.wentWrong("websocket", sentAt, why || `it broke off (${code})`);
        setTimeout(resolve, isFine ? 0 : 100);
      });
    });
  }
}
