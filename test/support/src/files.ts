/** What tests of `propagit files` need: drones with homes of their own, folders to push, what became of it. */
import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { FilesOutcome } from "@propagit/protocol";
import { execa } from "execa";
import type { DaemonProcess, Finished } from "./cli.js";
import type { Cluster } from "./cluster.js";

/** A line to the hub that counts what comes over it. */
export class Meter {
  received = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(port: number) {
    this.#server = createServer((near) => {
      const far = connect(port, "127.0.0.1");
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket
          .on("error", () => undefined)
          .on("close", () => [near, far].map((it) => it.destroy()));
      }
      far.on("data", (chunk: Buffer) => {
        this.received += chunk.length;
      });
      near.pipe(far).pipe(near);
    });
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, "127.0.0.1", () => {
        const address = this.#server.address();
        resolve(typeof address === "object" && address ? address.port : 0);
      });
    });
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

export class FilesPlaces {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  home(name: string): string {
    return join(this.#cluster.folder, "homes", name);
  }

  /** With a home of its own, as if it were a machine of its own. */
  async startDrone(name: string, hub = this.#cluster.ports.hub): Promise<DaemonProcess> {
    await mkdir(this.home(name), { recursive: true });
    const data = join(this.#cluster.folder, name);
    const flags = [`--name=${name}`, "--label=role=web", `--data=${data}`];
    const words = ["drone", `--hub=localhost:${hub}`, "--secret=beepboop", ...flags];
    const env = { HOME: this.home(name) };
    const daemon = this.#cluster.start(`drone ${name}`, "propagit", words, env);
    await daemon.said(/connected to the hub/);
    return daemon;
  }

  /** A destination that is not there yet. */
  place(name: string): string {
    return join(this.#cluster.folder, "places", name);
  }

  run(...words: readonly string[]): Promise<Finished> {
    return this.#cluster.propagit("files", ...words);
  }

  push(...words: readonly string[]): Promise<Finished> {
    return this.run("push", "--json", ...words);
  }

  /** A folder to push, made anew; with a slash at its end. */
  async source(name: string, content: Readonly<Record<string, string>>): Promise<string> {
    const folder = join(this.#cluster.folder, name);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder);
    for (const [path, text] of Object.entries(content)) {
      await mkdir(join(folder, path, ".."), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    return `${folder}/`;
  }
}

/** Of a push with --json. */
export function outcomesOf({ stdout, stderr }: Finished): readonly FilesOutcome[] {
  assert.notEqual(stdout, "", stderr);
  return (JSON.parse(stdout) as { drones: FilesOutcome[] }).drones;
}

/** In what two folders differ; empty when they are the same. */
export async function differences(left: string, right: string): Promise<string> {
  const { stdout } = await execa("diff", ["-r", "--no-dereference", left, right], {
    reject: false,
  });
  return stdout;
}
