/**
 * Work that several want at the same moment is done once. Who gives up takes nobody with him: the work is
 * given up when nobody waits for it any more, and the last one leaves when it has ended.
 */
export class SharedWork {
  readonly #running = new Map<string, Running>();

  /** Joins the work of that name, or begins it. */
  async join(
    name: string,
    signal: AbortSignal,
    begin: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    signal.throwIfAborted();
    const running = this.#running.get(name) ?? this.#begin(name, begin);
    running.waiting++;
    const left = await endOrAbort(running, signal);
    if (left === "ended") return;
    if (running.waiting > 0) throw signal.reason as Error;
    // Whoever comes now begins anew.
    if (this.#running.get(name) === running) this.#running.delete(name);
    running.stop.abort(signal.reason);
    await running.done;
  }

  #begin(name: string, begin: (signal: AbortSignal) => Promise<void>): Running {
    const stop = new AbortController();
    const done = begin(stop.signal).finally(() => {
      if (this.#running.get(name)?.stop === stop) this.#running.delete(name);
    });
    // Whoever waits hears of it; it may be that nobody does any more.
    done.catch(() => undefined);
    const running = { stop, done, waiting: 0 };
    this.#running.set(name, running);
    return running;
  }
}

interface Running {
  readonly stop: AbortController;
  readonly done: Promise<void>;
  waiting: number;
}

async function endOrAbort(running: Running, signal: AbortSignal): Promise<"ended" | "aborted"> {
  let giveUp = () => undefined as void;
  const given = new Promise<"aborted">((resolve) => {
    giveUp = () => resolve("aborted");
    signal.addEventListener("abort", giveUp, { once: true });
  });
  try {
    return await Promise.race([running.done.then(() => "ended" as const), given]);
  } finally {
    running.waiting--;
    signal.removeEventListener("abort", giveUp);
  }
}
