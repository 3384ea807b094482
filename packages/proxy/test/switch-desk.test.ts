import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BookUpdate, Params, Result, SeenDeployment } from "@propagit/protocol";
import { simulate, type IncomingCall, type Simulation } from "@propagit/runtime";
import { SwitchDesk, type Servers } from "../src/switch-desk.js";
import { TableKeeper } from "../src/table-keeper.js";
import { commitA, commitB, endpointOf, routeOf } from "./support/samples.js";

const position = { epoch: "1", revision: 1 };
const seen = (commit: string, ...services: string[]): SeenDeployment => {
  return { id: "d".repeat(16), repo: "webapp", environment: "production", commit, services };
};

/** Servers that do as the test says. */
class ServersDouble implements Servers {
  waiting = 0;
  readonly said: string[] = [];
  isApplied: Promise<void> = Promise.resolve();

  async applied(): Promise<void> {
    await this.isApplied;
    this.said.push("applied");
  }

  inFlight(addresses: ReadonlySet<string>): Promise<number> {
    this.said.push(`in flight at ${[...addresses].join()}`);
    return Promise.resolve(this.waiting);
  }

  endTunnels(addresses: ReadonlySet<string>, graceMs: number): void {
    this.said.push(`tunnels to ${[...addresses].join()} end after ${graceMs}`);
  }
}

class Scene {
  readonly sim: Simulation = simulate(1);
  readonly servers = new ServersDouble();
  readonly keeper = new TableKeeper(this.sim.worldOf("proxy"), "/data", {});
  readonly stop = new AbortController();
  readonly #desk = new SwitchDesk(this.sim.clock, this.keeper, this.servers);

  constructor() {
    this.keeper.takeBook(this.bookAt(1));
    this.up(1, commitA);
  }

  bookAt(revision: number): BookUpdate {
    const known = { revision, routes: [routeOf([commitA, 1])], deployments: [] };
    if (revision === 1) return { kind: "snapshot", book: "b", ...known };
    return { kind: "change", ...known, droppedRoutes: [], droppedDeployments: [] };
  }

  up(port: number, commit: string): void {
    this.keeper.takeUpdate({ kind: "up", at: position, endpoint: endpointOf(port, { commit }) });
  }

  sees(params: Partial<Params<"proxy.sees">>) {
    const whole = { revision: 1, deployments: [], waitMs: 5_000, ...params };
    return this.#call<"proxy.sees">("proxy.sees", whole);
  }

  drained(params: Partial<Params<"proxy.drained">> = {}) {
    const whole = { addresses: ["127.0.0.1:1"], graceMs: 1_000, waitMs: 5_000, ...params };
    return this.#call<"proxy.drained">("proxy.drained", whole);
  }

  /** The answer, and the virtual time that it took. */
  #call<M extends "proxy.sees" | "proxy.drained">(method: M, params: Params<M>) {
    const handler = this.#desk.handlers[method] as (
      params: Params<M>,
      call: Pick<IncomingCall<M>, "signal">,
    ) => Promise<Result<M>>;
    const start = this.sim.clock.monotonic();
    const work = handler(params, { signal: this.stop.signal });
    let isOver = false;
    void work.then(() => (isOver = true));
    return {
      get isOver() {
        return isOver;
      },
      answer: async () => {
        await this.sim.clock.until("the answer", () => isOver);
        return { ...(await work), tookMs: this.sim.clock.monotonic() - start };
      },
    };
  }
}

describe("whether a proxy sees where visitors are to go", () => {
  it("is answered at once when it goes by the book and knows endpoints of all services", async () => {
    const { answer } = new Scene().sees({ deployments: [seen(commitA, "http")] });
    assert.deepEqual(await answer(), { revision: 1, missing: [], tookMs: 0 });
  });

  it("waits for the book", async () => {
    const scene = new Scene();
    const asked = scene.sees({ revision: 2 });
    await scene.sim.clock.advance(1_000);
    assert.equal(asked.isOver, false);
    scene.keeper.takeBook(scene.bookAt(3));
    assert.deepEqual(await asked.answer(), { revision: 3, missing: [], tookMs: 1_000 });
  });

  it("waits for an endpoint of each service, and for all that serve", async () => {
    const scene = new Scene();
    let apply: () => void = () => undefined;
    scene.servers.isApplied = new Promise((resolve) => (apply = resolve));
    const asked = scene.sees({ deployments: [seen(commitB, "http")] });
    await scene.sim.clock.advance(1_000);
    scene.up(2, commitB);
    await scene.sim.clock.advance(1_000);
    assert.equal(asked.isOver, false, "a worker does not go by it yet");
    apply();
    assert.deepEqual((await asked.answer()).missing, []);
  });

  it("says what is missing when the time is over, or nobody waits any more", async () => {
    const missing = [{ deployment: "d".repeat(16), service: "api" }];
    const deployments = [seen(commitA, "http", "api")];
    const late = await new Scene().sees({ deployments }).answer();
    assert.deepEqual(late, { revision: 1, missing, tookMs: 5_000 });
    const scene = new Scene();
    const asked = scene.sees({ deployments });
    scene.stop.abort();
    assert.equal((await asked.answer()).tookMs, 0);
  });

  it("does not see what is about to go", async () => {
    const scene = new Scene();
    await scene.drained().answer();
    const { missing } = await scene.sees({ deployments: [seen(commitA, "http")] }).answer();
    assert.equal(missing.length, 1);
  });
});

describe("what is about to end", () => {
  it("gets nobody new, then all that serve go by that, then it is looked at what is under way", async () => {
    const scene = new Scene();
    const { answer } = scene.drained();
    assert.equal(scene.keeper.table.hasEndpoint(seen(commitA), "http"), false);
    assert.deepEqual(await answer(), { inFlight: 0, tookMs: 0 });
    assert.deepEqual(scene.servers.said, [
      "applied",
      "tunnels to 127.0.0.1:1 end after 1000",
      "in flight at 127.0.0.1:1",
    ]);
  });

  it("is waited for until nothing is under way, and no longer than it may be", async () => {
    const scene = new Scene();
    scene.servers.waiting = 2;
    const asked = scene.drained();
    await scene.sim.clock.advance(3_000);
    assert.equal(asked.isOver, false);
    scene.servers.waiting = 0;
    assert.equal((await asked.answer()).inFlight, 0);
    scene.servers.waiting = 1;
    const late = await scene.drained().answer();
    assert.equal(late.inFlight, 1);
    assert.ok(late.tookMs >= 5_000 && late.tookMs < 5_100);
  });

  it("may be sent to again when it is registered anew", async () => {
    const scene = new Scene();
    await scene.drained().answer();
    scene.keeper.takeUpdate({
      kind: "down",
      at: position,
      endpoint: endpointOf(1, { commit: commitA }),
      reason: "freed",
    });
    scene.up(1, commitB);
    assert.equal(scene.keeper.table.hasEndpoint(seen(commitB), "http"), true);
  });
});

describe("a keeper of the table", () => {
  it("tells a thread that begins what is known, so that it decides the same", () => {
    const { keeper } = new Scene();
    const other = new TableKeeper(simulate(1).worldOf("other"), "/data", {});
    for (const feed of keeper.feeds()) {
      if (feed.kind === "book") other.takeBook(feed.update);
      if (feed.kind === "endpoints") for (const update of feed.updates) other.takeUpdate(update);
    }
    assert.deepEqual(other.table.snapshot(), keeper.table.snapshot());
  });

  it("passes on each step after it was taken, and what is left when a registry has settled", () => {
    const { keeper } = new Scene();
    const told: string[] = [];
    const listening = keeper.onFeed((feed) => {
      const updates = feed.kind === "endpoints" ? feed.updates.map(({ kind }) => kind) : [];
      told.push([feed.kind, ...updates].join(" "));
    });
    keeper.leave(new Set(["127.0.0.1:9"]));
    keeper.takeUpdate({ kind: "settled", at: position });
    listening.stop();
    keeper.takeUpdate({ kind: "settled", at: position });
    assert.deepEqual(told, ["leave", "endpoints snapshot"]);
  });
});
