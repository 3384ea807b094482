/** One attempt at one endpoint: what undici tells, in the words of the exchange. */
import type { Duplex } from "node:stream";
import type { Dispatcher } from "undici";

/** Where an attempt tells what comes. After `failed` or `ended` nothing more comes. */
export interface AttemptListener {
  informed(status: number, rawHeaders: readonly string[]): void;
  answered(status: number, statusText: string, rawHeaders: readonly string[]): void;
  /** @returns whether more can be taken at once */
  gotBody(chunk: Buffer): boolean;
  ended(rawTrailers: readonly string[]): void;
  upgraded(rawHeaders: readonly string[], socket: Duplex): void;
  failed(error: Error): void;
}

export class Attempt implements Dispatcher.DispatchHandler {
  /** Whether a connection was there, so that a byte of the request may have left. */
  wasSent = false;
  /** Whether any head came back. */
  wasAnswered = false;
  readonly #listener: AttemptListener;
  #controller: Dispatcher.DispatchController | undefined;
  #isOver = false;

  constructor(listener: AttemptListener) {
    this.#listener = listener;
  }

  /** Ends it without a word to the listener; the connection is not used again. */
  abort(): void {
    this.#isOver = true;
    this.#controller?.abort(new Error("given up"));
  }

  resume(): void {
    this.#controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(new Error("given up before it was sent"));
    else this.wasSent = true;
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    statusText = "",
  ): void {
    if (this.#isOver) return;
    this.wasAnswered = true;
    const rawHeaders = latin1(controller.rawHeaders);
    if (status < 200) this.#listener.informed(status, rawHeaders);
    else this.#listener.answered(status, statusText, rawHeaders);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#isOver && !this.#listener.gotBody(chunk)) controller.pause();
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener.ended(latin1(controller.rawTrailers));
  }

  onRequestUpgrade(
    controller: Dispatcher.DispatchController,
    _status: number,
    _headers: unknown,
    socket: Duplex,
  ): void {
    if (this.#isOver) return void socket.destroy();
    this.#isOver = true;
    this.wasAnswered = true;
    this.#listener.upgraded(latin1(controller.rawHeaders), socket);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener.failed(error);
  }
}

/** Header bytes as Node writes them out again: one character for each. */
function latin1(raw: unknown): readonly string[] {
  if (!Array.isArray(raw)) return [];
  return raw.map((part: unknown) =>
    Buffer.isBuffer(part) ? part.toString("latin1") : String(part),
  );
}
