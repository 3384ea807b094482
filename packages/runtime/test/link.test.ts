import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { simulate, type Conversation, type Link, type LinkState } from "../src/index.js";
import { startHub, startLink, watch } from "./support/meeting.js";

const handlers = { "hub.ps": () => ({ instances: [] }), "hub.leave": () => ({}) };

/** Says `hub.leave` as its introduction, as that is the shortest call there is. */
function introducing(order: string[], name = "introduced") {
  return async (conversation: Conversation) => {
    await conversation.call("hub.leave", {});
    order.push(name);
  };
}

describe("a link", () => {
  it("comes up once it has introduced itself", async () => {
    const sim = simulate(1);
    const order: string[] = [];
    startHub(sim, { handlers });
    const states: LinkState["kind"][] = [];
    const link = startLink(sim, {
      introduce: introducing(order),
      changed: ({ kind }) => states.push(kind),
    });
    const up = link.up(5_000).then(() => order.push("up"));
    await sim.clock.advance(1_000);
    await up;
    assert.deepEqual(
      [order, states],
      [
        ["introduced", "up"],
        ["connecting", "up"],
      ],
    );
  });

  it("waits for a hub that starts later", async () => {
    const sim = simulate(1);
    const link = startLink(sim);
    await sim.clock.advance(60_000);
    assert.equal(link.state.kind === "waiting" && link.state.reason.code, "UNREACHABLE");
    startHub(sim, { handlers });
    await sim.clock.until("the link is up", () => link.state.kind === "up", 11_000);
  });

  it("asks a hub that is away fast at first, then at least every 10 s, never in a loop", async () => {
    const sim = simulate(1);
    const delays: number[] = [];
    startLink(sim, {
      changed: (state) => {
        if (state.kind === "waiting") delays.push(state.retryMs);
      },
    });
    await sim.clock.advance(120_000);
    assert.ok((delays[0] ?? Infinity) <= 250);
    assert.ok(delays.every((delayMs) => delayMs >= 125 && delayMs <= 10_000));
    assert.ok(delays.length >= 15 && delays.length <= 40, `${delays.length} attempts in 2 min`);
  });

  it("comes back after a restart of the hub and introduces itself before anything else", async () => {
    const sim = simulate(1);
    const order: string[] = [];
    const first = startHub(sim, { handlers });
    const link = startLink(sim, { introduce: introducing(order) });
    await sim.clock.advance(1_000);
    first.kill();
    await sim.clock.advance(1_000);
    const call = link.call("hub.ps", {}, { limitMs: 60_000 }).then(() => order.push("called"));
    startHub(sim, { handlers });
    await sim.clock.until("the call is answered", () => order.includes("called"));
    await call;
    assert.deepEqual(order, ["introduced", "introduced", "called"]);
  });

  it("comes back ever slower to a hub that ends every connection at once", async () => {
    const sim = simulate(1);
    const hub = startHub(sim, { handlers });
    startLink(sim, {
      changed: (state) => {
        const error = new PropagitError("DRONE_TAKEN", "another one came");
        if (state.kind === "up") for (const one of hub.conversations) one.end(error);
      },
    });
    await sim.clock.advance(120_000);
    const meetings = hub.conversations.length;
    assert.ok(meetings >= 10 && meetings <= 40, `${meetings} meetings in 2 min`);
  });

  it("says of a second wait that it was up before", async () => {
    const sim = simulate(1);
    const again: boolean[] = [];
    startLink(sim, {
      changed: (state) => {
        if (state.kind === "waiting") again.push(state.again);
      },
    });
    await sim.clock.advance(1_000);
    const hub = startHub(sim, { handlers });
    await sim.clock.advance(10_000);
    hub.kill();
    await sim.clock.advance(100);
    assert.deepEqual([again[0], again.at(-1)], [false, true]);
  });

  it("tries again when its introduction is refused", async () => {
    const sim = simulate(1);
    let refusals = 0;
    startHub(sim, {
      handlers: {
        "hub.leave": () => {
          if (refusals++ < 3) throw new PropagitError("DRONE_TAKEN", "not yet");
          return {};
        },
      },
    });
    const link = startLink(sim, { introduce: introducing([]) });
    await sim.clock.until("the link is up", () => link.state.kind === "up", 30_000);
    assert.equal(refusals, 4);
  });

  it("keeps trying with a wrong secret, and says so to whoever waits for it", async () => {
    const sim = simulate(1);
    startHub(sim, { handlers });
    const link = startLink(sim, { credential: { id: "cluster", key: "wrong" } });
    const up = watch(link.up(9_000));
    await sim.clock.advance(9_000);
    assert.equal(up.outcome, "DENIED");
    assert.notEqual(link.state.kind, "stopped");
  });

  it("does not follow a hub that cannot prove that it knows the secret", async () => {
    const sim = simulate(1);
    const introduced: string[] = [];
    startHub(sim, { handlers, clusterKey: undefined });
    const link = startLink(sim, { introduce: introducing(introduced) });
    const up = watch(link.up(5_000));
    await sim.clock.advance(5_000);
    assert.deepEqual([up.outcome, introduced], ["UNPROVEN", []]);
  });

  it("notices a silent partition and is up again soon after it healed", async () => {
    const sim = simulate(1);
    const order: string[] = [];
    startHub(sim, { handlers });
    const link = startLink(sim, { introduce: introducing(order) });
    await sim.clock.advance(1_000);
    sim.network.cut("hub", "laptop");
    await sim.clock.until("it noticed", () => link.state.kind !== "up", 17_000);
    await sim.clock.advance(60_000);
    sim.network.heal("hub", "laptop");
    await sim.clock.until("the link is up", () => link.state.kind === "up", 20_000);
    assert.equal(order.length, 2);
  });

  it("does not care when somebody sets the machine's clock", async () => {
    const sim = simulate(1);
    startHub(sim, { handlers });
    const states: string[] = [];
    startLink(sim, { changed: ({ kind }) => states.push(kind) });
    await sim.clock.advance(1_000);
    sim.clock.jump(86_400_000);
    await sim.clock.advance(60_000);
    sim.clock.jump(-2 * 86_400_000);
    await sim.clock.advance(60_000);
    assert.deepEqual(states, ["connecting", "up"]);
  });

  it("drops what is told while it is down", async () => {
    const sim = simulate(1);
    const heard: string[] = [];
    const link = startLink(sim);
    link.tell("hub.instance-gone", { process: "lost" });
    startHub(sim, {
      tellingHandlers: { "hub.instance-gone": ({ process }) => void heard.push(process) },
    });
    await sim.clock.until("the link is up", () => link.state.kind === "up");
    link.tell("hub.instance-gone", { process: "heard" });
    await sim.clock.advance(100);
    assert.deepEqual(heard, ["heard"]);
  });
});

describe("a stopped link", () => {
  /** Stops in each of its states, and looks at it an hour later. */
  const states: Readonly<Record<string, (link: Link, hubStart: () => void) => void>> = {
    "that connects": () => undefined,
    "that waits": () => undefined,
    "that is up": (_, hubStart) => hubStart(),
  };
  for (const [what, prepare] of Object.entries(states)) {
    it(`${what} stays stopped and fails whoever waits`, async () => {
      const sim = simulate(1);
      const changes: string[] = [];
      const link = startLink(sim, { changed: ({ kind }) => changes.push(kind) });
      const waiting = watch(link.up(600_000));
      prepare(link, () =>
        startHub(sim, { handlers: { "hub.ps": () => new Promise(() => undefined) } }),
      );
      if (what !== "that connects") await sim.clock.advance(2_000);
      const call = watch(link.call("hub.ps", {}, { limitMs: 600_000 }));
      await sim.clock.advance(10);
      link.stop(new PropagitError("LINK_LOST", "enough"));
      link.stop();
      const { conversations } = startHub(sim, { handlers });
      await sim.clock.advance(3_600_000);
      assert.equal(link.state.kind, "stopped");
      assert.equal(changes.filter((kind) => kind === "stopped").length, 1);
      assert.deepEqual([call.outcome, call.message], ["LINK_LOST", "enough"]);
      assert.equal(waiting.outcome, what === "that is up" ? "ok" : "LINK_LOST");
      await assert.rejects(link.up(1), { message: "enough" });
      assert.deepEqual(
        conversations.filter(({ isOpen }) => isOpen),
        [],
      );
    });
  }
});
