/** Opens a store, says how that went, and holds it until its input ends. */
import { writeSync } from "node:fs";
import { toPropagitError } from "@propagit/protocol";
import { openSqliteStore } from "../../src/index.js";

const [path = ""] = process.argv.slice(2);
try {
  const store = await openSqliteStore(path);
  await store.transact({ writes: [{ kind: "put", key: `${process.pid}`, value: true }] });
  writeSync(1, "opened\n");
  process.stdin.once("end", () => void store.close());
  process.stdin.resume();
} catch (thrown) {
  writeSync(1, `${toPropagitError(thrown).code}\n`);
}
