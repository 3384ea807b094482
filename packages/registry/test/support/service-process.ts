/** A process that keeps one service registered: killed and frozen by tests. */
import type { Address } from "@propagit/protocol";
import { connect } from "../../src/index.js";

const options = JSON.parse(process.argv[2] ?? "{}") as {
  registry: Address;
  service: string;
  ttlMs: number;
};
const client = connect(options.registry, { ttlMs: options.ttlMs });
const port = await client.register(options.service);
process.send?.(port);
process.once("disconnect", () => process.exit());
