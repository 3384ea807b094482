/** A registry as a process: killed, frozen and started again by tests. */
import { silentLog } from "@propagit/runtime";
import { serveRegistry } from "../../src/index.js";

const options = JSON.parse(process.argv[2] ?? "{}") as { port: number; dataFolder: string };
const { address } = await serveRegistry({ ...options, log: silentLog });
process.send?.(address.port);
// Whoever started it is gone: end as well, so that no test leaves a process behind.
process.once("disconnect", () => process.exit());
