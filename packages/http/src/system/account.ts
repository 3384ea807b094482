/** What is known about an exchange when it is over, for whoever observes it. */
import type { ExchangeEnd, ExchangeObserver } from "../exchange.js";

export class Account {
  observer: ExchangeObserver | undefined;
  status = 0;
  answerBytes = 0;
  #startedMs = 0;
  #headMs = 0;
  #isWhole = false;

  start(): void {
    this.#startedMs = performance.now();
  }

  /**
   * The head of an answer is there: the endpoint's, or the proxy's own.
   *
   * @param isWhole nothing comes after it, so that its end is now, too
   */
  head(status: number, isWhole: boolean): void {
    this.status = status;
    this.#headMs = performance.now() - this.#startedMs;
    this.#isWhole = isWhole;
  }

  /** The one end; afterwards it is ready for the next exchange. */
  end(how: ExchangeEnd["how"], requestBytes: number, reason: string | undefined): void {
    const { observer, status, answerBytes } = this;
    const headMs = this.#headMs;
    const isWhole = this.#isWhole;
    this.observer = undefined;
    this.status = 0;
    this.answerBytes = 0;
    this.#headMs = 0;
    this.#isWhole = false;
    if (observer?.ended === undefined) return;
    observer.ended({
      how,
      status,
      requestBytes,
      answerBytes,
      headMs,
      tookMs: isWhole ? headMs : performance.now() - this.#startedMs,
      ...(reason !== undefined && { reason }),
    });
  }
}
