/** A program that launches three apps, to be killed in the middle of it. */
import { join } from "node:path";
import { nodeClock, silentLog } from "@propagit/runtime";
import { LogStore } from "../../src/system/log-store.js";
import { NodeProcesses } from "../../src/system/node-processes.js";
import { noteOf } from "./process-bench.js";

const [, , folder = ""] = process.argv;
const options = { clock: nodeClock, log: silentLog };
const logs = new LogStore({ ...options, folder: join(folder, "logs"), bytesMax: 2 ** 20 });
const processes = new NodeProcesses({ ...options, logs, folder, stopTimeoutMs: 500 });
setInterval(() => undefined, 1_000);
process.stdout.write("begins\n");
for (let index = 0; index < 3; index++) {
  const note = noteOf({ slot: index + 1 });
  const variables = { PATH: process.env["PATH"] ?? "", PROCESS_ID: note.process };
  await processes.launch({
    note,
    command: ["sleep", "98765"],
    folder,
    variables,
    user: undefined,
    limits: undefined,
  });
}
