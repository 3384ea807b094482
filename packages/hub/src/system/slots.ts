/** So many at the same time; the others queue up, not too many and not for too long. */
import { PropagitError } from "@propagit/protocol";

export interface SlotLimits {
  readonly name: string;
  readonly runningMax: number;
  readonly waitingMax: number;
  readonly waitMsMax: number;
}

export class Slots {
  readonly #limits: SlotLimits;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(limits: SlotLimits) {
    this.#limits = limits;
  }

  /**
   * Waits for a slot; the returned function gives it back, and may be called twice.
   *
   * @throws OVERLOADED when too many wait, or the wait is too long, or `signal` is aborted
   */
  async take(signal: AbortSignal): Promise<() => void> {
    const { runningMax } = this.#limits;
    if (this.#running >= runningMax) await this.#wait(signal);
    else this.#running++;
    let isTaken = true;
    return () => {
      if (isTaken) this.#give();
      isTaken = false;
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    const { name, waitingMax, waitMsMax } = this.#limits;
    if (this.#waiting.length >= waitingMax) throw busy(name);
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", giveUp);
        const at = this.#waiting.indexOf(go);
        if (at >= 0) this.#waiting.splice(at, 1);
      };
      const go = () => {
        stop();
        resolve();
      };
      const giveUp = () => {
        stop();
        reject(busy(name));
      };
      const timer = setTimeout(giveUp, waitMsMax);
      signal.addEventListener("abort", giveUp, { once: true });
      this.#waiting.push(go);
    });
  }

  /** The slot goes to the next in the queue, so nobody overtakes. */
  #give(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#running--;
  }
}

function busy(name: string): PropagitError {
  return new PropagitError("OVERLOADED", `the hub has too many ${name} under way`);
}
