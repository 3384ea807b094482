/**
 * Rows of what it costs a drone to pass an artifact on, and how much memory it takes. Three
 * processes in a row; the one in the middle receives all of it from the hub, checks it, writes it, reads it again
 * and sends it to the next. Beside it, in the same run, nginx that only sends the same file: over TLS 1.3 with the
 * same cipher, and plain with sendfile.
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
import { runChain, type ChainResult } from "./passing-on/chain.js";
import { startNginx } from "./passing-on/nginx.js";
import type { Setting } from "./setting.js";

const artifactBytes = 2 ** 30;
const gigabytes = artifactBytes / 1e9;
/** Of a static file server that does the same over the line; half as much again for checking and keeping. */
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
  const chains: ChainResult[] = [];
  const sent = { tls: [] as number[], plain: [] as number[] };
  try {
    for (let round = 0; round < rounds; round++) {
      await touchMemory(folder);
      chains.push(await runChain(folder, offer, artifactBytes));
      sent.tls.push(await nginx.send("tls"));
      sent.plain.push(await nginx.send("plain"));
    }
  } finally {
    await nginx.stop();
  }
  tell(chains, sent);
}

function tell(chains: readonly ChainResult[], sent: { tls: number[]; plain: number[] }): void {
  const passed = median(chains.map((it) => it.middleCpuSeconds)) / gigabytes;
  const given = median(chains.map((it) => it.hubCpuSeconds)) / gigabytes;
  const tls = median(sent.tls) / gigabytes;
  const plain = median(sent.plain) / gigabytes;
  const bench = "swarm";
  const unit = "s per GB";
  const all = "CPU of a drone that receives, checks, writes, reads and sends on";
  const one = "CPU of the hub that reads and sends";
  const secure = "nginx, TLS 1.3, same cipher, sends only";
  const open = "nginx, plain, sendfile, sends only";
  report({ bench, metric: all, unit, ours: passed, theirs: tls, peer: secure, goal: ratioGoal });
  report({ bench, metric: all, unit, ours: passed, theirs: plain, peer: open, goal: Infinity });
  report({ bench, metric: one, unit, ours: given, theirs: tls, peer: secure, goal: ratioGoal });
  report({ bench, metric: one, unit, ours: given, theirs: plain, peer: open, goal: Infinity });
  report({
    bench,
    metric: "memory of that drone above idle, largest on the way through 1 GiB",
    unit: "MB",
    ours: Math.max(...chains.map((it) => it.middleGrowthMb)),
    theirs: growthMbGoal,
    peer: "bound",
    goalAbsolute: growthMbGoal,
  });
}

/**
 * Under a hypervisor the first use of a page of memory costs the machine a trip to its host: measured 2 s of CPU for
 * each GB that is written to files for the first time, and 0.3 s from then on. What is freed here is used next.
 */
async function touchMemory(folder: string): Promise<void> {
  const path = join(folder, "touched");
  const file = await open(path, "w");
  const zeros = Buffer.alloc(2 ** 22);
  // Two drones write all of it.
  for (let at = 0; at < 2 * artifactBytes; at += zeros.length) await file.write(zeros);
  await file.close();
  await rm(path);
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
