/**
 * A drone's tasks in a process of their own, so that it can be killed. Arguments: JSON of the options and of
 * the task that it is asked for. Says `called` when it was asked, then what the task says, then its result.
 */
import { ask, openParts, type PartsOptions } from "./parts.js";
import type { TaskParams } from "../../src/task-world.js";

const [options = "{}", params = "{}"] = process.argv.slice(2);
const say = (line: string) => void process.stdout.write(`${line}\n`);
const parts = await openParts(JSON.parse(options) as PartsOptions);
const { result, lines } = ask(parts, JSON.parse(params) as TaskParams);
lines.push = (...more: string[]) => {
  more.forEach(say);
  return 0;
};
say("called");
say(JSON.stringify(await result));
