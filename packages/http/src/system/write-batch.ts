/**
 * What is written while one turn of the event loop reads, handed to the kernel together at its end:
 *
 *     read, read, read … ──> write, write, write … ──> next turn
 *
 * Reading and writing touch different code and memory, and a peer that was woken by the first write is still awake
 * for the next ones: this is 5 % of a small answer's cost, and more with many connections. Pieces for
 * the same connection leave in one write.
 */

export interface LateWriter {
  flush(): void;
}

/** The first of so many need not wait for the last: a turn may read from a thousand connections. */
const writersMax = 64;

let writers: LateWriter[] = [];
let spare: LateWriter[] = [];
let isArmed = false;

/** Its `flush` is called soon, in this turn. */
export function flushLater(writer: LateWriter): void {
  writers.push(writer);
  if (writers.length >= writersMax) return flushAll();
  if (isArmed) return;
  isArmed = true;
  setImmediate(endTurn);
}

function endTurn(): void {
  isArmed = false;
  flushAll();
}

function flushAll(): void {
  // Whoever writes because of a flush joins the next batch.
  const batch = writers;
  writers = spare;
  for (const writer of batch) writer.flush();
  batch.length = 0;
  spare = batch;
}
