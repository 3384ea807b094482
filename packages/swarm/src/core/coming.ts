/** Pieces that are on their way to a zone over a long line, as far as is known here. */

/** After that it is not believed any more: whoever asked for it may be gone. A guess. */
const believedMs = 30_000;

interface Coming {
  readonly until: number;
  readonly isOwn: boolean;
}

export class ComingPieces {
  readonly #byPiece = new Map<number, Coming>();

  /** They were asked for from here. */
  own(pieces: readonly number[], now: number): void {
    for (const piece of pieces) this.#byPiece.set(piece, { until: now + believedMs, isOwn: true });
  }

  /** Somebody near asked for them, or has heard of it. @returns those that are news here */
  heard(pieces: readonly number[], now: number): number[] {
    const news = pieces.filter((piece) => (this.#byPiece.get(piece)?.until ?? 0) <= now);
    for (const piece of news) this.#byPiece.set(piece, { until: now + believedMs, isOwn: false });
    return news;
  }

  kept(piece: number): void {
    this.#byPiece.delete(piece);
  }

  /** Those that others have asked for. */
  elsewhere(now: number): number[] {
    return [...this.#byPiece].flatMap(([piece, { isOwn, until }]) =>
      isOwn || until <= now ? [] : [piece],
    );
  }
}
