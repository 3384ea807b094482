/** A swarm in virtual time: a hub with an artifact, and as many drones as a test wants. */
import { createHash } from "node:crypto";
import { silentLog, SimClock, simRandom, nodeCrypto } from "@propagit/runtime";
import type { ShareReport, SwarmPeer } from "@propagit/protocol";
import {
  artifactIdOf,
  encodeClaim,
  encodeManifest,
  pieceBytesFor,
  SimLines,
  SimPieceFiles,
  SwarmNode,
  type Admission,
  type Digests,
  type Manifest,
  type Offer,
  type Share,
  type SimLinesOptions,
  type SwarmOptions,
} from "../../src/index.js";

export const hubKey = "the hub's key";
/** 16 Mbit/s each way. */
export const linkBytesPerSecond = 2 * 1024 * 1024;

export const digests: Digests = {
  sha256: (bytes) => createHash("sha256").update(bytes).digest("hex"),
  isSignedBy: (key, text, signature) => signature === signatureOf(key, text),
};

function signatureOf(key: string, text: string): string {
  return createHash("sha256").update(`${key} ${text}`).digest("base64");
}

export interface MadeArtifact {
  readonly id: string;
  readonly secret: string;
  readonly bytes: Uint8Array;
  readonly manifest: Manifest;
  readonly text: string;
  readonly signature: string;
}

export function makeArtifact(seed: number, length: number, pieceBytes = pieceBytesFor(length)) {
  const bytes = randomBytes(seed, length);
  const pieces: string[] = [];
  for (let at = 0; at < length; at += pieceBytes)
    pieces.push(digests.sha256(bytes.subarray(at, at + pieceBytes)));
  const manifest: Manifest = {
    repo: "webapp",
    commit: digests.sha256(bytes).slice(0, 40),
    bytes: length,
    pieceBytes,
    sha256: digests.sha256(bytes),
    pieces: pieces.join(""),
  };
  const text = encodeManifest(manifest);
  const made: MadeArtifact = {
    id: artifactIdOf(digests, text),
    secret: digests.sha256(new TextEncoder().encode(`secret ${seed}`)),
    bytes,
    manifest,
    text,
    signature: signatureOf(hubKey, text),
  };
  return made;
}

function randomBytes(seed: number, length: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = seed + 1;
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return new Uint8Array(words.buffer).subarray(0, length);
}

export interface TestNode {
  readonly name: string;
  readonly node: SwarmNode;
  readonly files: SimPieceFiles;
  readonly reports: ShareReport[];
}

export interface JoinOptions extends Partial<Omit<SwarmOptions, "name" | "changed">> {
  readonly upBytesPerSecond?: number;
  readonly downBytesPerSecond?: number;
  readonly files?: SimPieceFiles;
  /** Nobody can dial it. */
  readonly isHidden?: boolean;
  readonly changed?: (report: ShareReport) => void;
}

export interface DeployOptions {
  readonly join?: (name: string) => JoinOptions;
  readonly alsoPeers?: readonly string[];
}

/** A drone that takes an artifact, and what became of it. */
export class Taker {
  readonly drone: TestNode;
  readonly share: Share;
  readonly since: number;
  wholeAfterMs: number | undefined;
  failure: { readonly code: string; readonly message: string } | undefined;

  constructor(drone: TestNode, share: Share, clock: SimClock) {
    this.drone = drone;
    this.share = share;
    this.since = clock.monotonic();
    void this.#watch(clock);
  }

  async #watch(clock: SimClock): Promise<void> {
    try {
      await this.share.whole;
      this.wholeAfterMs = clock.monotonic() - this.since;
    } catch (thrown) {
      this.failure = thrown as NonNullable<Taker["failure"]>;
    }
  }

  get isSettled(): boolean {
    return this.wholeAfterMs !== undefined || this.failure !== undefined;
  }

  /** Whether the very bytes of the artifact are in its file. */
  has(artifact: MadeArtifact): boolean {
    const bytes = this.drone.files.bytesOf(artifact.id);
    return bytes !== undefined && digests.sha256(bytes) === artifact.manifest.sha256;
  }
}

export interface TestSwarmOptions extends Partial<SimLinesOptions> {
  /** Of each host, up and down. */
  readonly linkBytesPerSecond?: number;
}

export class TestSwarm {
  readonly clock = new SimClock();
  readonly random;
  readonly lines: SimLines;
  readonly nodes = new Map<string, TestNode>();

  readonly #link: number;

  constructor(seed: number, options: TestSwarmOptions = {}) {
    const { linkBytesPerSecond: link = linkBytesPerSecond, ...lines } = options;
    this.#link = link;
    this.random = simRandom(seed);
    this.lines = new SimLines({ clock: this.clock, encodeClaim, ...lines });
  }

  join(name: string, options: JoinOptions = {}): TestNode {
    const { files = new SimPieceFiles(), role = "drone", isHidden = false, zone } = options;
    const host = {
      name,
      upBytesPerSecond: options.upBytesPerSecond ?? this.#link,
      downBytesPerSecond: options.downBytesPerSecond ?? this.#link,
    };
    const network = this.lines.host(host);
    const reports: ShareReport[] = [];
    const { clock, random } = this;
    const changed = (report: ShareReport) => {
      reports.push(report);
      options.changed?.(report);
    };
    const node = new SwarmNode(
      { clock, random, crypto: nodeCrypto, log: silentLog, lines: network, files, digests },
      { ...options, name: () => name, role, zone, changed },
    );
    if (!isHidden)
      Object.assign(host, {
        listener: {
          keyFor: (identity: string) => node.keyFor(identity),
          accept: node.accept.bind(node),
        },
      });
    const made = { name, node, files, reports };
    this.nodes.set(name, made);
    return made;
  }

  async offer(hub: TestNode, artifact: MadeArtifact): Promise<Share> {
    hub.files.elsewhere.set(artifact.id, artifact.bytes);
    const offer: Offer = {
      ...this.#grant(artifact, hub.name),
      manifest: { text: artifact.text, signature: artifact.signature },
      path: artifact.id,
    };
    return hub.node.offer(offer);
  }

  admission(artifact: MadeArtifact, holder: string, peers: readonly string[]): Admission {
    return {
      ...this.#grant(artifact, holder),
      bytes: artifact.bytes.length,
      peers: peers.map(peerOf),
    };
  }

  take(drone: TestNode, artifact: MadeArtifact, peers: readonly string[]): Share {
    return drone.node.take(this.admission(artifact, drone.name, peers));
  }

  /** A hub with an artifact, and drones that begin to take it. */
  async deploy(artifact: MadeArtifact, count: number, options: DeployOptions = {}) {
    const hub = this.nodes.get("hub") ?? this.join("hub", { role: "hub" });
    const offered = await this.offer(hub, artifact);
    const names = Array.from({ length: count }, (_, index) => `web-${index}`);
    const peers = graph(names, () => this.random.fraction());
    const takers = names.map((name) => {
      const drone = this.nodes.get(name) ?? this.join(name, options.join?.(name));
      const share = this.take(drone, artifact, [
        ...(peers.get(name) ?? []),
        ...(options.alsoPeers ?? []),
      ]);
      return new Taker(drone, share, this.clock);
    });
    return { hub, offered, takers, names };
  }

  /** One more that takes it. */
  begin(name: string, artifact: MadeArtifact, peers: readonly string[]): Taker {
    const drone = this.nodes.get(name) ?? this.join(name);
    return new Taker(drone, this.take(drone, artifact, peers), this.clock);
  }

  /** Comes back after it was killed, with what is on its disk. */
  rejoin(drone: TestNode, artifact: MadeArtifact, peers: readonly string[]): Taker {
    const again = this.join(drone.name, { files: drone.files });
    return new Taker(again, this.take(again, artifact, peers), this.clock);
  }

  /** Ends its process, or its power: then nobody hears of it. */
  kill(name: string, how: "process" | "power" = "process"): void {
    if (how === "process") this.lines.kill(name);
    else this.lines.vanish(name);
    void this.nodes.get(name)?.node.stop();
    this.nodes.delete(name);
  }

  #grant(artifact: MadeArtifact, holder: string) {
    // Whole milliseconds, as the hub's clock has them.
    const now = Math.round(this.clock.monotonic());
    return {
      artifact: artifact.id,
      secret: artifact.secret,
      holder,
      expiresAt: now + 3_600_000,
      hubNow: now,
      hubKey,
    };
  }
}

function peerOf(name: string): SwarmPeer {
  return { name, role: name === "hub" ? "hub" : "drone", host: name, port: 1 };
}

/**
 * Peers for each drone as the tracker would give them: about `degree` each (rings of all in random orders), and
 * the hub for the first `children`.
 */
function graph(
  names: readonly string[],
  fraction: () => number,
  { degree = 8, children = 8 } = {},
): Map<string, string[]> {
  const peers = new Map(names.map((name) => [name, new Set<string>()]));
  for (let ring = 0; ring < degree / 2; ring++) {
    const order = shuffled(names, fraction);
    for (const [place, name] of order.entries()) {
      const next = order[(place + 1) % order.length];
      if (next !== undefined && next !== name) peers.get(name)?.add(next);
    }
  }
  for (const name of names.slice(0, children)) peers.get(name)?.add("hub");
  return new Map([...peers].map(([name, set]) => [name, [...set]]));
}

function shuffled(names: readonly string[], fraction: () => number): string[] {
  const order = [...names];
  for (let place = order.length - 1; place > 0; place--) {
    const other = Math.floor(fraction() * (place + 1));
    [order[place], order[other]] = [order[other] ?? "", order[place] ?? ""];
  }
  return order;
}
