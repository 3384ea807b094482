/**
 * Row of thousands: five thousand drones in virtual time, with the real piece picking, exchange and tracker,
 * on lines as wide as those of the real rows. What the hub does for it is real processor time.
 */
import {
  createHash,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
  createPublicKey,
} from "node:crypto";
import type { ShareReport, SwarmPeer } from "@propagit/protocol";
import { simulate, type Simulation } from "@propagit/runtime";
import {
  artifactIdOf,
  encodeClaim,
  encodeManifest,
  SimLines,
  SwarmNode,
  Tracker,
  type Admission,
  type Digests,
  type Participant,
  type PieceFile,
  type PieceFiles,
  type Share,
  type SwarmWorld,
  type TrackerEffect,
} from "@propagit/swarm";
import { report } from "../report.js";
import type { Setting } from "./setting.js";

const bench = "swarm";
const few = 64;
const many = Number(process.env["BENCH_SIMULATED"] ?? 5_000);
const timeGoal = 2;
const pieceBytes = 32 * 1024;
/** 4 MB: each of them is hashed by each drone. With fewer pieces more of the time is the way to the last one. */
const pieces = 128;
const zones = 8;
const delayMs = 1;
/** Drones ask within so long of each other, as a deploy reaches them. */
const askWithinMs = 200;
const messagesPerDroneMax = 30;
const hubName = "hub";

interface Run {
  readonly ms: number;
  readonly hubPieceBytes: number;
  readonly messagesToHub: number;
  readonly messagesFromHub: number;
  readonly hubUs: number;
  readonly trackerMb: number;
  readonly tookS: number;
}

export async function thousands({ bytesPerSecond }: Setting): Promise<void> {
  const small = await run(few, bytesPerSecond);
  const large = await run(many, bytesPerSecond);
  const bytes = pieces * pieceBytes;
  const idealMs = (bytes / bytesPerSecond) * 1_000;
  const what = `simulated, ${many} drones, ${pieces} pieces`;
  report({
    bench,
    metric: `${what}: until the last one has every piece`,
    unit: "ms",
    ours: large.ms,
    theirs: small.ms,
    peer: `${few} drones, simulated`,
    goal: timeGoal,
    more: { idealMs: Math.round(idealMs), tookSeconds: Math.round(large.tookS) },
  });
  report({
    bench,
    metric: `${what}: messages between a drone and the hub about it`,
    unit: "messages",
    ours: (large.messagesToHub + large.messagesFromHub) / many,
    theirs: (small.messagesToHub + small.messagesFromHub) / few,
    peer: `${few} drones, simulated`,
    goalAbsolute: messagesPerDroneMax,
  });
  report({
    bench,
    metric: `${what}: processor time of the hub's tracker, for each drone`,
    unit: "µs",
    ours: large.hubUs / many,
    theirs: small.hubUs / few,
    peer: `${few} drones, simulated`,
    goal: Infinity,
    more: {
      allMs: Math.round(large.hubUs / 1_000),
      memoryMb: Math.round(large.trackerMb * 10) / 10,
    },
  });
  report({
    bench,
    metric: `${what}: sent by the hub`,
    unit: "artifacts",
    ours: large.hubPieceBytes / bytes,
    theirs: small.hubPieceBytes / bytes,
    peer: `${few} drones, simulated`,
    goalAbsolute: 1.2,
  });
}

async function run(drones: number, bytesPerSecond: number): Promise<Run> {
  const cluster = new SimCluster(simulate(drones), bytesPerSecond);
  const start = performance.now();
  await cluster.offer();
  for (let index = 0; index < drones; index++) cluster.join(index);
  const startMs = cluster.clock.monotonic();
  await cluster.clock.until("everybody to have it", () => cluster.whole === drones, 3_600_000);
  return {
    ...cluster.figures,
    ms: cluster.clock.monotonic() - startMs,
    tookS: (performance.now() - start) / 1_000,
  };
}

const digests: Digests = {
  sha256: (bytes) => createHash("sha256").update(bytes).digest("hex"),
  isSignedBy(key, text, signature) {
    const known = createPublicKey({ key: Buffer.from(key, "base64"), format: "der", type: "spki" });
    return verify(null, Buffer.from(text), known, Buffer.from(signature, "base64"));
  },
};

class SimCluster {
  readonly clock: Simulation["clock"];
  whole = 0;
  readonly #simulation: Simulation;
  readonly #bytesPerSecond: number;
  readonly #lines: SimLines;
  readonly #content = randomBytes(pieces * pieceBytes);
  readonly #artifact = makeArtifact(this.#content);
  readonly #tracker: Tracker;
  readonly #nodes = new Map<string, SwarmNode>();
  #messagesToHub = 0;
  #messagesFromHub = 0;
  #hubUs = 0;

  constructor(simulation: Simulation, bytesPerSecond: number) {
    this.#simulation = simulation;
    this.clock = simulation.clock;
    this.#bytesPerSecond = bytesPerSecond;
    this.#lines = new SimLines({
      clock: this.clock,
      delayMs,
      partBytes: 2 * pieceBytes,
      encodeClaim,
    });
    const hub: SwarmPeer = { name: hubName, role: "hub", host: hubName, port: 1 };
    const { random } = simulation;
    this.#tracker = new Tracker({
      hub,
      relayOf: () => undefined,
      fraction: () => random.fraction(),
    });
  }

  async offer(): Promise<void> {
    const hub = this.#node(hubName, "hub", undefined, () => undefined);
    const { manifest, ...admission } = this.#artifact;
    await hub.offer({
      ...admission,
      ...this.#times(),
      holder: hubName,
      manifest,
      path: "the pack",
    });
  }

  /** A drone that asks for the commit soon. */
  join(index: number): void {
    const name = `d${index}`;
    const zone = `zone-${index % zones}`;
    const node = this.#node(name, "drone", zone, (told) => this.#told(name, told));
    this.clock.after(this.#simulation.random.fraction() * askWithinMs, () => {
      const participant: Participant = { name, role: "drone", host: name, port: 1, zone };
      this.#messagesToHub++;
      this.#messagesFromHub++;
      const { peers, effects } = this.#atHub(() =>
        this.#tracker.join(participant, this.clock.now()),
      );
      this.#carryOut(effects);
      this.clock.after(2 * delayMs, () => this.#take(node, name, peers));
    });
  }

  get figures() {
    return {
      hubPieceBytes:
        this.#nodes.get(hubName)?.share(this.#artifact.artifact)?.report.sentBytes ?? NaN,
      messagesToHub: this.#messagesToHub,
      messagesFromHub: this.#messagesFromHub,
      hubUs: this.#hubUs,
      trackerMb: memoryOf(() => structuredClone([...this.#tracker.seats.all])),
    };
  }

  #take(node: SwarmNode, holder: string, peers: readonly SwarmPeer[]): void {
    const { artifact, bytes, secret, hubKey } = this.#artifact;
    const admission: Admission = {
      artifact,
      bytes,
      secret,
      hubKey,
      ...this.#times(),
      holder,
      peers,
    };
    const share = node.take(admission);
    void this.#count(share);
  }

  async #count(share: Share): Promise<void> {
    await share.whole;
    this.whole++;
    share.used();
  }

  #times() {
    const hubNow = Math.floor(this.clock.now());
    return { expiresAt: hubNow + 86_400_000, hubNow };
  }

  /** A message on its way to the hub, as text, and what becomes of it there. */
  #told(name: string, told: ShareReport): void {
    const text = JSON.stringify(told);
    this.#messagesToHub++;
    this.clock.after(delayMs, () => {
      const now = this.clock.now();
      this.#carryOut(
        this.#atHub(() => this.#tracker.report(name, JSON.parse(text) as ShareReport, now)),
      );
    });
  }

  #carryOut(effects: readonly TrackerEffect[]): void {
    for (const effect of effects) {
      if (effect.kind !== "introduce") continue;
      this.#messagesFromHub++;
      this.clock.after(delayMs, () => {
        this.#nodes.get(effect.to)?.share(this.#artifact.artifact)?.introduce(effect.peers);
      });
    }
  }

  #atHub<T>(work: () => T): T {
    const start = performance.now();
    const result = work();
    this.#hubUs += (performance.now() - start) * 1_000;
    return result;
  }

  #node(
    name: string,
    role: "hub" | "drone",
    zone: string | undefined,
    changed: (told: ShareReport) => void,
  ) {
    const bytesPerSecond = this.#bytesPerSecond;
    const host = { name, upBytesPerSecond: bytesPerSecond, downBytesPerSecond: bytesPerSecond };
    const listener = {
      keyFor: (identity: string) => node.keyFor(identity),
      accept: (line: Parameters<SwarmNode["accept"]>[0]) => node.accept(line),
    };
    const lines = this.#lines.host({ ...host, listener });
    const { clock, random, crypto, log } = this.#simulation.worldOf(name);
    const files = new SameFiles(this.#content);
    const world: SwarmWorld = { clock, random, crypto, log, lines, files, digests };
    const node = new SwarmNode(world, { name: () => name, role, zone, changed });
    this.#nodes.set(name, node);
    return node;
  }
}

/** Everybody's disk: all hold the same bytes, so they are there once. What is written was checked before. */
class SameFiles implements PieceFiles {
  readonly #content: Uint8Array;

  constructor(content: Uint8Array) {
    this.#content = content;
  }

  open(): Promise<PieceFile> {
    return Promise.resolve({
      path: "the pack",
      read: (position, into) => {
        into.set(this.#content.subarray(position, position + into.length));
        return Promise.resolve();
      },
      write: () => Promise.resolve(),
      sync: () => Promise.resolve(),
      close: () => Promise.resolve(),
    });
  }

  openPath(): Promise<PieceFile> {
    return this.open();
  }

  readNote(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  writeNote(): Promise<void> {
    return Promise.resolve();
  }

  list(): Promise<readonly []> {
    return Promise.resolve([]);
  }

  remove(): Promise<void> {
    return Promise.resolve();
  }
}

function makeArtifact(content: Uint8Array) {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const hashes = Array.from({ length: pieces }, (_, piece) =>
    digests.sha256(content.subarray(piece * pieceBytes, (piece + 1) * pieceBytes)),
  );
  const text = encodeManifest({
    repo: "simulated",
    commit: "5".repeat(40),
    bytes: content.length,
    pieceBytes,
    sha256: digests.sha256(content),
    pieces: hashes.join(""),
  });
  return {
    artifact: artifactIdOf(digests, text),
    bytes: content.length,
    secret: randomBytes(32).toString("hex"),
    hubKey: publicKey.export({ format: "der", type: "spki" }).toString("base64"),
    manifest: { text, signature: sign(null, Buffer.from(text), privateKey).toString("base64") },
  };
}

/** Of what `make` makes, in MB: as much as the heap is larger with it. */
function memoryOf(make: () => unknown): number {
  const before = process.memoryUsage().heapUsed;
  const made = make();
  const after = process.memoryUsage().heapUsed;
  return made === undefined ? 0 : Math.max(0, after - before) / 1e6;
}
