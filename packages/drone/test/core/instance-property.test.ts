import assert from "node:assert/strict";
import { test } from "node:test";
import type { RestartRules } from "@propagit/protocol";
import fc from "fast-check";
import { newInstance, stepInstance, wakeAt } from "../../src/core/instance.js";
import { reportOf } from "../../src/core/instance-report.js";
import {
  aliveMs,
  type InstanceEffect,
  type InstanceEvent,
  type InstanceRules,
  type InstanceState,
} from "../../src/core/instance-state.js";
import { health, identity, rules } from "../support/instances.js";

interface Kind {
  readonly worker: boolean;
  /** Checks, and whether they restart it. */
  readonly checks: "none" | "free" | "restart";
  readonly policy: RestartRules["policy"];
}

/** Few crashes until it is given up, so that chance gets everywhere. */
const rulesOf = ({ worker, checks, policy }: Kind): InstanceRules => ({
  ...rules,
  restart: { ...rules.restart, policy, crashesMax: 5 },
  health: checks === "none" ? undefined : { ...health, restart: checks === "restart" },
  ...(worker && { ready: "alive", ports: [], registers: false }),
  readyTimeoutMs: 5_000,
  stop: { signal: "SIGTERM", deadlineMs: 1_000 },
});

/** What is really the case outside the machine, and what can therefore happen next. */
class Reality {
  now = 0;
  state: InstanceState;
  /** Runs asked for that have neither failed nor ended. */
  readonly outstanding = new Map<number, "launching" | { readonly since: number }>();
  readonly wantsRecord = new Set<number>();
  readonly hasRecord = new Set<number>();
  readonly announces = new Set<number>();
  readonly hasAnnounced = new Set<number>();
  /** Runs that are being asked how they are. */
  readonly asked = new Set<number>();
  killed = false;

  constructor(kind: Kind) {
    this.state = newInstance(identity, rulesOf(kind), 0);
  }

  feed(event: InstanceEvent): void {
    const moment = { now: this.now, date: this.now, fraction: 0.5 };
    const step = stepInstance(this.state, event, moment);
    this.state = step.state;
    for (const effect of step.effects) this.perform(effect);
    this.check();
  }

  perform(effect: InstanceEffect): void {
    if (effect.kind === "launch") {
      this.outstanding.set(effect.run, "launching");
      assert.equal(this.outstanding.size, 1, "two processes of one instance");
    }
    if (effect.kind === "register") this.wantsRecord.add(effect.run);
    if (effect.kind === "free") {
      this.wantsRecord.delete(effect.run);
      this.hasRecord.delete(effect.run);
    }
    if (effect.kind === "kill") this.killed = true;
    if (effect.kind === "check") {
      assert.ok(!this.asked.has(effect.run), "two checks of one process at once");
      this.asked.add(effect.run);
    }
  }

  check(): void {
    const { phase, port, health: verdict } = reportOf(this.state);
    const { life, rules: given } = this.state;
    if (life.kind === "restarting" && life.retryAt > this.now) {
      const restMs = life.retryAt - this.now;
      assert.ok(restMs <= given.restart.maxMs, "it rests too long");
    }
    if (phase === "stopped") assert.equal(this.outstanding.size, 0, "stopped, but something runs");
    if (phase !== "ready") return assert.equal(port, undefined, "a port, but not ready");
    const [[run, process] = assert.fail("ready without a process")] = this.outstanding;
    assert.ok(process !== "launching", "ready before it is there");
    if (verdict === "failing") return assert.ok(!this.hasRecord.has(run), "unwell, but registered");
    // A worker that announced itself once has shown that it is up.
    const isProven = this.now - process.since >= aliveMs || this.hasAnnounced.has(run);
    const lived = given.ready === "alive" && isProven;
    const isReachable = this.hasRecord.has(run) || this.announces.has(run);
    // Well again after it was not: its record is on its way.
    const isReturning = given.health !== undefined && this.wantsRecord.has(run);
    assert.ok(isReachable || lived || isReturning, "ready, but nobody can reach it");
  }

  /** Everything that can truly happen now, also what comes late or twice. */
  events(): (() => void)[] {
    const say = (event: InstanceEvent) => () => this.feed(event);
    const last = this.state.runs;
    const anyRun = [last, last - 1];
    return [
      say({ kind: "start" }),
      ...[...this.asked].flatMap((run) => [this.answer(run, true), this.answer(run, false)]),
      say({ kind: "retry", isAsked: true }),
      say({ kind: "retry", isAsked: false }),
      say({ kind: "restart" }),
      say({ kind: "fetched" }),
      say({ kind: "checked-out" }),
      say({ kind: "not-fetched", reason: "no" }),
      () => this.pass(700),
      () => this.pass(6_000),
      ...anyRun.map((run) => say({ kind: "opened", run })),
      ...anyRun.map((run) => say({ kind: "freed", run })),
      ...anyRun.map((run) => say({ kind: "drained", run })),
      ...anyRun.map((run) => say({ kind: "said", run, lastLines: [] })),
      ...anyRun.map((run) => say({ kind: "not-registered", run, reason: "no" })),
      ...[...this.outstanding].flatMap(([run, process]) =>
        process === "launching" ? this.launching(run) : this.living(run),
      ),
    ];
  }

  /** What usually happens next; without these, chance alone seldom gets anywhere. */
  usual(): (() => void)[] {
    const next: Partial<Record<string, InstanceEvent>> = {
      fetching: { kind: "fetched" },
      "checking-out": { kind: "checked-out" },
    };
    const event = next[this.state.life.kind];
    if (event) return [() => this.feed(event)];
    const [outstanding] = this.outstanding;
    if (!outstanding) return [() => this.pass(60_000)];
    const [run, process] = outstanding;
    if (process === "launching") return this.launching(run).slice(0, 1);
    const answers = this.asked.has(run) ? [this.answer(run, true)] : [];
    return [() => this.feed({ kind: "opened", run }), ...answers, ...this.living(run)];
  }

  launching(run: number): (() => void)[] {
    const start = () => {
      this.outstanding.set(run, { since: this.now });
      this.feed({ kind: "launched", run, pid: run, ports: { http: 1 } });
    };
    const fail = () => {
      this.outstanding.delete(run);
      this.feed({ kind: "not-launched", run, reason: "no" });
    };
    return [start, fail];
  }

  living(run: number): (() => void)[] {
    const announce = () => {
      this.announces.add(run);
      this.hasAnnounced.add(run);
      this.feed({ kind: "announced", run, records: [{ service: "s", port: 1 }] });
    };
    const withdraw = () => {
      this.announces.delete(run);
      this.feed({ kind: "announced", run, records: [] });
    };
    const register = () => {
      if (this.wantsRecord.delete(run)) this.hasRecord.add(run);
      if (this.hasRecord.has(run)) this.feed({ kind: "registered", run });
    };
    return [announce, withdraw, register, () => this.exit(run, 1), () => this.exit(run, 0)];
  }

  answer(run: number, ok: boolean): () => void {
    return () => {
      this.asked.delete(run);
      this.feed({ kind: "checked", run, ok, reason: "unwell" });
    };
  }

  exit(run: number, code: number): void {
    this.outstanding.delete(run);
    this.announces.delete(run);
    this.killed = false;
    this.feed({ kind: "exited", run, how: "exited", code, lastLines: [] });
  }

  pass(ms: number): void {
    this.now += ms;
    this.feed({ kind: "tick" });
  }

  /** Stops it, with a process that ends by SIGKILL only. */
  stop(): void {
    this.feed({ kind: "stop" });
    for (let turn = 0; this.state.life.kind !== "stopped"; turn++) {
      assert.ok(turn < 20, "it does not stop");
      const [[run, process] = assert.fail("stopping, but nothing is there")] = this.outstanding;
      if (process === "launching") this.launching(run)[0]?.();
      else if (this.killed) this.exit(run, 1);
      else this.pass((wakeAt(this.state) ?? this.now) - this.now);
    }
  }
}

test("never has two processes, is never ready when it is not, and can always be stopped", () => {
  const kinds = fc.record<Kind>({
    worker: fc.boolean(),
    checks: fc.constantFrom("none", "free", "restart"),
    policy: fc.constantFrom("always", "on-failure", "never"),
  });
  const choice = fc.record({ usual: fc.boolean(), pick: fc.nat() });
  const choices = fc.array(choice, { minLength: 1, maxLength: 60, size: "max" });
  fc.assert(
    fc.property(kinds, choices, (kind, picks) => {
      const reality = new Reality(kind);
      reality.feed({ kind: "start" });
      for (const { usual, pick } of picks) {
        const events = usual ? reality.usual() : reality.events();
        events[pick % events.length]?.();
      }
      reality.stop();
      // What is stopped stays stopped.
      for (const happen of reality.events()) happen();
      assert.equal(reality.state.life.kind, "stopped");
    }),
    { numRuns: 2_000 },
  );
});
