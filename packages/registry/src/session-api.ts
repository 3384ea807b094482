/** The registry's methods as a session speaks them. */
import { assert, piecesOf, sendPieces, type EndpointUpdate, type Peer } from "@propagit/protocol";
import { aborted, type Conversation, type Handlers } from "@propagit/runtime";
import { admitMeta, admitRegistration } from "./core/record.js";
import type { Registry } from "./registry.js";

export function sessionHandlers(registry: Registry): Handlers {
  return {
    "registry.grant": ({ ttlMs }) => registry.grant(ttlMs),
    "registry.renew": ({ lease }) => registry.renew(lease),
    "registry.revoke": async ({ lease }) => {
      await registry.revoke(lease);
      return {};
    },
    "registry.register": async ({ lease, record }, { conversation }) => {
      const admitted = admitRegistration(accessOf(conversation), record);
      return { endpoint: await registry.register(lease, admitted, conversation.remoteHost) };
    },
    "registry.set": async ({ lease, id, meta }, { conversation }) => {
      const admitted = admitMeta(accessOf(conversation), meta);
      return { endpoint: await registry.set(lease, id, admitted) };
    },
    "registry.free": async ({ lease, id }) => {
      await registry.free(lease, id);
      return {};
    },
    "registry.query": async (query, { part }) => {
      await registry.ready();
      const { at, settled, endpoints } = registry.query(query);
      return { at, settled, endpoints: sendPieces(endpoints, part) };
    },
    "registry.watch": async ({ since }, call) => {
      await registry.ready();
      if (call.signal.aborted) return {};
      const stop = registry.watch(since, (update) => {
        for (const part of partsOf(update)) call.part(part);
      });
      // It may be already: the snapshot alone can be too much for a slow reader, who is then cut off.
      await aborted(call.signal);
      stop();
      return {};
    },
  };
}

/** A snapshot of a large cluster does not fit into one frame. */
function partsOf(update: EndpointUpdate): readonly EndpointUpdate[] {
  if (update.kind !== "snapshot") return [update];
  const pieces = piecesOf(update.endpoints);
  return pieces.map((endpoints, index) => ({
    ...update,
    endpoints,
    ...(index < pieces.length - 1 && { more: true }),
  }));
}

function accessOf(conversation: Conversation): Peer["access"] {
  assert(conversation.peer, "a call is answered before the peer is known");
  return conversation.peer.access;
}
