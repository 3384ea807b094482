/** A drone whose artifact takes longer than its grant is good for, on virtual time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PropagitError, type Params, type Result, type ShareReport } from "@propagit/protocol";
import { nodeCrypto, simulate, type Conversation } from "@propagit/runtime";
import { SimPieceFiles, type Admission, type Share, type Swarm } from "@propagit/swarm";
import type { DroneContext } from "../src/drone-part.js";
import { SwarmDesk } from "../src/swarm-desk.js";

type Answer = Result<"hub.artifact">;

const hourMs = 60 * 60_000;
const minuteMs = 60_000;
const artifact = "a".repeat(64);
const name = { repo: "webapp", commit: "1".repeat(40) };
const sessionKey = "5".repeat(64);
const never = new AbortController().signal;

/** A hub that gives grants for an hour, and the drone's part in the swarm: both only remember. */
class Bench {
  readonly clock = simulate(1).clock;
  readonly desk: SwarmDesk;
  /** When the hub was asked, in minutes. */
  readonly asked: number[] = [];
  readonly taken: Admission[] = [];
  state: ShareReport["state"] | "none" = "none";
  isAway = false;
  /** What it answers in place of a grant. */
  answer: (() => Promise<Answer>) | undefined;
  readonly #startedAt = this.clock.monotonic();

  constructor() {
    const { clock } = this;
    const swarm = {
      shares: [],
      share: () => (this.state === "none" ? undefined : this.#share),
      take: (admission: Admission) => {
        this.state = "taking";
        this.taken.push(admission);
        return this.#share;
      },
    } as unknown as Swarm;
    this.desk = new SwarmDesk({
      clock,
      log: { info: () => undefined, warn: () => undefined },
      crypto: nodeCrypto,
      hider: { hide: (text) => text, show: (text) => text },
      open: { swarm, files: new SimPieceFiles(), port: 1, stop: () => Promise.resolve() },
      roomBytes: () => Promise.resolve(1e9),
    });
    this.desk.part(this.#context);
  }

  static async taking(): Promise<Bench> {
    const bench = new Bench();
    const delivery = await bench.desk.next(name, [], never);
    assert.equal(delivery?.commit, name.commit);
    assert.deepEqual(bench.asked, [0]);
    return bench;
  }

  /** Of the newest admission, in minutes since the beginning. */
  get goodUntil(): number {
    return this.#minutes((this.taken.at(-1)?.expiresAt ?? Number.NaN) - this.#wall);
  }

  grant(over: Partial<Params<"drone.carry">["grant"]> = {}): Answer {
    const now = this.clock.now();
    const secret = nodeCrypto.encrypt(sessionKey, "b".repeat(64));
    const own = { artifact, bytes: 1e6, secret, holder: "web-1", hubKey: "key", peers: [] };
    const grant = { ...own, now, expiresAt: now + hourMs, ...over };
    return { how: "swarm", commit: name.commit, grant };
  }

  get #wall(): number {
    return this.clock.now() - (this.clock.monotonic() - this.#startedAt);
  }

  get #share(): Share {
    const { state } = this;
    return { artifact, secret: "b".repeat(64), report: { state } } as unknown as Share;
  }

  get #context(): DroneContext {
    const call = async (_: string, asked: Params<"hub.artifact">): Promise<Answer> => {
      assert.deepEqual(asked, { ...name, have: [] });
      this.asked.push(this.#minutes(this.clock.monotonic() - this.#startedAt));
      return this.answer ? this.answer() : this.grant();
    };
    const conversation = { peer: { sessionKey }, call } as unknown as Conversation;
    const away = new PropagitError("UNREACHABLE", "no hub at hub:6001");
    return {
      name: () => "web-1",
      upstream: () => ({ host: "hub", port: 6001 }),
      hub: () => (this.isAway ? Promise.reject(away) : Promise.resolve(conversation)),
    } as unknown as DroneContext;
  }

  #minutes(ms: number): number {
    return Math.round(ms / minuteMs);
  }
}

test("asks for a new grant when half of the time of the one before is over, as long as it takes", async () => {
  const bench = await Bench.taking();
  await bench.clock.advance(5 * hourMs + minuteMs);
  assert.deepEqual(bench.asked, [0, 30, 60, 90, 120, 150, 180, 210, 240, 270, 300]);
  assert.equal(bench.taken.length, bench.asked.length);
  assert.equal(bench.goodUntil, 360);
  assert.deepEqual(
    bench.taken.map(({ expiresAt, hubNow }) => expiresAt - hubNow),
    bench.taken.map(() => hourMs),
  );
});

test("asks again and sooner while the hub is away, and takes what it gives once it is back", async () => {
  const bench = await Bench.taking();
  bench.isAway = true;
  await bench.clock.advance(50 * minuteMs);
  assert.deepEqual([bench.asked, bench.taken.length], [[0], 1]);
  bench.isAway = false;
  await bench.clock.advance(5 * minuteMs);
  // At 30, 45 and 52.5 minutes: what is left is halved each time.
  assert.deepEqual(bench.asked, [0, 53]);
  assert.equal(bench.goodUntil, 113);
});

test("goes on asking when the grant has expired meanwhile", async () => {
  const bench = await Bench.taking();
  bench.isAway = true;
  await bench.clock.advance(3 * hourMs);
  bench.isAway = false;
  await bench.clock.advance(2_000);
  assert.deepEqual(bench.asked, [0, 180]);
  assert.equal(bench.goodUntil, 240);
});

test("keeps its grant when the hub answers with another artifact, or with git", async () => {
  const bench = await Bench.taking();
  bench.answer = () => Promise.resolve(bench.grant({ artifact: "c".repeat(64) }));
  await bench.clock.advance(31 * minuteMs);
  bench.answer = () => Promise.resolve({ how: "git" });
  await bench.clock.advance(15 * minuteMs);
  assert.deepEqual([bench.asked, bench.taken.length], [[0, 30, 45], 1]);
});

test("asks no more once all of it is there, it failed, or the drone ended", async () => {
  for (const state of ["whole", "used", "failed", "none"] as const) {
    const bench = await Bench.taking();
    bench.state = state;
    await bench.clock.advance(3 * hourMs);
    assert.deepEqual(bench.asked, [0], state);
  }
  const bench = await Bench.taking();
  await bench.desk.stop();
  await bench.clock.advance(3 * hourMs);
  assert.deepEqual(bench.asked, [0]);
});

test("does not begin anew what ended while the hub was asked for its next grant", async () => {
  const bench = await Bench.taking();
  bench.answer = async () => {
    await new Promise<void>((resolve) => void bench.clock.after(minuteMs, resolve));
    return bench.grant();
  };
  await bench.clock.advance(30 * minuteMs + 1_000);
  bench.state = "none";
  await bench.clock.advance(hourMs);
  assert.deepEqual([bench.asked, bench.taken.length, bench.state], [[0, 30], 1, "none"]);
});
