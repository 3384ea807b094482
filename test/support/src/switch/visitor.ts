/** A visitor with one kept connection, who asks again as soon as he is answered: on a bare socket, so that many cost little. */
import { connect, type Socket } from "node:net";
import type { Tally } from "./tally.js";

export interface VisitorOptions {
  readonly port: number;
  readonly host: string;
  readonly tally: Tally;
  /** Between an answer and the next request, in ms. */
  readonly pauseMs: number;
}

/** Longest wait for an answer. */
const answerMsMax = 60_000;

export class KeptVisitor {
  readonly #options: VisitorOptions;
  readonly #request: string;
  #socket: Socket | undefined;
  #held = "";
  #sentAt = 0;
  #isAsking = false;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;
  #resolveEnded!: () => void;
  /** Resolves when the last answer is there after `stop`. */
  readonly ended = new Promise<void>((resolve) => {
    this.#resolveEnded = resolve;
  });

  constructor(options: VisitorOptions) {
    this.#options = options;
    this.#request = `GET / HTTP/1.1\r\nHost: ${options.host}\r\n\r\n`;
    this.#ask();
  }

  stop(): void {
    this.#isOver = true;
    if (!this.#isAsking) this.#end();
  }

  #ask(): void {
    if (this.#isOver) return this.#end();
    const socket = this.#socket ?? this.#open();
    this.#isAsking = true;
    this.#sentAt = performance.now();
    this.#timer = setTimeout(() => socket.destroy(new Error("no answer")), answerMsMax);
    socket.write(this.#request);
  }

  #open(): Socket {
    const socket = connect(this.#options.port, "127.0.0.1");
    socket.setNoDelay(true);
    socket.setEncoding("latin1");
    this.#socket = socket;
    this.#held = "";
    let why = "the connection was closed before the answer was whole";
    socket.on("data", (text: string) => this.#take(socket, text));
    socket.on("error", (error) => (why = error.message));
    socket.on("close", () => {
      if (this.#socket === socket) this.#socket = undefined;
      if (this.#isAsking)
        this.#done(() => this.#options.tally.wentWrong("request", this.#sentAt, why));
    });
    return socket;
  }

  #take(socket: Socket, text: string): void {
    this.#held += text;
    const headEnd = this.#held.indexOf("\r\n\r\n");
    if (headEnd < 0) return;
    const head = this.#held.slice(0, headEnd);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? Number.NaN);
    const end = headEnd + 4 + length;
    if (this.#held.length < end) return;
    const body = this.#held.slice(headEnd + 4, end);
    const rest = this.#held.slice(end);
    this.#held = "";
    const isLast = /\r\nconnection: *close/i.test(head);
    const problem = rest === "" ? problemOf(head, body) : "more came than was asked for";
    if (isLast || problem !== undefined) {
      // A connection that ends in order is no failure: the next request has another one.
      this.#socket = undefined;
      socket.destroy();
    }
    const { tally } = this.#options;
    this.#done(() => {
      if (problem !== undefined) tally.wentWrong("request", this.#sentAt, problem);
      else tally.answered("request", { commit: body, sentAt: this.#sentAt });
    });
  }

  #done(count: () => void): void {
    this.#isAsking = false;
    clearTimeout(this.#timer);
    count();
    if (this.#isOver) return this.#end();
    setTimeout(() => this.#ask(), this.#options.pauseMs);
  }

  #end(): void {
    this.#socket?.destroy();
    this.#resolveEnded();
  }
}

/** Undefined when the answer is what an app says, and the proxy says the same of it. */
function problemOf(head: string, body: string): string | undefined {
  const status = head.slice(9, 12);
  if (!head.startsWith("HTTP/1.1 200 ")) return `${status} ${body.slice(0, 200)}`;
  const commit = /\r\nx-propagit-commit: *([0-9a-f]+)/i.exec(head)?.[1];
  return commit === body.slice(0, 40)
    ? undefined
    : `it is of ${body.slice(0, 7)}, and said to be of ${commit}`;
}
