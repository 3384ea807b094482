/** Short slices of load on one proxy after the other, round by round, so that what else the machine does meets all. */
import { execa } from "execa";
import { median } from "../report.js";
import { cpuUs } from "./cpu.js";
import { loadCore, type Program } from "./programs.js";

export interface Slice {
  readonly usPerRequest: number;
  readonly perSecond: number;
}

export interface Work {
  /** Arguments of wrk without its duration. */
  readonly wrk: readonly string[];
  readonly path: string;
}

export interface SliceOptions {
  readonly seconds: number;
  readonly rounds: number;
}

/** By program. */
export type Slices = ReadonlyMap<Program, readonly Slice[]>;

export type Run = (
  program: Program,
  seconds: number,
) => Promise<{ readonly done: number; readonly perSecond: number }>;

/** One slice to warm up, then so many of each. */
export async function alternate(
  programs: readonly Program[],
  run: Run,
  { seconds, rounds }: SliceOptions,
): Promise<Slices> {
  const slices = new Map<Program, Slice[]>(programs.map((program) => [program, []]));
  for (const program of programs) await run(program, seconds);
  for (let round = 0; round < rounds; round++) {
    for (const program of programs) {
      const before = await cpuUs(program.pids);
      const { done, perSecond } = await run(program, seconds);
      const usPerRequest = ((await cpuUs(program.pids)) - before) / done;
      slices.get(program)?.push({ usPerRequest, perSecond });
    }
  }
  return slices;
}

export interface Compared {
  readonly ours: number;
  readonly theirs: number;
  /** The median of the ratios of each round. */
  readonly ratio: number;
}

export function compare(
  slices: Slices,
  ours: Program,
  theirs: Program,
  figure: keyof Slice,
): Compared {
  const own = (slices.get(ours) ?? []).map((slice) => slice[figure]);
  const other = (slices.get(theirs) ?? []).map((slice) => slice[figure]);
  const ratios = own.map((value, round) => value / (other[round] ?? NaN));
  return { ours: median(own), theirs: median(other), ratio: median(ratios) };
}

/** wrk on a path. */
export function wrkRun({ wrk, path }: Work): Run {
  return async ({ port }, seconds) => {
    const url = `http://127.0.0.1:${port}${path}`;
    const args = ["-c", loadCore, "wrk", "-t1", `-d${seconds}s`, ...wrk, url];
    const { stdout } = await execa("taskset", args);
    const done = Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0);
    const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? 0);
    const bad = /Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)/.exec(stdout);
    if (done === 0) throw new Error(`wrk did nothing: ${stdout}`);
    if (bad) process.stderr.write(`port ${port}${path}: ${bad[0]}\n`);
    return { done, perSecond };
  };
}

/** h2load on a path, in the clear. */
export function h2loadRun({
  clients,
  streams,
  path,
}: {
  readonly clients: number;
  /** Of each client at the same time. */
  readonly streams: number;
  readonly path: string;
}): Run {
  return async ({ port }, seconds) => {
    const how = [
      `-c${clients}`,
      `-m${streams}`,
      `-D${seconds}`,
      "-H",
      ":authority: shop.localhost",
    ];
    const url = `http://127.0.0.1:${port}${path}`;
    const { stdout } = await execa("taskset", ["-c", loadCore, "h2load", ...how, url]);
    const done = Number(/(\d+) succeeded/.exec(stdout)?.[1] ?? 0);
    const failed = Number(/(\d+) failed/.exec(stdout)?.[1] ?? 0);
    if (done === 0 || failed > 0) throw new Error(`h2load: ${stdout}`);
    return { done, perSecond: done / seconds };
  };
}

export interface LoadSeen {
  readonly done: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Our own load: see `load.c`. */
export async function runLoad(
  program: string,
  ...args: readonly (string | number)[]
): Promise<LoadSeen> {
  const { stdout } = await execa("taskset", ["-c", loadCore, program, ...args.map(String)]);
  return JSON.parse(stdout) as LoadSeen;
}
