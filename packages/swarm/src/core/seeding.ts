/**
 * Who has all of an artifact first, and how it gets out with each piece sent once: whoever dials wishes for
 * "any piece", and gets one that was never given to anybody. What one of them got, the others get from him.
 *
 *     unsent: 7 2 9 …  --wish of web-1--> 7 is under way to web-1 --> web-1 says that it has 7
 *                                              | its line ends first
 *                                              v
 *                                        unsent again
 *
 * Once everything was given out, a wish is granted only with what no living line has: what somebody took and
 * went away with. Otherwise the answer is "nothing", and whoever knows nobody with a piece asks for it by its
 * number.
 */
import type { PieceSet } from "./piece-set.js";
import type { Availability } from "./selection.js";

export class Seeding {
  /** Never given to anybody, in the order in which they will be, last first. */
  readonly #unsent: number[];
  readonly #underWay = new Map<number, number>();
  /** Somebody who has everything went away, as those do who need nothing: the pieces are not lost. */
  #isOut = false;

  constructor(pieces: number, fraction: () => number) {
    this.#unsent = shuffled(pieces, fraction);
  }

  /** What to give to somebody who has `has`, on a wish; undefined for nothing. */
  pick(has: PieceSet, availability: Availability): number | undefined {
    for (let index = this.#unsent.length - 1; index >= 0; index--) {
      const piece = this.#unsent[index] ?? 0;
      if (availability.of(piece) > 0) {
        // Somebody came who has it already.
        this.#unsent.splice(index, 1);
        continue;
      }
      if (!has.has(piece)) return piece;
    }
    if (this.#unsent.length > 0 || this.#isOut) return undefined;
    return this.#pickLost(has, availability);
  }

  leftWhole(): void {
    this.#isOut = true;
  }

  /** It is being sent; `ended` follows. */
  began(piece: number): void {
    const index = this.#unsent.lastIndexOf(piece);
    if (index >= 0) this.#unsent.splice(index, 1);
    this.#underWay.set(piece, (this.#underWay.get(piece) ?? 0) + 1);
  }

  /** Whoever it was sent to has it now, or went away. */
  ended(piece: number, arrived: boolean): void {
    const count = (this.#underWay.get(piece) ?? 1) - 1;
    if (count > 0) this.#underWay.set(piece, count);
    else this.#underWay.delete(piece);
    if (!arrived && count <= 0 && !this.#unsent.includes(piece)) this.#unsent.push(piece);
  }

  #pickLost(has: PieceSet, availability: Availability): number | undefined {
    for (let piece = 0; piece < has.size; piece++)
      if (availability.of(piece) === 0 && !has.has(piece) && !this.#underWay.has(piece))
        return piece;
    return undefined;
  }
}

function shuffled(count: number, fraction: () => number): number[] {
  const numbers = Array.from({ length: count }, (_, number) => number);
  for (let place = count - 1; place > 0; place--) {
    const other = Math.floor(fraction() * (place + 1));
    [numbers[place], numbers[other]] = [numbers[other] ?? 0, numbers[place] ?? 0];
  }
  return numbers;
}
