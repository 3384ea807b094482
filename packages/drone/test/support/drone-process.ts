/** A drone in a process of its own, so that it can be killed. Arguments: JSON of the options. */
import { startDrone, type DroneOptions } from "../../src/index.js";

const options = JSON.parse(process.argv[2] ?? "{}") as Omit<DroneOptions, "log">;
const say = (line: string) => void process.stdout.write(`${line}\n`);
await startDrone({ ...options, log: { info: say, warn: say } });
