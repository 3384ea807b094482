/** Real registries for tests: in this process, or as a process of their own that can be killed. */
import { fork, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Address } from "@propagit/protocol";
import { silentLog } from "@propagit/runtime";
import {
  connect,
  serveRegistry,
  type RegistryClient,
  type ServedRegistry,
  type ServeRegistryOptions,
} from "../../src/index.js";

type Undo = () => unknown;

/** Everything a test has started; ended in reverse order, whatever the test did. */
export class Workshop {
  readonly #undo: Undo[] = [];

  async clear(): Promise<void> {
    for (const undo of this.#undo.splice(0).toReversed()) await undo();
  }

  later(undo: Undo): void {
    this.#undo.push(undo);
  }

  folder(): string {
    const folder = mkdtempSync(join(tmpdir(), "propagit-registry-"));
    this.later(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
  }

  async serve(options: Partial<ServeRegistryOptions> = {}): Promise<ServedRegistry> {
    const registry = await serveRegistry({ port: 0, log: silentLog, ...options });
    this.later(() => registry.stop());
    return registry;
  }

  connect(address: Address | string, options: Parameters<typeof connect>[1] = {}): RegistryClient {
    const client = connect(address, options);
    this.later(() => client.close());
    return client;
  }

  /** A registry in a process of its own; resolves with its port once it answers. */
  async spawnRegistry(options: {
    readonly port: number;
    readonly dataFolder: string;
  }): Promise<{ readonly port: number; readonly child: ChildProcess }> {
    const child = this.#fork(import.meta.resolve("./registry-process.js"), [
      JSON.stringify(options),
    ]);
    return { child, port: await firstNumber(child) };
  }

  /** A process that registers a service; resolves with the service's port once it is registered. */
  async spawnService(
    registry: Address,
    service: string,
    ttlMs: number,
  ): Promise<{ readonly port: number; readonly child: ChildProcess }> {
    const child = this.#fork(import.meta.resolve("./service-process.js"), [
      JSON.stringify({ registry, service, ttlMs }),
    ]);
    return { child, port: await firstNumber(child) };
  }

  #fork(url: string, args: readonly string[]): ChildProcess {
    const child = fork(fileURLToPath(url), args, { silent: true });
    this.later(() => killAndWait(child));
    return child;
  }
}

export async function killAndWait(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
  });
  child.kill("SIGKILL");
  await exited;
}

function firstNumber(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error("the process said nothing for 90 s")), 90_000);
    child.once("message", (message) => {
      clearTimeout(limit);
      resolve(Number(message));
    });
    child.once("exit", (code) => {
      clearTimeout(limit);
      reject(
        new Error(`the process ended with code ${String(code)}: ${String(child.stderr?.read())}`),
      );
    });
  });
}

/** Waits for something to come true by asking again; fails saying what did not. */
export async function eventually(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  limitMs = 90_000,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${limitMs / 1000} s`);
    await new Promise((resolve) => {
      setTimeout(resolve, 25);
    });
  }
}
