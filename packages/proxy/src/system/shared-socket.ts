/**
 * One listening socket for several threads.
 *
 *     bound here, never listened on here     fd 20
 *        | copied once for each worker       fd 21 -> worker 1 listens and accepts
 *        |                                   fd 22 -> worker 2
 *        `-- a worker died: its copy is closed with it; another copy -> its successor
 *
 * Descriptors belong to the process, not to a thread: a thread that ends closes those it worked with, so
 * none may be shared by two. Node has no `dup`; a descriptor that goes to another process and back is a
 * copy, so a helper process of a few lines sends them back, whenever copies are needed. While no thread
 * accepts, visitors wait in the kernel's queue.
 *
 * `_createServerHandle` is what Node's cluster module opens its sockets with. Where a platform or a later
 * Node has none, `open` says so and the proxy serves with one thread.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { lookup } from "node:dns/promises";
import net, { isIP } from "node:net";
import { getSystemErrorMap } from "node:util";
import { PropagitError } from "@propagit/protocol";
import { cannotListen, type ListenPlace } from "@propagit/runtime";
import type { ListeningSocket } from "./listening-socket.js";

/** What Node's `net` hands out for a bound socket. */
interface Handle {
  readonly fd: number;
  getsockname(into: { port?: number }): number;
  close(): void;
}

type Open = (
  address: string,
  port: number,
  family: 4 | 6,
  fd: number | undefined,
  flags: number,
) => Handle | number;

/** Sends every handle back that it gets. */
const helperSource = "process.on('message', (m, handle) => process.send(m, handle))";
/** A start of Node takes 50 ms; on a machine under load much longer. */
const helperMsMax = 30_000;

export class SharedSocket {
  readonly port: number;
  readonly #handle: Handle;

  private constructor(handle: Handle, port: number) {
    this.#handle = handle;
    this.port = port;
  }

  /**
   * Undefined where the platform cannot.
   *
   * @throws PORT_IN_USE; BAD_USAGE when the address or port may not be used at all
   */
  static async open(options: ListenPlace): Promise<SharedSocket | undefined> {
    const { _createServerHandle: open } = net as unknown as { _createServerHandle?: Open };
    if (typeof open !== "function" || process.platform === "win32") return undefined;
    const { port: wanted, host } = options;
    const handle = host === undefined ? openAny(open, wanted) : await openAt(open, host, wanted);
    if (typeof handle === "number") throw cannotListen(options, errnoError(handle));
    const name: { port?: number } = {};
    handle.getsockname(name);
    // Node tells that an address is taken at listening only; until then the socket is bound to nothing.
    if (!name.port) {
      handle.close();
      throw cannotListen(options, Object.assign(new Error(), { code: "EADDRINUSE" }));
    }
    return new SharedSocket(handle, name.port);
  }

  /** One that was given by another process. */
  static of({ handle }: ListeningSocket): SharedSocket {
    const name: { port?: number } = {};
    (handle as Handle).getsockname(name);
    return new SharedSocket(handle as Handle, name.port ?? 0);
  }

  /** For another process to listen on as well. */
  get handle(): object {
    return this.#handle;
  }

  /** Descriptors of this process; each is closed by whoever listens on it. */
  async copies(count: number): Promise<readonly number[]> {
    const helper = spawn(process.execPath, ["-e", helperSource], {
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      timeout: helperMsMax,
    });
    try {
      return await this.#sendAround(helper, count);
    } finally {
      if (helper.connected) helper.disconnect();
    }
  }

  /** Copies stay open; when the last is closed nobody is taken any more. */
  close(): void {
    this.#handle.close();
  }

  #sendAround(helper: ChildProcess, count: number): Promise<readonly number[]> {
    return new Promise((resolve, reject) => {
      const copies: number[] = [];
      const fail = (cause: unknown) =>
        reject(new PropagitError("INTERNAL", "the listening socket cannot be copied", { cause }));
      helper.on("error", fail).on("exit", fail);
      helper.on("message", (_message, copy) => {
        copies.push((copy as unknown as Handle).fd);
        if (copies.length === count) resolve(copies);
      });
      for (let index = 0; index < count; index++) {
        helper.send(index, this.#handle as unknown as net.Socket, (error) => {
          if (error) fail(error);
        });
      }
    });
  }
}

/** All addresses, those of IPv6 as well where the machine has any, as Node listens by default. */
function openAny(open: Open, port: number): Handle | number {
  const both = open("::", port, 6, undefined, 0);
  return typeof both === "number" ? open("0.0.0.0", port, 4, undefined, 0) : both;
}

async function openAt(open: Open, host: string, port: number): Promise<Handle | number> {
  const { address, family } = isIP(host)
    ? { address: host, family: isIP(host) }
    : await find(host, port);
  return open(address, port, family === 6 ? 6 : 4, undefined, 0);
}

async function find(
  host: string,
  port: number,
): Promise<{ readonly address: string; readonly family: number }> {
  try {
    return await lookup(host);
  } catch (thrown) {
    throw cannotListen({ port, host }, thrown);
  }
}

function errnoError(errno: number): Error {
  const [code = String(errno)] = getSystemErrorMap().get(errno) ?? [];
  return Object.assign(new Error(code), { code });
}
