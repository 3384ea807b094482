/**
 * A hub with real git and a real store and connections, whose own part in swarms is a double that remembers
 * what it was to offer; and drones that ask as the real ones do.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Params, Result, ShareReport, Telling } from "@propagit/protocol";
import {
  acceptWires,
  credentialFromSecret,
  dial,
  hangUp,
  Link,
  nodeWorld,
  sessionPaths,
  type Conversation,
} from "@propagit/runtime";
import { openMemoryStore, type Store } from "@propagit/store";
import type { Offer, Share } from "@propagit/swarm";
import { Hub } from "../../src/index.js";
import type { ArtifactShelf, ShelfOptions } from "../../src/system/artifact-shelf.js";
import { makeGitBench, type GitBench } from "./git-bench.js";
import { secret } from "./real-git.js";
import { openShelf } from "./shelf-bench.js";
import { simPlanMeans } from "./plan-means.js";

const credential = credentialFromSecret(secret);

export interface SwarmHub {
  readonly bench: GitBench;
  readonly log: readonly string[];
  /** What the hub's own part was to serve. */
  readonly offers: readonly Offer[];
  readonly shelf: ArtifactShelf;
  drone(name: string, options?: DroneOptions): Promise<AskingDrone>;
  command(): Promise<Conversation>;
  /** Ends the hub and opens it again over the same folder. */
  restart(): Promise<void>;
}

interface DroneOptions {
  readonly labels?: Readonly<Record<string, string>>;
  readonly swarm?: Params<"hub.join">["swarm"] | null;
}

export interface AskingDrone {
  readonly conversation: Conversation;
  readonly name: string;
  readonly told: readonly Telling<"drone.peers">[];
  readonly carried: readonly Params<"drone.carry">[];
  ask(commit: string, have?: readonly string[], repo?: string): Promise<Result<"hub.artifact">>;
  tell(report: Telling<"hub.share">): void;
  leave(): void;
}

export async function makeSwarmHub(
  test: TestContext,
  shelfOptions: Partial<ShelfOptions> = {},
): Promise<SwarmHub> {
  const bench = await makeGitBench(test);
  const log: string[] = [];
  const say = (text: string) => void log.push(text);
  const offers: Offer[] = [];
  const store = openMemoryStore();
  const open = () => openHub(test, bench, { store, offers, say, shelfOptions });
  let life = await open();
  const at = { host: "localhost", path: sessionPaths.hub, credential, acceptsOpen: false };
  const world = nodeWorld({ info: say, warn: say });
  const drone = async (
    name: string,
    { labels = {}, swarm = { port: 40_000 } }: DroneOptions = {},
  ): Promise<AskingDrone> => {
    const told: Telling<"drone.peers">[] = [];
    const carried: Params<"drone.carry">[] = [];
    const introduction: Params<"hub.join"> = {
      identity: identityOf(name),
      name,
      labels: { ...labels },
      host: "10.0.0.1",
      version: "1.0.0",
      instances: [],
      ...(swarm && { swarm }),
    };
    const link = new Link(world, {
      ...at,
      address: { host: "localhost", port: life.port },
      role: "drone",
      introduce: async (conversation) => {
        await conversation.call("hub.join", introduction);
      },
      handlers: {
        "drone.carry": (params) => {
          carried.push(params);
          return {};
        },
      },
      tellingHandlers: {
        "drone.peers": (more) => void told.push(more),
        "drone.assign": () => undefined,
      },
    });
    test.after(() => link.stop());
    const conversation = await link.up(10_000);
    return {
      conversation,
      name,
      told,
      carried,
      ask: (commit, have = [], repo = "webapp") =>
        conversation.call("hub.artifact", { repo, commit, have: [...have] }, { limitMs: 60_000 }),
      tell: (report) => conversation.tell("hub.share", report),
      leave: () => link.stop(),
    };
  };
  return {
    bench,
    log,
    offers,
    get shelf() {
      return life.shelf;
    },
    drone,
    command: async () => {
      const address = { host: "localhost", port: life.port };
      const conversation = await dial(world, { ...at, address, role: "cli" });
      test.after(() => hangUp(conversation));
      return conversation;
    },
    restart: async () => {
      await life.stop();
      life = await open();
    },
  };
}

function identityOf(name: string): string {
  return Buffer.from(name.padEnd(16, "-")).toString("hex").slice(0, 32);
}

interface OpenOptions {
  readonly store: Store;
  readonly offers: Offer[];
  readonly say: (text: string) => void;
  readonly shelfOptions: Partial<ShelfOptions>;
}

async function openHub(
  test: TestContext,
  bench: GitBench,
  { store, offers, say, shelfOptions }: OpenOptions,
) {
  const { repositories } = bench;
  const log = { info: say, warn: say };
  const shelf = await openShelf(join(bench.folder, "hub"), repositories, { log, ...shelfOptions });
  const shares = new Map<string, Share>();
  const swarm = {
    offer: async (offer: Offer) => {
      offers.push(offer);
      const share = doubleOf(offer, () => shares.delete(offer.artifact));
      shares.set(offer.artifact, share);
      return share;
    },
    share: (artifact: string) => shares.get(artifact),
  };
  const server = createServer();
  server.listen(0);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const means = { artifacts: shelf, swarm, port };
  const settingsKey = "5".repeat(64);
  const own = { store, repositories, settingsKey, swarm: means, plans: simPlanMeans };
  const world = { ...nodeWorld(log), ...own };
  const registry = { port: 6000, open: false };
  const hub = await Hub.open(world, { clusterKey: credential.key, registry });
  const wires = acceptWires(server, { [sessionPaths.hub]: (wire) => hub.accept(wire) });
  let stopped: Promise<void> | undefined;
  const end = async () => {
    await hub.stop();
    wires.closeAll();
    server.close();
    await shelf.stop();
  };
  const stop = () => (stopped ??= end());
  test.after(stop);
  return { port, shelf, stop };
}

/** As much of a share as the hub looks at. */
function doubleOf({ artifact, path }: Offer, ended: () => void): Share {
  const share = {
    artifact,
    path: Promise.resolve(path),
    whole: Promise.resolve(),
    report: shareReport(artifact, { state: "used", sentBytes: 12_345 }),
    introduce: () => undefined,
    used: () => undefined,
    spoiled: () => undefined,
    wantedAt: 0,
    end: async () => ended(),
  };
  return share as unknown as Share;
}

export function shareReport(artifact: string, changes: Partial<ShareReport> = {}): ShareReport {
  return {
    artifact,
    state: "taking",
    pieces: 0,
    piecesAll: 10,
    receivedBytes: 0,
    sentBytes: 0,
    wastedBytes: 0,
    receivedBytesPerSecond: 0,
    ...changes,
  };
}
