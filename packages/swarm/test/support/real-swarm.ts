/** Artifacts on disk, and those who take part in them: here, or in processes of their own. */
import { fork, type ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { ShareReport, SwarmPeer } from "@propagit/protocol";
import { nodeWorld, silentLog } from "@propagit/runtime";
import {
  artifactIdOf,
  encodeManifest,
  findHubKey,
  nodeDigests,
  openSwarm,
  pieceBytesFor,
  type Admission,
  type HubKey,
  type Offer,
  type OpenSwarm,
  type OpenSwarmOptions,
} from "../../src/index.js";

export interface RealArtifact {
  readonly bytes: Buffer;
  readonly pieceBytes: number;
  readonly offer: Offer;
}

/** Random bytes in a file of a folder, and what the hub says of them. */
export async function realArtifact(
  folder: string,
  length: number,
  pieceBytes = pieceBytesFor(length),
): Promise<RealArtifact> {
  const bytes = randomBytes(length);
  const path = join(folder, `offered-${nodeDigests.sha256(bytes).slice(0, 8)}.pack`);
  await writeFile(path, bytes);
  const key = await findHubKey(folder);
  const pieces: string[] = [];
  for (let at = 0; at < length; at += pieceBytes) {
    pieces.push(nodeDigests.sha256(bytes.subarray(at, at + pieceBytes)));
  }
  const text = encodeManifest({
    repo: "webapp",
    commit: createHash("sha1").update(bytes).digest("hex"),
    bytes: length,
    pieceBytes,
    sha256: nodeDigests.sha256(bytes),
    pieces: pieces.join(""),
  });
  return { bytes, pieceBytes, offer: offerOf(text, key, path) };
}

function offerOf(text: string, key: HubKey, path: string): Offer {
  const now = Date.now();
  return {
    artifact: artifactIdOf(nodeDigests, text),
    secret: "5".repeat(64),
    holder: "hub",
    expiresAt: now + 3_600_000,
    hubNow: now,
    hubKey: key.publicKey,
    manifest: { text, signature: key.sign(text) },
    path,
  };
}

export function admissionOf(
  { bytes, offer }: RealArtifact,
  holder: string,
  peers: readonly SwarmPeer[],
): Admission {
  const { artifact, secret, expiresAt, hubNow, hubKey } = offer;
  return { artifact, secret, expiresAt, hubNow, hubKey, bytes: bytes.length, holder, peers };
}

export function peerAt(name: string, port: number): SwarmPeer {
  return { name, role: name === "hub" ? "hub" : "drone", host: "127.0.0.1", port };
}

/** Takes part from within the test. */
export async function takePart(
  test: TestContext,
  name: string,
  folder: string,
  options: Partial<OpenSwarmOptions> = {},
): Promise<OpenSwarm & { readonly port: number }> {
  const opened = await openSwarm({
    folder,
    world: nodeWorld(silentLog),
    name: () => name,
    role: name === "hub" ? "hub" : "drone",
    zone: undefined,
    listen: { host: "127.0.0.1", port: 0 },
    changed: () => undefined,
    ...options,
  });
  test.after(() => opened.stop());
  return { ...opened, port: opened.port ?? 0 };
}

export interface ParticipantOptions {
  readonly name: string;
  readonly folder: string;
  readonly receiveBytesPerSecondMax?: number;
}

/** What a process is told, and what it answers. */
export type Told =
  | { readonly kind: "open"; readonly options: ParticipantOptions }
  | { readonly kind: "take"; readonly admission: Admission }
  | { readonly kind: "report" };
export type Answered =
  | { readonly kind: "port"; readonly port: number }
  | { readonly kind: "whole" }
  | { readonly kind: "failed"; readonly code: string; readonly message: string }
  | { readonly kind: "report"; readonly report: ShareReport | undefined };

/** A process that takes part. */
export class Participant {
  readonly #child: ChildProcess;
  #answers: Answered[] = [];
  #heard: () => void = () => undefined;
  port = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    const hear = (answered: Answered) => {
      this.#answers.push(answered);
      this.#heard();
    };
    child.on("message", hear);
    child.on("exit", (exitCode, signal) => {
      hear({ kind: "failed", code: "ended", message: `${exitCode} ${signal}` });
    });
  }

  static async start(test: TestContext, options: ParticipantOptions): Promise<Participant> {
    const child = fork(fileURLToPath(new URL("./participant.js", import.meta.url)));
    const participant = new Participant(child);
    test.after(() => participant.kill());
    participant.tell({ kind: "open", options });
    participant.port = (await participant.answer("port")).port;
    return participant;
  }

  tell(told: Told): void {
    this.#child.send(told);
  }

  async report(): Promise<ShareReport | undefined> {
    this.tell({ kind: "report" });
    return (await this.answer("report")).report;
  }

  /** The next answer of a kind. */
  async answer<Kind extends Answered["kind"]>(kind: Kind): Promise<Answered & { kind: Kind }> {
    for (;;) {
      const index = this.#answers.findIndex((it) => it.kind === kind);
      if (index >= 0) return this.#answers.splice(index, 1)[0] as Answered & { kind: Kind };
      const failed = this.#answers.find((it) => it.kind === "failed");
      if (failed) throw new Error(JSON.stringify(failed));
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  /** At once, as a crash would be. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await gone;
  }
}
