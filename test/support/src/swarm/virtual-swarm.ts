/**
 * A hub and thousands of drones in one process, in virtual time.
 *
 *     real:       picking of pieces, exchange with its frames and hashes, dialling, reports, tracker, keys of lines
 *     simulated:  time, lines (bandwidth of each host up and down, delay, turns between lines), disks
 *     absent:     TLS, sessions with the hub, git; pieces are short and weigh as much as real ones
 */
import type { ShareReport, SwarmPeer } from "@propagit/protocol";
import { nodeCrypto, silentLog, SimClock, simRandom } from "@propagit/runtime";
import {
  encodeClaim,
  secretOfHolder,
  SimLines,
  SimPieceFiles,
  SwarmNode,
  type Digests,
  type Share,
} from "@propagit/swarm";
import { digestsOf, virtualArtifact, weigher, type VirtualArtifact } from "./virtual-artifact.js";
import { hubName, VirtualHub, type HubMessage, type VirtualGrant } from "./virtual-hub.js";

export interface VirtualSwarmOptions {
  readonly drones: number;
  /** Default: the number of drones. */
  readonly seed?: number;
  readonly pieces: number;
  readonly pieceBytes: number;
  /** Of each host, up and down. */
  readonly bytesPerSecond: number;
  readonly zones: number;
}

export interface VirtualFigures {
  /** From the first question until the last one has every piece. */
  readonly ms: number;
  /** Pieces sent by the hub, beside those that there are. */
  readonly hubCopies: number;
  /** To the hub, besides pieces. */
  readonly messagesIn: readonly HubMessage[];
  readonly messagesOut: number;
}

const delayMs = 1;
/** Drones ask within so long of each other, as a deploy reaches them. */
const askWithinMs = 200;
const limitMs = 60 * 60_000;
const path = "the pack";

/** Lets all drones take the artifact, and says how that went. */
export async function runVirtualSwarm(options: VirtualSwarmOptions): Promise<VirtualFigures> {
  const swarm = new VirtualSwarm(options);
  await swarm.offer();
  for (let index = 0; index < options.drones; index++) swarm.join(index);
  return swarm.finish();
}

class VirtualSwarm {
  readonly #options: VirtualSwarmOptions;
  // Nothing here waits for real I/O, so there is no need for a turn of the event loop between two moments.
  readonly #clock = new SimClock(undefined, { settle: microtasks });
  readonly #random;
  readonly #artifact: VirtualArtifact;
  readonly #digests: Digests;
  readonly #secret: string;
  readonly #lines: SimLines;
  readonly #hub: VirtualHub;
  readonly #nodes = new Map<string, SwarmNode>();
  readonly #failed: string[] = [];
  #offered: Share | undefined;
  #whole = 0;

  constructor(options: VirtualSwarmOptions) {
    const { drones, pieces, pieceBytes, seed = drones } = options;
    this.#options = options;
    this.#random = simRandom(seed);
    const fraction = () => this.#random.fraction();
    this.#artifact = virtualArtifact({ pieces, pieceBytes, fraction });
    this.#digests = digestsOf(this.#artifact);
    this.#secret = this.#random.hex(64);
    const weightOf = weigher(this.#artifact);
    const partBytes = pieceBytes;
    this.#lines = new SimLines({ clock: this.#clock, delayMs, partBytes, weightOf, encodeClaim });
    this.#hub = new VirtualHub({
      artifact: this.#artifact.id,
      secret: this.#secret,
      now: () => this.#clock.now(),
      fraction,
      tell: (name, text) => void this.#clock.after(delayMs, () => this.#introduce(name, text)),
    });
  }

  async offer(): Promise<void> {
    const { id: artifact, content, hubKey, manifest } = this.#artifact;
    const files = this.#files();
    files.elsewhere.set(path, content);
    const hub = this.#node(hubName, undefined, files, () => undefined);
    const hubNow = Math.floor(this.#clock.now());
    const expiresAt = hubNow + 24 * limitMs;
    const secret = this.#secretOf(hubName);
    const grant = { artifact, secret, holder: hubName, expiresAt, hubNow, hubKey };
    this.#offered = await hub.offer({ ...grant, manifest, path });
  }

  /** A drone that asks for the artifact soon. */
  join(index: number): void {
    const name = `d${index}`;
    const zone = `zone-${index % this.#options.zones}`;
    const tell = (report: ShareReport) => this.#tellHub(name, report);
    const node = this.#node(name, zone, this.#files(), tell);
    const asked = JSON.stringify({ name, role: "drone", host: name, port: 1, zone });
    this.#clock.after(this.#random.fraction() * askWithinMs, () => {
      const grant = this.#hub.ask(asked);
      this.#clock.after(2 * delayMs, () => void this.#take(node, name, grant));
    });
  }

  async finish(): Promise<VirtualFigures> {
    const { drones } = this.#options;
    const startMs = this.#clock.monotonic();
    const isOver = () => this.#whole + this.#failed.length === drones;
    await this.#clock.until("everybody to have it", isOver, limitMs);
    if (this.#failed.length > 0) throw new Error(`not everybody has it: ${this.#failed[0]}`);
    const ms = this.#clock.monotonic() - startMs;
    const hubCopies = (this.#offered?.report.sentBytes ?? NaN) / this.#artifact.content.length;
    const { messages: messagesIn, messagesOut } = this.#hub;
    return { ms, hubCopies, messagesIn, messagesOut };
  }

  async #take(node: SwarmNode, holder: string, text: string): Promise<void> {
    const { content, hubKey, id: artifact } = this.#artifact;
    const { now: hubNow, ...grant } = JSON.parse(text) as VirtualGrant;
    const bytes = content.length;
    const share = node.take({ ...grant, hubNow, artifact, bytes, hubKey, holder });
    try {
      await share.whole;
      this.#whole++;
      share.used();
    } catch (thrown) {
      this.#failed.push(`${holder}: ${String(thrown)}`);
    }
  }

  #tellHub(name: string, report: ShareReport): void {
    const text = JSON.stringify(report);
    this.#clock.after(delayMs, () => this.#hub.hear(name, text));
  }

  #introduce(name: string, text: string): void {
    const { peers } = JSON.parse(text) as { peers: readonly SwarmPeer[] };
    this.#nodes.get(name)?.share(this.#artifact.id)?.introduce(peers);
  }

  #node(
    name: string,
    zone: string | undefined,
    files: SimPieceFiles,
    changed: (report: ShareReport) => void,
  ): SwarmNode {
    const { bytesPerSecond } = this.#options;
    const listener = {
      keyFor: (identity: string) => node.keyFor(identity),
      accept: (line: Parameters<SwarmNode["accept"]>[0]) => node.accept(line),
    };
    const host = { name, upBytesPerSecond: bytesPerSecond, downBytesPerSecond: bytesPerSecond };
    const world = {
      clock: this.#clock,
      random: this.#random,
      crypto: nodeCrypto,
      log: silentLog,
      lines: this.#lines.host({ ...host, listener }),
      files,
      digests: this.#digests,
    };
    const role = name === hubName ? "hub" : "drone";
    const node = new SwarmNode(world, { name: () => name, role, zone, changed });
    this.#nodes.set(name, node);
    return node;
  }

  #files(): SimPieceFiles {
    return new SimPieceFiles({ shared: () => this.#artifact.content });
  }

  #secretOf(holder: string): string {
    return secretOfHolder(nodeCrypto, this.#secret, holder);
  }
}

/** Runs after all promises that can settle have done so, without a turn of the event loop. */
function microtasks(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}
