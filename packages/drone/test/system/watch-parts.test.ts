/** Output and figures of a drone's instances, as the hub asks for them. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test, type TestContext } from "node:test";
import type { LogLine, LogQuery, Result } from "@propagit/protocol";
import { nodeClock, type IncomingCall } from "@propagit/runtime";
import type { DroneContext, DronePart, LivingInstance } from "../../src/drone-part.js";
import { watchParts } from "../../src/system/watch-parts.js";
import { openLogBench, type LogBench } from "../support/log-bench.js";
import { noteOf } from "../support/process-bench.js";
import { until } from "../support/until.js";

/** What waits on the way to whoever asked; the real bound is 2 MiB. */
const full = 3 * 2 ** 20;

function partOf({ store, folder }: LogBench, living: readonly LivingInstance[] = []): DronePart {
  const context = { name: () => "web-1", instances: () => living } as unknown as DroneContext;
  const [part = assert.fail()] = watchParts({ clock: nodeClock, logs: store, folder }).map((make) =>
    make(context),
  );
  return part;
}

/** Asks as the hub does; `line.bufferedBytes` is how far whoever reads is behind. */
function ask({ handlers }: DronePart, query: Partial<LogQuery>) {
  const parts: LogLine[][] = [];
  const line = { bufferedBytes: 0 };
  const gone = new AbortController();
  const call = {
    signal: gone.signal,
    part: (piece: LogLine[]) => void parts.push(piece),
    conversation: line,
  } as unknown as IncomingCall<"drone.logs">;
  const asked = { follow: false, ...query };
  let isOver = false;
  const result = Promise.resolve(handlers["drone.logs"]?.(asked, call)).finally(() => {
    isOver = true;
  });
  result.catch(() => undefined);
  const texts = () => parts.flat().map(({ text }) => text);
  return { result, parts, texts, line, leave: () => gone.abort(), isOver: () => isOver };
}

test("gives every line the name of the drone", async (t) => {
  const bench = await openLogBench(t);
  const output = await bench.open({ service: "web", release: 3 });
  await bench.write(output, "hello\nworld\n");
  const asked = ask(partOf(bench), {});
  await asked.result;
  assert.deepEqual(
    asked.parts.flat().map(({ drone, repo, service, release, text }) => {
      return { drone, repo, service, release, text };
    }),
    ["hello", "world"].map((text) => {
      return { drone: "web-1", repo: "webapp", service: "web", release: 3, text };
    }),
  );
});

test("tells many lines in order, in parts that fit into frames", async (t) => {
  const bench = await openLogBench(t, { bytesMax: 64 * 2 ** 20 });
  const output = await bench.open();
  const lines = Array.from({ length: 5_000 }, (_, index) => `${index} ${"x".repeat(200)}`);
  await bench.write(output, `${lines.join("\n")}\n`);
  const asked = ask(partOf(bench), { last: 4_000 });
  await asked.result;
  assert.deepEqual(asked.texts(), lines.slice(-4_000));
  assert.ok(asked.parts.every((piece) => piece.length <= 1_000));
  assert.ok(asked.parts.every((piece) => JSON.stringify(piece).length < 2 ** 20));
});

test("waits for a reader who is behind, and goes on when he has caught up", async (t) => {
  const bench = await openLogBench(t);
  const output = await bench.open();
  const part = partOf(bench);
  await bench.write(output, "one\n");
  const asked = ask(part, { follow: true });
  await until("the first line", () => asked.texts().length === 1);

  asked.line.bufferedBytes = full;
  await bench.write(output, "two\nthree\n");
  // Somebody else is told meanwhile, so that there was time enough.
  const other = ask(part, {});
  await other.result;
  assert.deepEqual(other.texts(), ["one", "two", "three"]);
  assert.deepEqual(asked.texts(), ["one"]);

  asked.line.bufferedBytes = 0;
  await until("the others", () => asked.texts().length === 3);
  assert.equal(asked.isOver(), false);
  asked.leave();
  await asked.result.catch(() => undefined);
});

test("ends with a reader who goes away while he is behind", async (t) => {
  const bench = await openLogBench(t);
  await bench.write(await bench.open(), "one\n");
  const asked = ask(partOf(bench), { follow: true });
  asked.line.bufferedBytes = full;
  asked.leave();
  await asked.result.catch(() => undefined);
  assert.deepEqual(asked.texts(), []);
});

test("tells what the machine has, and what each instance uses of it, children included", async (t) => {
  const bench = await openLogBench(t);
  const [busy, gone] = [await startBusy(t), noteOf()];
  const living = [
    { note: busy.note, pid: busy.pid },
    { note: gone, pid: 2 ** 22 - 1 },
  ];
  const { handlers } = partOf(bench, living);
  const stats = async () =>
    (await handlers["drone.stats"]?.({}, {} as never)) as Result<"drone.stats">;

  const { machine } = await stats();
  assert.ok(machine.cores >= 1 && machine.load >= 0);
  assert.ok(machine.memoryBytes > machine.memoryFreeBytes && machine.memoryFreeBytes > 0);
  assert.ok(machine.diskBytes > machine.diskFreeBytes && machine.diskFreeBytes > 0);

  // The child holds 50 MB, its parent the shell next to nothing.
  await until("figures of a busy instance", async () => {
    const { usages } = await stats();
    assert.deepEqual(
      usages.map(({ process }) => process),
      [busy.note.process],
      "one that has gone is left out",
    );
    return usages.every(({ cpuPercent, memoryBytes }) => cpuPercent > 1 && memoryBytes > held);
  });
});

const held = 50 * 2 ** 20;

/** A shell in a group of its own whose child holds memory and works. */
async function startBusy(t: TestContext) {
  const script = `const block = Buffer.alloc(${held}, 1); for (;;) block[0]++;`;
  const line = `"$0" -e '${script}' & wait`;
  const child = spawn("/bin/sh", ["-c", line, process.execPath], {
    detached: true,
    stdio: "ignore",
  });
  await once(child, "spawn");
  const { pid = 0 } = child;
  t.after(() => process.kill(-pid, "SIGKILL"));
  return { note: noteOf(), pid };
}
