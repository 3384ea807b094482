/** What is called on the registry: leases, records, queries, watches. */
import * as Type from "typebox";
import type { TSchema } from "typebox";
import { count, exact, list, text } from "./shape.js";
import {
  endpointQuerySchema,
  endpointSchema,
  endpointUpdateSchema,
  metaSchema,
  positionSchema,
  registrationSchema,
} from "./vocabulary.js";

const nothing = exact({});
const lease = Type.String({ pattern: "^[0-9a-f]{32}$" });

export const registryMethods = {
  "registry.grant": {
    params: exact({ ttlMs: Type.Integer({ minimum: 1_000, maximum: 3_600_000 }) }),
    result: exact({ lease, ttlMs: count }),
    needs: "token",
  },
  "registry.renew": { params: exact({ lease }), result: exact({ ttlMs: count }), needs: "token" },
  /** Ends a lease and frees its records at once. */
  "registry.revoke": { params: exact({ lease }), result: nothing, needs: "token" },
  /** Puts a record under a lease; the same id again replaces it. */
  "registry.register": {
    params: exact({ lease, record: registrationSchema }),
    result: exact({ endpoint: endpointSchema }),
    needs: "token",
  },
  "registry.set": {
    params: exact({ lease, id: text(64), meta: metaSchema }),
    result: exact({ endpoint: endpointSchema }),
    needs: "token",
  },
  "registry.free": { params: exact({ lease, id: text(64) }), result: nothing, needs: "token" },
  "registry.query": {
    params: endpointQuerySchema,
    /** Endpoints that do not fit into the frame of the result; they belong before it. */
    part: list(endpointSchema, 100_000),
    result: exact({
      at: positionSchema,
      settled: Type.Boolean(),
      endpoints: list(endpointSchema, 100_000),
    }),
    needs: "token",
  },
  /** A snapshot, or the changes since a position; then changes as parts until cancelled. */
  "registry.watch": {
    params: exact({ since: Type.Optional(positionSchema) }),
    part: endpointUpdateSchema,
    result: nothing,
    needs: "token",
  },
} as const satisfies Record<
  string,
  { params: TSchema; result: TSchema; part?: TSchema; needs: "token" }
>;
