/** Real processes without a drone around them: a data folder, lives of a drone one after the other. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { nodeClock, type Log } from "@propagit/runtime";
import { LogStore } from "../../src/system/log-store.js";
import { NodeProcesses } from "../../src/system/node-processes.js";
import type { InstanceNote, LaunchRequest, RunningProcess } from "../../src/world.js";
import { isAlive } from "./bench.js";
import { until } from "./until.js";

interface Life {
  readonly processes: NodeProcesses;
  readonly logs: LogStore;
}

export interface ProcessBench {
  readonly folder: string;
  /** What was said to whoever runs the drone. */
  readonly log: string[];
  /** A drone's life begins; the one before has let go. */
  readonly begin: () => Life;
  /** `node -e SCRIPT` in a folder of its own. */
  readonly app: (script: string, options?: Partial<LaunchRequest>) => LaunchRequest;
  /** What an app wrote into a file of its folder, once it is there. */
  readonly said: (name: string) => Promise<string>;
}

export interface ProcessBenchOptions {
  readonly stopTimeoutMs?: number;
  readonly logBytesMax?: number;
  readonly folder?: string;
}

let count = 0;

export function noteOf(parts: Partial<InstanceNote> = {}): InstanceNote {
  return {
    process: `${Date.now().toString(16)}${process.pid.toString(16)}${(count++).toString(16)}`,
    repo: "webapp",
    commit: "a".repeat(40),
    artifact: "a".repeat(40),
    deployment: "d".repeat(16),
    environment: "production",
    release: 1,
    service: "web",
    slot: 1,
    ports: {},
    restarts: 0,
    records: [],
    wasReady: false,
    startedAt: Date.now(),
    ...parts,
  };
}

export async function openProcessBench(
  test: TestContext,
  options: ProcessBenchOptions = {},
): Promise<ProcessBench> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), "propagit-processes-")));
  const work = join(folder, "work");
  await mkdir(work, { recursive: true });
  const log: string[] = [];
  const said: Log = { info: (line) => void log.push(line), warn: (line) => void log.push(line) };
  const lives: Life[] = [];
  const begin = () => {
    lives.at(-1)?.processes.leave();
    const logs = new LogStore({
      clock: nodeClock,
      log: said,
      folder: join(folder, "logs"),
      bytesMax: options.logBytesMax ?? 2 ** 20,
    });
    const processes = new NodeProcesses({
      clock: nodeClock,
      log: said,
      logs,
      folder,
      stopTimeoutMs: options.stopTimeoutMs ?? 500,
    });
    lives.push({ processes, logs });
    return { processes, logs };
  };
  test.after(async () => {
    const { processes } = begin();
    const left = await processes.adopt();
    for (const { running } of left) running.signal("SIGKILL");
    await Promise.all(left.map(({ running }) => running.ended));
    processes.leave();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    folder,
    log,
    begin,
    app: (script, given = {}) => {
      const note = given.note ?? noteOf();
      return {
        note,
        command: [process.execPath, "-e", script],
        folder: work,
        variables: { PATH: process.env["PATH"] ?? "", PROCESS_ID: note.process },
        user: undefined,
        limits: undefined,
        ...given,
      };
    },
    said: (name) =>
      until(`${name} of the app`, async () => {
        const text = await readFile(join(work, name), "utf8").catch(() => "");
        return text === "" ? undefined : text;
      }),
  };
}

/** Resolves when it is ended; fails when that takes too long. */
export async function endOf(running: RunningProcess) {
  let end: Awaited<RunningProcess["ended"]> | undefined;
  const follow = async () => {
    end = await running.ended;
  };
  void follow();
  return until("the end of the process", () => end);
}

export function gone(pid: number): Promise<boolean | undefined> {
  return until(`process ${pid} to be gone`, async () => !(await isAlive(pid)));
}

/** Folders of processes that the drone thinks are there. */
export async function runFolders(folder: string): Promise<readonly string[]> {
  return readdir(join(folder, "run")).catch(() => []);
}

/** Children of a process that have ended and were not asked how. */
export async function zombiesOf(parent: number): Promise<number> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")),
  );
  return stats.filter((stat) => {
    const [state, ppid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" && Number(ppid) === parent;
  }).length;
}

export async function writeScript(folder: string, name: string, text: string): Promise<string> {
  const path = join(folder, "work", name);
  await writeFile(path, text, { mode: 0o755 });
  return path;
}
