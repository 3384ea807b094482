/** Two ends of a tunnel, over a conversation in a simulated network. */
import {
  Tunnel,
  tunnelHandlers,
  type Conversation,
  type ServicePath,
  type Wire,
} from "../../src/index.js";
import { meet, type Meeting } from "./meeting.js";

export interface Relayed extends Meeting {
  /** Opens channels. */
  readonly near: Tunnel;
  /** Takes them. */
  readonly far: Tunnel;
}

/** @param accept takes what is opened */
export async function relayed(accept: (wire: Wire, path: ServicePath) => void): Promise<Relayed> {
  const tunnels = new Map<Conversation, Tunnel>();
  const handlers = tunnelHandlers((conversation) => tunnels.get(conversation));
  const meeting = await meet({ tellingHandlers: handlers, clientTellingHandlers: handlers });
  const { sim, client, server } = meeting;
  const near = new Tunnel(sim.clock, { carrier: client });
  const far = new Tunnel(sim.clock, { carrier: server, accept });
  tunnels.set(client, near).set(server, far);
  return { ...meeting, near, far };
}

/** Collects what comes on a wire. */
export function collect(wire: Wire): { readonly heard: string[]; readonly ends: string[] } {
  const heard: string[] = [];
  const ends: string[] = [];
  wire.listen({ message: (text) => heard.push(text), closed: (reason) => ends.push(reason) });
  return { heard, ends };
}
