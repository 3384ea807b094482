/**
 * Writes for ever, two transactions at a time, and prints the number of each that was acknowledged; to be
 * killed. Each transaction writes the same under `left/`, `right/` and `newest/`.
 */
import { writeSync } from "node:fs";
import { openSqliteStore } from "../../src/index.js";

const [path = "", first = "0"] = process.argv.slice(2);
/** Large enough that the log is moved into the file several times a second. */
const ballast = "v".repeat(3_000);

const store = await openSqliteStore(path);
for (let number = Number(first); ; number += 2) {
  await Promise.all([write(number), write(number + 1)]);
}

async function write(number: number): Promise<void> {
  const value = { number, ballast };
  const outcome = await store.transact({
    writes: [`left/${number}`, `right/${number}`, `newest/${number % 10}`].map((key) => ({
      kind: "put",
      key,
      value,
    })),
  });
  if (!outcome.ok) throw new Error("a write was refused");
  // Not through a stream: what is printed must be out before the next write begins.
  writeSync(1, `${number}\n`);
}
