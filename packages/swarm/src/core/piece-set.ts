/** Which pieces are there: one bit for each, 32 to a word, so that two sets are compared 32 pieces at a time. */
export class PieceSet {
  readonly size: number;
  readonly words: Uint32Array;
  #count = 0;

  constructor(size: number) {
    this.size = size;
    this.words = new Uint32Array(Math.ceil(size / 32));
  }

  /** Undefined when the bits are not of so many pieces. */
  static fromBytes(size: number, bytes: Uint8Array): PieceSet | undefined {
    if (bytes.length !== Math.ceil(size / 8)) return undefined;
    const set = new PieceSet(size);
    for (const [index, byte] of bytes.entries()) {
      for (let bit = 0; bit < 8; bit++) {
        if (((byte << bit) & 0x80) === 0) continue;
        const piece = index * 8 + bit;
        if (piece >= size) return undefined;
        set.add(piece);
      }
    }
    return set;
  }

  static full(size: number): PieceSet {
    const set = new PieceSet(size);
    for (let piece = 0; piece < size; piece++) set.add(piece);
    return set;
  }

  /** How many are there. */
  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count === this.size;
  }

  has(piece: number): boolean {
    return ((this.words[piece >>> 5] ?? 0) & (1 << (piece & 31))) !== 0;
  }

  /** Whether it was not there before. */
  add(piece: number): boolean {
    if (piece >= this.size || this.has(piece)) return false;
    this.words[piece >>> 5] = (this.words[piece >>> 5] ?? 0) | (1 << (piece & 31));
    this.#count++;
    return true;
  }

  /** Whether it was there before. */
  delete(piece: number): boolean {
    if (!this.has(piece)) return false;
    this.words[piece >>> 5] = (this.words[piece >>> 5] ?? 0) & ~(1 << (piece & 31));
    this.#count--;
    return true;
  }

  /** One bit for each piece, the first in the highest bit of the first byte. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(Math.ceil(this.size / 8));
    for (const piece of this)
      bytes[piece >>> 3] = (bytes[piece >>> 3] ?? 0) | (0x80 >>> (piece & 7));
    return bytes;
  }

  *[Symbol.iterator](): Generator<number> {
    for (let index = 0; index < this.words.length; index++) {
      let word = this.words[index] ?? 0;
      while (word !== 0) {
        const lowest = 31 - Math.clz32(word & -word);
        yield index * 32 + lowest;
        word &= word - 1;
      }
    }
  }
}
