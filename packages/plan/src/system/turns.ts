/** Work on the same run is done in the order in which it was asked for; what waits behind a failure fails too. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  async take(run: string, work: () => Promise<void>): Promise<void> {
    const turn = this.#last.get(run)?.then(work) ?? work();
    this.#last.set(run, turn);
    try {
      await turn;
    } finally {
      if (this.#last.get(run) === turn) this.#last.delete(run);
    }
  }
}
