/** A real grant, gotten as a drone gets it. */
import { randomBytes } from "node:crypto";
import type { Address, Grant, SwarmPeer } from "@propagit/protocol";
import {
  Conversation,
  credentialFromSecret,
  nodeCrypto,
  nodeWorld,
  sessionPaths,
  silentLog,
} from "@propagit/runtime";

export interface JoinOptions {
  readonly hub: Address;
  readonly secret: string;
  readonly name: string;
  /** Where others would dial it. */
  readonly host: string;
  readonly port: number;
}

export interface OpenGrant {
  readonly artifact: string;
  readonly bytes: number;
  /** Of the holder, in clear, 64 hex characters. */
  readonly secret: string;
  readonly holder: string;
  readonly expiresAt: number;
  /** With their keys in clear. */
  readonly peers: readonly (SwarmPeer & { readonly key: string })[];
}

export interface Joined {
  readonly conversation: Conversation;
  /** Asks until the commit comes by a swarm: it does as soon as others want it, too. */
  grantFor(repo: string, commit: string): Promise<OpenGrant>;
}

const connectMsMax = 10_000;
const askEveryMs = 100;

export async function joinHub({ hub, secret, name, host, port }: JoinOptions): Promise<Joined> {
  const world = nodeWorld(silentLog);
  const wire = await world.network.connect(hub, sessionPaths.hub, connectMsMax);
  const credential = credentialFromSecret(secret);
  const side = { kind: "client", role: "drone", credential, acceptsOpen: false } as const;
  // What it is told to run and whom else to know is no affair of its.
  const tellingHandlers = { "drone.assign": () => undefined, "drone.peers": () => undefined };
  const conversation = new Conversation(world, wire, { side, tellingHandlers });
  await conversation.established;
  const identity = randomBytes(16).toString("hex");
  const swarm = { port };
  const own = { identity, name, host, swarm, version: "1.0.0" };
  await conversation.call("hub.join", { ...own, labels: {}, instances: [] });
  return {
    conversation,
    async grantFor(repo, commit) {
      for (;;) {
        const answer = await conversation.call("hub.artifact", { repo, commit, have: [] });
        if (answer.how === "swarm") return opened(conversation, answer.grant);
        await new Promise((resolve) => {
          setTimeout(resolve, askEveryMs);
        });
      }
    },
  };
}

function opened(conversation: Conversation, grant: Grant): OpenGrant {
  const show = (hidden: string) => {
    const shown = nodeCrypto.decrypt(conversation.peer?.sessionKey ?? "", hidden);
    if (shown === undefined) throw new Error("a secret of the grant cannot be read");
    return shown;
  };
  const peers = grant.peers.map((peer) => ({ ...peer, key: show(peer.key ?? "") }));
  return { ...grant, secret: show(grant.secret), peers };
}
