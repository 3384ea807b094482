/**
 * A request's body on its way to one endpoint. Reads from the visitor only when the endpoint takes more,
 * and nothing before it is connected, so that another endpoint can be tried with the body still whole.
 */
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";

export interface RequestBodyOptions {
  readonly request: IncomingMessage;
  /** Called before the first byte is asked for. */
  readonly onFirstPull: () => void;
  /** Called for every piece. */
  readonly onProgress: () => void;
}

export class RequestBody extends Readable {
  readonly #options: RequestBodyOptions;
  /** Whether anything was asked of the visitor. */
  isPulled = false;
  /** Whether the endpoint waits for the visitor right now. */
  isHungry = false;

  constructor(options: RequestBodyOptions) {
    super();
    this.#options = options;
    // Whoever sends it hears of its end; without a listener of ours an error would end the process.
    this.on("error", () => undefined);
  }

  override _read(): void {
    this.isHungry = true;
    if (!this.isPulled) this.#attach();
    this.#options.request.resume();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { request } = this.#options;
    request.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onClose);
    // What the visitor still sends is read and dropped, so that he gets to reading the answer.
    if (this.isPulled) request.resume();
    done(error);
  }

  #attach(): void {
    this.isPulled = true;
    this.#options.onFirstPull();
    const { request } = this.#options;
    request.on("data", this.#onData).on("end", this.#onEnd).on("close", this.#onClose);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#options.onProgress();
    this.isHungry = this.push(chunk);
    if (!this.isHungry) this.#options.request.pause();
  };

  readonly #onEnd = (): void => {
    this.isHungry = false;
    this.#options.onProgress();
    this.push(null);
  };

  /** After `end` this changes nothing; before it, the body is cut off and must not look complete. */
  readonly #onClose = (): void => {
    if (!this.#options.request.complete) this.destroy(new Error("the visitor left"));
  };
}
