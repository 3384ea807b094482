/** Ports that are proven free: by binding them, not by guessing. */
import { createServer } from "node:net";
import { PropagitError } from "@propagit/protocol";
import { randomBetween, type Random } from "../random.js";

export interface PortRange {
  readonly low: number;
  readonly high: number;
}

/** As the ancestor seaport had it: above the well-known ports, below most ephemeral ranges' end. */
export const portRangeDefault: PortRange = { low: 10_000, high: 65_000 };

/**
 * Ports of services long gone that browsers and `fetch` refuse to talk to: nobody would reach what
 * listens there (the bad ports of the Fetch standard, from 1024 up).
 */
const blockedPorts: ReadonlySet<number> = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669,
  6679, 6697, 10_080,
]);

/** Random tries before a range is walked from end to end. */
const randomTries = 50;

export interface FreePortOptions {
  readonly range?: PortRange;
  readonly random: Random;
  /** Ports that are promised to somebody who does not listen yet. */
  readonly avoid?: (port: number) => boolean;
}

/**
 * A port that nothing on this machine listens on, at any address.
 *
 * @throws NO_FREE_PORT
 */
export async function findFreePort(options: FreePortOptions): Promise<number> {
  const { range = portRangeDefault, random, avoid = () => false } = options;
  const isGood = (port: number) => !blockedPorts.has(port) && !avoid(port);
  for (let attempt = 0; attempt < randomTries; attempt++) {
    const port = randomBetween(random, range.low, range.high);
    if (isGood(port) && (await isFree(port))) return port;
  }
  for (let port = range.low; port <= range.high; port++) {
    if (isGood(port) && (await isFree(port))) return port;
  }
  throw new PropagitError("NO_FREE_PORT", `no port from ${range.low} to ${range.high} is free`);
}

/** Whether a server can listen there, on all addresses and on loopback alone. */
async function isFree(port: number): Promise<boolean> {
  // A listener on 127.0.0.1 does not always hinder one on `::`, so both are tried.
  return (await canListen(port, undefined)) && (await canListen(port, "127.0.0.1"));
}

function canListen(port: number, host: string | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, ...(host !== undefined && { host }), exclusive: true }, () => {
      server.close(() => resolve(true));
    });
  });
}
