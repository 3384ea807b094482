/**
 * A hub as a process of its own, so that it can be killed: `node hub-process.js FOLDER PORT`.
 *
 * Says `ready` when it answers.
 */
import { textLog } from "@propagit/runtime";
import { startHub } from "../../src/index.js";

const [dataFolder = "", port = ""] = process.argv.slice(2);
const log = textLog("hub", (line) => process.stderr.write(line));
const hub = await startHub({ dataFolder, port: Number(port), secret: "beepboop", log });
process.stdout.write("ready\n");
process.once("SIGTERM", () => {
  void hub.stop().then(() => process.exit(0));
});
