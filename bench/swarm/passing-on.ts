/**
 * Rows of what it costs to give an artifact away and to pass it on, and how much memory it takes. Three processes in
 * a row: the hub, a drone that receives all of it, checks it, writes it, reads it again and sends it on, and one more.
 * Beside each, in the same run, nginx that does the same over TLS 1.3 with the same cipher:
 *
 *     giving       hub -> drone, then drone -> drone          nginx -> client
 *     passing on   hub -> [drone] -> drone, all at once       nginx -> [nginx that stores and passes on] -> client
 *
 * Nobody but the drone computes a hash of each byte and waits for the disk in the end.
 */
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  artifactIdOf,
  encodeManifest,
  findHubKey,
  nodeDigests,
  pieceBytesFor,
  type Offer,
} from "@propagit/swarm";
import { median, report } from "../report.js";
import { runChain, runServing, type ChainResult, type ServingResult } from "./passing-on/chain.js";
import { withUsedMemory } from "./passing-on/memory.js";
import { startNginx, type Nginx } from "./passing-on/nginx.js";
import type { Setting } from "./setting.js";

const artifactBytes = 2 ** 30;
const gigabytes = artifactBytes / 1e9;
/** Half as much again as a static file server, for checking and for what is decided. */
const ratioGoal = 1.5;
const growthMbGoal = 40;

export async function passingOn({ rounds }: Setting): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "propagit-bench-swarm-"));
  try {
    await measure(folder, rounds);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(folder: string, rounds: number): Promise<void> {
  const path = join(folder, "artifact.pack");
  await writeRandom(path);
  const offer = await makeOffer(folder, path);
  const home = join(folder, "nginx");
  await mkdir(home);
  const nginx = await startNginx(home, path);
  const seen: Round[] = [];
  try {
    for (let round = 0; round < rounds; round++) seen.push(await measureOnce(folder, offer, nginx));
  } finally {
    await nginx.stop();
  }
  tell(seen);
}

/** Of a round, in seconds of CPU. */
interface Round {
  readonly chain: ChainResult;
  readonly serving: ServingResult;
  readonly nginx: { readonly tls: number; readonly plain: number; readonly passedOn: number };
}

/** One after the other, so that what else the machine does at the time is the same for all. */
async function measureOnce(folder: string, offer: Offer, nginx: Nginx): Promise<Round> {
  const bytes = artifactBytes;
  // Two drones write all of it, or nginx does.
  const serving = await withUsedMemory(folder, 2 * bytes, () => runServing(folder, offer, bytes));
  const [tls, plain] = [await nginx.send("tls"), await nginx.send("plain")];
  const chain = await withUsedMemory(folder, 2 * bytes, () => runChain(folder, offer, bytes));
  const passedOn = await withUsedMemory(folder, bytes, () => nginx.passOn());
  return { chain, serving, nginx: { tls, plain, passedOn } };
}

function tell(seen: readonly Round[]): void {
  const perGb = (of: (round: Round) => number) => median(seen.map(of)) / gigabytes;
  const hub = perGb(({ serving }) => serving.hubCpuSeconds);
  const drone = perGb(({ serving }) => serving.graceCpuSeconds);
  const passed = perGb(({ chain }) => chain.middleCpuSeconds);
  const tls = perGb(({ nginx }) => nginx.tls);
  const plain = perGb(({ nginx }) => nginx.plain);
  const passedByNginx = perGb(({ nginx }) => nginx.passedOn);
  const own = { bench: "swarm", unit: "s per GB" };
  const secure = "nginx, TLS 1.3, same cipher, sends only";
  const open = "nginx, plain, sendfile, sends only";
  const through = "nginx that takes it over TLS 1.3, stores it and sends it on";
  const hubRow = { ...own, metric: "CPU of the hub that gives it", ours: hub };
  const droneRow = { ...own, metric: "CPU of a drone that has it and gives it", ours: drone };
  const allRow = { ...own, metric: "CPU of a drone that takes it and passes it on", ours: passed };
  report({ ...hubRow, theirs: tls, peer: secure, goal: ratioGoal });
  report({ ...droneRow, theirs: tls, peer: secure, goal: ratioGoal });
  report({ ...droneRow, theirs: plain, peer: open, goal: Infinity });
  report({ ...allRow, theirs: passedByNginx, peer: through, goal: ratioGoal });
  report({ ...allRow, theirs: tls, peer: secure, goal: ratioGoal });
  report({
    bench: "swarm",
    metric: "memory of that drone above idle, largest on the way through 1 GiB",
    unit: "MB",
    ours: Math.max(...seen.map(({ chain }) => chain.middleGrowthMb)),
    theirs: growthMbGoal,
    peer: "bound",
    goalAbsolute: growthMbGoal,
  });
}

async function writeRandom(path: string): Promise<void> {
  const file = await open(path, "w");
  const chunkBytes = 2 ** 22;
  for (let at = 0; at < artifactBytes; at += chunkBytes) await file.write(randomBytes(chunkBytes));
  await file.sync();
  await file.close();
}

async function makeOffer(folder: string, path: string): Promise<Offer> {
  const key = await findHubKey(folder);
  const pieceBytes = pieceBytesFor(artifactBytes);
  const whole = createHash("sha256");
  const pieces: string[] = [];
  for await (const piece of createReadStream(path, { highWaterMark: pieceBytes })) {
    whole.update(piece as Buffer);
    pieces.push(nodeDigests.sha256(piece as Buffer));
  }
  const text = encodeManifest({
    repo: "bench",
    commit: "c".repeat(40),
    bytes: artifactBytes,
    pieceBytes,
    sha256: whole.digest("hex"),
    pieces: pieces.join(""),
  });
  const now = Date.now();
  return {
    artifact: artifactIdOf(nodeDigests, text),
    secret: randomBytes(32).toString("hex"),
    holder: "hub",
    expiresAt: now + 3_600_000,
    hubNow: now,
    hubKey: key.publicKey,
    manifest: { text, signature: key.sign(text) },
    path,
  };
}
