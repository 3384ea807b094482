/** Events as they happen, until the caller has had enough. */
import { sendPieces, type ClusterEvent, type Params, type Result } from "@propagit/protocol";
import { aborted, type IncomingCall } from "@propagit/runtime";
import type { Ledger } from "./ledger.js";

/** The last events; when followed, the new ones after them without gap or repetition. */
export async function followEvents(
  ledger: Ledger,
  { last, follow }: Params<"hub.events">,
  call: IncomingCall<"hub.events">,
): Promise<Result<"hub.events">> {
  if (!follow) {
    const events = await ledger.events(last);
    const rest = sendPieces(events, (piece) => piece.forEach(call.part));
    return { events: rest };
  }
  let lastSent = 0;
  let early: ClusterEvent[] | undefined = [];
  const send = (event: ClusterEvent) => {
    if (event.number <= lastSent) return;
    lastSent = event.number;
    call.part(event);
  };
  const listening = ledger.listen({
    changed: () => undefined,
    happened: (event) => (early ? early.push(event) : send(event)),
  });
  try {
    for (const event of await ledger.events(last)) send(event);
    for (const event of early) send(event);
    early = undefined;
    await aborted(call.signal);
  } finally {
    listening.stop();
  }
  return { events: [] };
}
