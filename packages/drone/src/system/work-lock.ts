/**
 * Who works in a repository: any number at the same time, or one that clears up. Whoever clears up begins
 * only when nobody works, and gives way as soon as somebody wants to: no start waits for housekeeping.
 */
export class WorkLock {
  #workers = 0;
  #cleaning: { readonly stop: AbortController; readonly done: Promise<unknown> } | undefined;

  async work<T>(action: () => Promise<T>): Promise<T> {
    this.#workers++;
    try {
      this.#cleaning?.stop.abort();
      await this.#cleaning?.done;
      return await action();
    } finally {
      this.#workers--;
    }
  }

  /** Whether it was done: not when somebody works here, nor when somebody came meanwhile. */
  async clean(action: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
    if (this.#workers > 0 || this.#cleaning) return false;
    const stop = new AbortController();
    const cleaned = action(stop.signal);
    this.#cleaning = { stop, done: cleaned.catch(() => undefined) };
    try {
      await cleaned;
    } catch (thrown) {
      if (!stop.signal.aborted) throw thrown;
    } finally {
      this.#cleaning = undefined;
    }
    return !stop.signal.aborted;
  }
}
