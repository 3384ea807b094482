/**
 * Pebble: an authority that speaks ACME and that nobody trusts, on this machine alone, with a name server of
 * its own for which every host is here.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { request } from "node:https";
import type { IncomingMessage } from "node:http";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeCertificate, makeCertificateKey } from "@propagit/runtime";
import { until } from "./cli.js";
import { freePort } from "./cluster.js";

/** Why tests with it cannot be made here; false when they can. */
export const pebbleMissing: string | false =
  spawnSync("pebble", ["-help"]).error === undefined ? false : "pebble is not installed";

export interface Pebble {
  readonly directory: string;
  /** Who signs the certificate of the directory, as PEM; also in `caFile`. */
  readonly ca: string;
  readonly caFile: string;
  /** Who signs what it gives, as PEM; another one at each start. */
  root(): Promise<string>;
  /** All that it said. */
  readonly output: string;
  stop(): Promise<void>;
}

export interface PebbleOptions {
  /** For its files; it must be there. */
  readonly folder: string;
  /** Where it looks for challenges. */
  readonly httpPort: number;
  readonly tlsPort: number;
  /** Of certificates; default: 5 years. */
  readonly lifeSeconds?: number;
  readonly env?: Readonly<Record<string, string>>;
}

const dayMs = 86_400_000;

export async function startPebble(options: PebbleOptions): Promise<Pebble> {
  const { folder, httpPort, tlsPort, lifeSeconds, env } = options;
  const authority = { name: "authority of pebble's directory", key: makeCertificateKey() };
  const life = { notBefore: Date.now() - dayMs, notAfter: Date.now() + dayMs };
  const ca = makeCertificate({ ...life, names: [], key: authority.key, authority: authority.name });
  const key = makeCertificateKey();
  const names = ["localhost", "127.0.0.1"];
  const certificate = makeCertificate({ ...life, names, key, issuer: authority });
  const [port, managementPort] = [await freePort(), await freePort()];
  const file = (name: string) => join(folder, `pebble-${name}`);
  const pebble = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${managementPort}`,
    certificate: file("cert.pem"),
    privateKey: file("key.pem"),
    httpPort,
    tlsPort,
    ...(lifeSeconds !== undefined && { certificateValidityPeriod: lifeSeconds }),
  };
  await writeFile(file("ca.pem"), ca);
  await writeFile(file("cert.pem"), certificate);
  await writeFile(file("key.pem"), key);
  await writeFile(file("config.json"), JSON.stringify({ pebble }));
  const names53 = await startNames();
  const dns = `127.0.0.1:${names53.address().port}`;
  const child = spawn("pebble", ["-config", file("config.json"), "-dnsserver", dns], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PEBBLE_VA_NOSLEEP: "1", ...env },
  });
  const said = collect(child);
  await until("pebble listens", () => said().includes("ACME directory available at"));
  return {
    directory: `https://localhost:${port}/dir`,
    ca,
    caFile: file("ca.pem"),
    root: () => fetchPem(`https://localhost:${managementPort}/roots/0`, ca),
    get output() {
      return said();
    },
    stop: async () => {
      names53.close();
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}

function collect(child: ChildProcess): () => string {
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (part: string) => (text += part));
  child.stderr?.setEncoding("utf8").on("data", (part: string) => (text += part));
  return () => text;
}

async function fetchPem(url: string, ca: string): Promise<string> {
  const asked = request(url, { ca }).end();
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  let text = "";
  for await (const part of answer.setEncoding("utf8")) text += String(part);
  return text;
}

/** A name server: each host has the address 127.0.0.1, and nothing else is known of any (RFC 1035). */
async function startNames(): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.on("message", (query, { address, port }) => {
    const answer = answerTo(query);
    if (answer) socket.send(answer, port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

/** Undefined when it cannot be read. */
function answerTo(query: Buffer): Buffer | undefined {
  const nameEnd = query.indexOf(0, 12);
  if (nameEnd < 0 || query.length < nameEnd + 5) return undefined;
  const question = query.subarray(12, nameEnd + 5);
  const isAddress = query.readUInt16BE(nameEnd + 1) === 1;
  const head = Buffer.from([0, 0, 0x81, 0x80, 0, 1, 0, isAddress ? 1 : 0, 0, 0, 0, 0]);
  query.copy(head, 0, 0, 2);
  // The name as in the question, type A, class IN, for a second.
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1]);
  return Buffer.concat([head, question, ...(isAddress ? [record] : [])]);
}
