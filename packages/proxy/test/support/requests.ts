/** Requests as an engine hands them to a director, and a director over a table of a test's own. */
import type { Direction, ExchangeEnd, Forward, RequestView, VisitorLife } from "@propagit/http";
import type { Deployment, Endpoint, Route } from "@propagit/protocol";
import { silentLog, simulate, type Simulation } from "@propagit/runtime";
import { RouteTable, type TableOptions } from "../../src/core/route-table.js";
import { Counters } from "../../src/counters.js";
import { ProxyDirector, type DirectorOptions, type Proof } from "../../src/director.js";
import { takeFeed, type Feed } from "../../src/feed.js";
import { Tallies } from "../../src/core/tallies.js";
import { Holds } from "../../src/holds.js";

export interface Bench {
  readonly simulation: Simulation;
  readonly table: RouteTable;
  readonly counters: Counters;
  readonly tallies: Tallies;
  readonly director: ProxyDirector;
  readonly lines: string[];
  setRoutes(routes: readonly Route[], running?: readonly Deployment[]): void;
  up(...endpoints: readonly Endpoint[]): void;
}

export interface BenchOptions extends Partial<DirectorOptions> {
  readonly tableOptions?: TableOptions;
  readonly proof?: Proof;
}

/** A director over a table that follows what the test says. */
export function startBench(options: BenchOptions = {}): Bench {
  const { tableOptions = {}, proof = "right", ...over } = options;
  const simulation = simulate(1);
  const { clock, random } = simulation.worldOf("proxy");
  const table = new RouteTable(tableOptions);
  const counters = new Counters();
  const tallies = new Tallies();
  const holds = new Holds(clock);
  const lines: string[] = [];
  const director = new ProxyDirector({
    table,
    clock,
    random,
    log: { ...silentLog, warn: (line) => void lines.push(line) },
    counters,
    tallies,
    holds,
    prover: { check: () => proof },
    headMs: 60_000,
    stale: () => [],
    blocked: () => undefined,
    ...over,
  });
  let revision = 0;
  const take = (feed: Feed) => takeFeed(table, feed, clock.monotonic());
  return {
    simulation,
    table,
    counters,
    tallies,
    director,
    lines,
    setRoutes: (routes, running = []) => {
      revision += 1;
      const known = { kind: "snapshot", book: "book", revision } as const;
      const update = { ...known, routes: [...routes], deployments: [...running] };
      take({ kind: "book", update });
      holds.wake();
    },
    up: (...endpoints) => {
      const updates = endpoints.map((endpoint, index) => ({
        kind: "up" as const,
        at: { epoch: "e", revision: index + 1 },
        endpoint,
      }));
      take({ kind: "endpoints", updates });
    },
  };
}

export interface Asked extends Partial<Omit<RequestView, "header" | "rawHeaders">> {
  readonly headers?: Readonly<Record<string, string>>;
}

export function requestOf({ headers = {}, ...over }: Asked = {}): RequestView {
  return {
    method: "GET",
    target: "/",
    host: "webapp.localhost",
    version: "1.1",
    isSecure: false,
    address: "192.0.2.1",
    bodyBytes: 0,
    upgrade: undefined,
    header: (name) => headers[name],
    rawHeaders: () => Object.entries(headers).flat(),
    ...over,
  };
}

export function staying(): VisitorLife {
  return { signal: new AbortController().signal };
}

/** @throws when it is not sent on */
export async function forwardOf(direction: Direction | Promise<Direction>): Promise<Forward> {
  const found = await direction;
  if (found.kind === "forward") return found;
  throw new Error(`answered instead: ${found.status} ${String(found.body)}`);
}

export function endOf(over: Partial<ExchangeEnd> = {}): ExchangeEnd {
  const bytes = { requestBytes: 0, answerBytes: 10 };
  return { how: "complete", status: 200, ...bytes, headMs: 2, tookMs: 3, ...over };
}
