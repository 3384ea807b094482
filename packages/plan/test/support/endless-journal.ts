/** Appends to a run for ever and prints the number of each event that was acknowledged; to be killed. */
import { writeSync } from "node:fs";
import { openSqliteStore } from "@propagit/store";
import { openFolderJournal } from "../../src/system/folder-journal.js";
import { storeJournal } from "../../src/system/store-journal.js";
import { makePlan } from "./plans.js";

const [kind, path = ""] = process.argv.slice(2);
const journal =
  kind === "folder" ? await openFolderJournal(path) : storeJournal(await openSqliteStore(path));
if ((await journal.list()).length === 0) await journal.create("a", makePlan([]));
await journal.take("a");
for (let at = (await journal.read("a")).events.length; ; at += 2) {
  await journal.append("a", [begun(at), begun(at + 1)]);
  // Not through a stream: what is printed must be out before the next write begins.
  writeSync(1, `${at + 2}\n`);
}

function begun(at: number) {
  return { at, kind: "task-begun", task: "1.1.1".padEnd(at % 3000, " "), attempt: 1 } as const;
}
