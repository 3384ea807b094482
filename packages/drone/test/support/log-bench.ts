/** Output of instances that are only files here, on a clock that the test moves. */
import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { LogQuery } from "@propagit/protocol";
import { nodeClock, silentLog, type Clock } from "@propagit/runtime";
import type { StoredLine } from "../../src/core/log-label.js";
import type { InstanceOutput } from "../../src/system/log-output.js";
import { LogStore, type LogStoreOptions } from "../../src/system/log-store.js";
import type { InstanceNote } from "../../src/world.js";
import { noteOf } from "./process-bench.js";
import { until } from "./until.js";

export interface LogBench {
  readonly folder: string;
  readonly store: LogStore;
  /** Its wall clock stands still until it is set. */
  readonly time: { now: number };
  readonly open: (note?: Partial<InstanceNote>) => Promise<InstanceOutput>;
  /** Writes as the app does, and waits until the drone has noted the time. */
  readonly write: (output: InstanceOutput, text: string | Buffer) => Promise<void>;
  readonly texts: (query?: Partial<LogQuery>) => Promise<readonly string[]>;
  readonly lines: (query?: Partial<LogQuery>) => Promise<readonly StoredLine[]>;
}

export async function openLogBench(
  test: TestContext,
  options: Partial<LogStoreOptions> = {},
): Promise<LogBench> {
  const folder = await mkdtemp(join(tmpdir(), "propagit-logs-"));
  const time = { now: 1_700_000_000_000 };
  const clock: Clock = { ...nodeClock, now: () => time.now };
  const store = new LogStore({ clock, log: silentLog, folder, bytesMax: 2 ** 20, ...options });
  const outputs = new Set<InstanceOutput>();
  test.after(async () => {
    for (const output of outputs) output.stop();
    await until("all handles given back", async () => {
      for (const output of outputs) await output.closeDescriptor();
      return true;
    });
    await rm(folder, { recursive: true, force: true });
  });
  const lines = async (query: Partial<LogQuery> = {}) => {
    const found: StoredLine[] = [];
    const { signal } = new AbortController();
    await store.query({ follow: false, ...query }, (some) => void found.push(...some), signal);
    return found;
  };
  return {
    folder,
    store,
    time,
    lines,
    texts: async (query) => (await lines(query)).map(({ text }) => text),
    async open(note = {}) {
      const output = await store.open(noteOf(note), "begin");
      outputs.add(output);
      return output;
    },
    async write(output, text) {
      await appendFile(`${output.path}.log`, text);
      await output.look();
    },
  };
}
