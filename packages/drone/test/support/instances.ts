/** The instance that tests of the machine change one thing of. */
import type { Health } from "@propagit/protocol";
import { newInstance, stepInstance, wakeAt } from "../../src/core/instance.js";
import { reportOf } from "../../src/core/instance-report.js";
import type {
  InstanceEffect,
  InstanceEvent,
  InstanceIdentity,
  InstanceRules,
  InstanceState,
} from "../../src/core/instance-state.js";

export const rules: InstanceRules = {
  ports: [{ name: "http" }],
  ready: "listen",
  registers: true,
  readyTimeoutMs: 30_000,
  health: undefined,
  stop: { signal: "SIGTERM", deadlineMs: 10_000 },
  restart: { policy: "always", firstMs: 1_000, maxMs: 60_000, crashesMax: 10 },
  drainMs: 300,
};

export const identity: InstanceIdentity = {
  process: "0123456789abcdef",
  deployment: "d".repeat(16),
  repo: "webapp",
  environment: "production",
  commit: "7433".repeat(10),
  artifact: "7433".repeat(10),
  release: 3,
  service: "web",
  slot: 1,
};

/** Asks every 10 s, two answers in a row decide. */
export const health: Health = {
  check: { kind: "http", path: "/up", statuses: [{ low: 200, high: 399 }] },
  intervalMs: 10_000,
  timeoutMs: 2_000,
  graceMs: 0,
  healthyAfter: 2,
  unhealthyAfter: 2,
  restart: false,
};

/** The wall clock, ahead of the monotonic one. */
export const epoch = 1_700_000_000_000;

/** An instance that is fed one event after the other; keeps what came out of the last one. */
export class Subject {
  state: InstanceState;
  effects: readonly InstanceEffect[] = [];
  done: string | undefined;
  now = 0;

  constructor(change: Partial<InstanceRules> = {}) {
    this.state = newInstance(identity, { ...rules, ...change }, epoch);
  }

  feed(...events: InstanceEvent[]): this {
    for (const event of events) {
      const moment = { now: this.now, date: epoch + this.now, fraction: 0.999 };
      const step = stepInstance(this.state, event, moment);
      this.state = step.state;
      this.effects = step.effects;
      this.done = step.done;
    }
    return this;
  }

  /** Lets time pass and says so. */
  pass(ms: number): this {
    this.now += ms;
    return this.feed({ kind: "tick" });
  }

  get phase(): string {
    return this.state.life.kind;
  }

  get kinds(): string[] {
    return this.effects.map(({ kind }) => kind);
  }

  get reason(): string | undefined {
    return reportOf(this.state).reason;
  }

  /** Ms until the next tick is due. */
  get dueMs(): number | undefined {
    const at = wakeAt(this.state);
    return at === undefined ? undefined : at - this.now;
  }
}

export const launched = (run = 1): InstanceEvent => ({
  kind: "launched",
  run,
  pid: 100 + run,
  ports: { http: 5_000 },
});
export const opened = (run = 1): InstanceEvent => ({ kind: "opened", run });
export const registered = (run = 1): InstanceEvent => ({ kind: "registered", run });
export const exited = (run = 1, code = 1): InstanceEvent => ({
  kind: "exited",
  run,
  how: `exited with code ${code}`,
  code,
  lastLines: ["oh"],
});
export const announced = (run: number, ...services: string[]): InstanceEvent => ({
  kind: "announced",
  run,
  records: services.map((service) => ({ service, port: 6_000 })),
});

export const starting = (change: Partial<InstanceRules> = {}) =>
  new Subject(change).feed({ kind: "start" }, { kind: "fetched" }, { kind: "checked-out" });
export const waiting = (change: Partial<InstanceRules> = {}) => starting(change).feed(launched());
export const ready = (change: Partial<InstanceRules> = {}) =>
  waiting(change).feed(opened(), registered());
