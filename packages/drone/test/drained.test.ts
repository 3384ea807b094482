import assert from "node:assert/strict";
import { test } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { simulate, type Conversation } from "@propagit/runtime";
import { untilDrained } from "../src/drained.js";

const address = "box:20001";

/** A hub that answers each question as told, and how long it took until the drone went on. */
async function waited(
  waitMs: number,
  answers: readonly ("drained" | "lost" | "unknown" | "never")[],
  hubAway = false,
): Promise<{ tookMs: number; asked: readonly number[] }> {
  const { clock } = simulate(1);
  const left = [...answers];
  const asked: number[] = [];
  const answer = (limitMs: number) => {
    switch (left.shift()) {
      case "drained":
        return Promise.resolve({ proxies: 1, inFlight: 0, silent: [] });
      case "lost":
        return after(100).then(() => Promise.reject(new PropagitError("LINK_LOST", "killed")));
      case "unknown":
        return Promise.reject(new PropagitError("BAD_FRAME", "there is no such method here"));
      case "never":
      case undefined:
      default:
        return after(limitMs).then(() => Promise.reject(new PropagitError("TIMED_OUT", "late")));
    }
  };
  const after = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve));
  const call = (_: string, params: { waitMs: number }, { limitMs }: { limitMs: number }) => {
    asked.push(params.waitMs);
    return answer(limitMs);
  };
  const hub = () =>
    hubAway
      ? new Promise<never>(() => undefined)
      : Promise.resolve({ call } as unknown as Conversation);
  const start = clock.monotonic();
  let isDone = false;
  void untilDrained({ clock, hub }, [address], waitMs).then(() => (isDone = true));
  await clock.until("the drone to go on", () => isDone);
  return { tookMs: clock.monotonic() - start, asked };
}

test("goes on as soon as the hub says that nothing is under way", async () => {
  assert.deepEqual(await waited(10_000, ["drained"]), { tookMs: 0, asked: [10_000] });
});

test("asks again when the hub is killed meanwhile, for what is left of the time", async () => {
  const { tookMs, asked } = await waited(10_000, ["lost", "lost", "drained"]);
  assert.deepEqual([tookMs, asked], [200, [10_000, 9_900, 9_800]]);
});

test("waits five seconds for a hub that is away, and no longer than it may", async () => {
  assert.equal((await waited(10_000, [], true)).tookMs, 5_000);
  assert.equal((await waited(1_000, [], true)).tookMs, 1_000);
});

test("goes on when the hub does not know the question, or never answers", async () => {
  assert.equal((await waited(10_000, ["unknown"])).tookMs, 0);
  assert.equal((await waited(10_000, ["never"])).tookMs, 15_000);
});
