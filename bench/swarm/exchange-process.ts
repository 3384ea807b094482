/**
 * One of two processes that pass an artifact on: it has all of it and gives, or has nothing and takes.
 * What it is to do comes as JSON in its first argument; it tells its parent what is needed to take from it, or
 * that everything is there.
 */
import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { nodeWorld, silentLog } from "@propagit/runtime";
import {
  artifactIdOf,
  encodeManifest,
  findHubKey,
  nodeDigests,
  openSwarm,
  pieceBytesFor,
  type Admission,
} from "@propagit/swarm";

export type Task =
  | { readonly kind: "give"; readonly folder: string; readonly file: string }
  | { readonly kind: "take"; readonly folder: string; readonly admission: Admission };

export type Told =
  | { readonly kind: "gives"; readonly admission: Admission }
  /** With the memory that it has before it takes anything. */
  | { readonly kind: "begins"; readonly residentMb: number }
  | { readonly kind: "whole" };

const host = "127.0.0.1";
const validMs = 3_600_000;

const task = JSON.parse(process.argv[2] ?? "null") as Task;
const open = await openSwarm({
  folder: join(task.folder, "artifacts"),
  world: nodeWorld(silentLog),
  name: () => task.kind,
  role: "drone",
  zone: undefined,
  listen: { host, port: 0 },
  changed: () => undefined,
});
if (task.kind === "give") await give(task.folder, task.file);
else await take(task.admission);

async function give(folder: string, file: string): Promise<void> {
  const key = await findHubKey(folder);
  const { text, bytes } = await manifestOf(file);
  const now = Date.now();
  const artifact = artifactIdOf(nodeDigests, text);
  const own = { artifact, secret: randomBytes(32).toString("hex"), hubKey: key.publicKey };
  const times = { expiresAt: now + validMs, hubNow: now };
  const manifest = { text, signature: key.sign(text) };
  await open.swarm.offer({ ...own, ...times, holder: "give", manifest, path: file });
  const peers = [{ name: "give", role: "drone" as const, host, port: open.port ?? 0 }];
  tell({ kind: "gives", admission: { ...own, ...times, bytes, holder: "take", peers } });
}

async function take(admission: Admission): Promise<void> {
  tell({ kind: "begins", residentMb: process.memoryUsage.rss() / 2 ** 20 });
  const share = open.swarm.take(admission);
  await share.whole;
  tell({ kind: "whole" });
}

async function manifestOf(file: string) {
  const content = await readFile(file);
  const pieceBytes = pieceBytesFor(content.length);
  const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  let pieces = "";
  for (let at = 0; at < content.length; at += pieceBytes) {
    pieces += hash(content.subarray(at, at + pieceBytes));
  }
  const own = { repo: "passed-on", commit: "6".repeat(40), bytes: content.length, pieceBytes };
  return { text: encodeManifest({ ...own, sha256: hash(content), pieces }), bytes: content.length };
}

function tell(told: Told): void {
  process.send?.(told);
}
