/**
 * A hub's desk and drones' desks without a hub and drones around them: real git, real pieces over real
 * sockets; only what the hub decides is decided by the test.
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import {
  PropagitError,
  type Params,
  type Result,
  type SwarmPeer,
  type Telling,
} from "@propagit/protocol";
import { nodeRandom, nodeWorld, type Conversation } from "@propagit/runtime";
import {
  encodeManifest,
  findHubKey,
  nodeDigests,
  artifactIdOf,
  openSwarm,
  pieceBytesFor,
  type HubKey,
  type OpenSwarm,
} from "@propagit/swarm";
import { checkOptions } from "../../src/core/options.js";
import type { DroneContext, DronePart } from "../../src/drone-part.js";
import { GitCommits } from "../../src/system/commits.js";
import { openHider } from "../../src/system/memory.js";
import { openSwarmDesk } from "../../src/system/swarm-part.js";
import type { SwarmDesk } from "../../src/swarm-desk.js";
import { packOf } from "./packs.js";
import { openPlace, type Place } from "./place.js";

type Answer = Result<"hub.artifact">;

interface Made {
  readonly artifact: string;
  readonly bytes: number;
  readonly secret: string;
  readonly commit: string;
  readonly base: string | undefined;
}

const sessionKey = "5".repeat(64);
const grantMs = 3_600_000;

class BenchHub {
  /** Nobody reaches it: neither its desk nor its pieces. */
  isAway = false;
  /** Answers out of the ordinary, by commit. */
  readonly answers = new Map<string, () => Promise<Answer> | Answer>();
  readonly made = new Map<string, Made>();
  /** Others that a grant names, beside the hub. */
  peers: SwarmPeer[] = [];
  readonly asked: Params<"hub.artifact">[] = [];
  readonly swarm: OpenSwarm;
  readonly #key: HubKey;
  readonly #folder: string;

  static async open(place: Place, limit?: number): Promise<BenchHub> {
    const world = nodeWorld({ info: () => undefined, warn: () => undefined });
    const folder = join(place.base, "hub-data");
    await mkdir(folder, { recursive: true });
    const swarm = await openSwarm({
      folder: join(folder, "swarm"),
      world,
      name: () => "hub",
      role: "hub",
      zone: undefined,
      listen: { host: "127.0.0.1", port: 0 },
      changed: () => undefined,
      ...(limit !== undefined && { limits: { sendBytesPerSecondMax: limit } }),
    });
    return new BenchHub(swarm, await findHubKey(folder), folder);
  }

  constructor(swarm: OpenSwarm, key: HubKey, folder: string) {
    this.swarm = swarm;
    this.#key = key;
    this.#folder = folder;
  }

  /** Makes an artifact out of a pack, and serves it. */
  async offer(given: { commit: string; base?: string; pack: Buffer }): Promise<Made> {
    const { commit, base, pack } = given;
    const pieceBytes = pieceBytesFor(pack.length);
    const pieces: string[] = [];
    for (let at = 0; at < pack.length; at += pieceBytes) {
      pieces.push(sha256(pack.subarray(at, at + pieceBytes)));
    }
    const text = encodeManifest({
      repo: "webapp",
      commit,
      ...(base !== undefined && { base }),
      bytes: pack.length,
      pieceBytes,
      sha256: sha256(pack),
      pieces: pieces.join(""),
    });
    const artifact = artifactIdOf(nodeDigests, text);
    const secret = randomBytes(32).toString("hex");
    const path = join(this.#folder, `${artifact}.pack`);
    await writeFile(path, pack);
    const hubNow = Date.now();
    await this.swarm.swarm.offer({
      artifact,
      secret,
      holder: "hub",
      expiresAt: hubNow + grantMs,
      hubNow,
      hubKey: this.#key.publicKey,
      manifest: { text, signature: this.#key.sign(text) },
      path,
    });
    const made = { artifact, bytes: pack.length, secret, commit, base };
    this.made.set(commit, made);
    return made;
  }

  /** As the hub would answer: with the artifact that was made of the commit, or git. */
  async answer(params: Params<"hub.artifact">, holder: string): Promise<Answer> {
    if (this.isAway) throw new PropagitError("UNREACHABLE", "no hub at 127.0.0.1:1");
    this.asked.push(params);
    const other = this.answers.get(params.commit);
    if (other) return other();
    const made = this.made.get(params.commit);
    return made ? this.swarmAnswer(made, holder) : { how: "git" };
  }

  swarmAnswer(made: Made, holder: string, parts: Partial<Params<"drone.carry">["grant"]> = {}) {
    const { commit, base } = made;
    const what = { commit, ...(base !== undefined && { base }) };
    return { how: "swarm" as const, ...what, grant: { ...this.grant(made, holder), ...parts } };
  }

  grant({ artifact, bytes, secret }: Made, holder: string): Params<"drone.carry">["grant"] {
    const now = Date.now();
    const hub: SwarmPeer = { name: "hub", role: "hub", host: "*", port: 1 };
    return {
      artifact,
      bytes,
      secret: hidden(secret),
      holder,
      expiresAt: now + grantMs,
      now,
      hubKey: this.#key.publicKey,
      peers: [hub, ...this.peers.filter(({ name }) => name !== holder)],
    };
  }

  /** As if killed: its port is closed, its lines end. */
  async die(): Promise<void> {
    this.isAway = true;
    await this.swarm.stop();
  }
}

function hidden(text: string): string {
  return hiddenBytes(Buffer.from(text));
}

export function hiddenBytes(bytes: Uint8Array): string {
  return nodeWorld({ info: () => undefined, warn: () => undefined }).crypto.encryptBytes(
    sessionKey,
    bytes,
  );
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** One life of a drone's part in the swarm. */
export interface Member {
  readonly name: string;
  readonly folder: string;
  readonly commits: GitCommits;
  readonly desk: SwarmDesk;
  readonly part: DronePart;
  /** What it told the hub. */
  readonly reports: Telling<"hub.share">[];
  readonly log: string[];
  readonly peer: SwarmPeer;
  readonly joined: () => void;
  readonly last: (artifact: string) => Telling<"hub.share"> | undefined;
  stop(): Promise<void>;
}

export interface SwarmBench {
  readonly place: Place;
  readonly hub: BenchHub;
  readonly member: (name: string, options?: { folder?: string; limit?: number }) => Promise<Member>;
  /** Makes the artifact of a commit, as the hub would. */
  readonly artifact: (commit: string, base?: string) => Promise<Made>;
}

export async function openSwarmBench(
  t: TestContext,
  options: { hubLimit?: number } = {},
): Promise<SwarmBench> {
  const place = await openPlace(t);
  const hub = await BenchHub.open(place, options.hubLimit);
  const members: Member[] = [];
  t.after(async () => {
    for (const member of members) await member.stop();
    await hub.swarm.stop();
  });
  return {
    place,
    hub,
    member: async (name, given = {}) => {
      const member = await openMember(place, hub, { name, ...given });
      members.push(member);
      return member;
    },
    artifact: async (commit, base) =>
      hub.offer({
        commit,
        ...(base !== undefined && { base }),
        pack: await packOf(place.hub, commit, base),
      }),
  };
}

async function openMember(
  place: Place,
  hub: BenchHub,
  given: { name: string; folder?: string; limit?: number },
): Promise<Member> {
  const { name, folder = join(place.base, given.name), limit } = given;
  const log: string[] = [];
  const say = (line: string) => void log.push(line);
  const world = nodeWorld({ info: say, warn: (line) => say(`! ${line}`) });
  const settings = checkOptions(
    {
      hub: { host: "127.0.0.1", port: hub.swarm.port ?? 0 },
      name,
      swarm: limit === undefined ? {} : { sendBytesPerSecondMax: limit },
      log: world.log,
    },
    name,
  );
  await mkdir(folder, { recursive: true });
  const hider = await openHider(world, folder);
  const desk = await openSwarmDesk({ world, folder, settings, hider });
  if (!desk) throw new Error("cannot happen: it takes part");
  const commits = new GitCommits(folder, nodeRandom, { ways: desk, log: world.log });
  await commits.tidy();
  const reports: Telling<"hub.share">[] = [];
  const conversation = conversationOf(hub, name, reports);
  const part = desk.part(contextOf(hub, name, conversation));
  const port = part.introduction?.().swarm?.port ?? 0;
  part.joined?.(conversation);
  return {
    name,
    folder,
    commits,
    desk,
    part,
    reports,
    log,
    peer: { name, role: "drone", host: "127.0.0.1", port },
    joined: () => part.joined?.(conversation),
    last: (artifact) => reports.findLast((report) => report.artifact === artifact),
    stop: async () => part.stop?.("leave"),
  };
}

/** What a desk uses of the connection to its hub. */
function conversationOf(
  hub: BenchHub,
  name: string,
  reports: Telling<"hub.share">[],
): Conversation {
  return {
    peer: { sessionKey },
    call: (_: string, params: Params<"hub.artifact">) => hub.answer(params, name),
    tell: (_: string, report: Telling<"hub.share">) => void reports.push(report),
  } as unknown as Conversation;
}

function contextOf(hub: BenchHub, name: string, conversation: Conversation): DroneContext {
  return {
    name: () => name,
    upstream: () => ({ host: "127.0.0.1", port: hub.swarm.port ?? 0 }),
    hub: () =>
      hub.isAway
        ? Promise.reject(new PropagitError("UNREACHABLE", "no hub at 127.0.0.1:1"))
        : Promise.resolve(conversation),
  } as unknown as DroneContext;
}
