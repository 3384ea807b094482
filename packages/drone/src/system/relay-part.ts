/** What makes a drone a relay: its front, and the part that carries what comes there. */
import type { RelaySettings } from "../core/options.js";
import type { MakePart } from "../drone-part.js";
import { Relay } from "../relay.js";
import { listenAsRelay, type RelayFront } from "./relay-front.js";

export interface RelayPart {
  readonly front: RelayFront;
  readonly make: MakePart;
}

/** @throws PORT_IN_USE, BAD_USAGE */
export async function openRelay({ port, carriesOnly = false }: RelaySettings): Promise<RelayPart> {
  const front = await listenAsRelay(port);
  return {
    front,
    make: (context) => {
      const relay = new Relay(context, { port: front.port, carriesOnly });
      front.open(relay);
      context.world.log.info(`takes drones in on port ${front.port}`);
      // Whoever is connected goes another way at once, and need not notice by silence.
      return { ...relay.part, stop: () => front.close() };
    },
  };
}
