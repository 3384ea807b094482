/** Writes for ever and prints each revision that was acknowledged; to be killed. */
import { openSqliteStore } from "../../src/index.js";

const [path = "", round = "0"] = process.argv.slice(2);
const store = await openSqliteStore(path);
for (let index = 0; ; index++) {
  const value = { round: Number(round), index };
  const outcomes = await Promise.all(
    ["x", "y"].map((twin) =>
      store.transact({
        writes: [
          { kind: "put", key: `${twin}/left/${round}/${index}`, value },
          { kind: "put", key: `${twin}/right/${round}/${index}`, value },
        ],
      }),
    ),
  );
  for (const outcome of outcomes) if (!outcome.ok) throw new Error("a write was refused");
  process.stdout.write(`${index}\n`);
}
