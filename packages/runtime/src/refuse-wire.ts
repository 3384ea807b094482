/** Ends a wire as a server that refuses a stranger: with the reason, before anything was proven. */
import { encodeHandshake, protocolVersion, type PropagitError } from "@propagit/protocol";
import type { Wire } from "./network.js";

export function refuseWire(wire: Wire, error: PropagitError): void {
  wire.send(encodeHandshake({ v: protocolVersion, kind: "refused", error: error.toData() }));
  wire.close();
}
