import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  credentialFromToken,
  mintToken,
  PropagitError,
  type ClusterEvent,
} from "@propagit/protocol";
import { hangUp, nodeCrypto, type Wire } from "../src/index.js";
import { clusterKey, meet, watch } from "./support/meeting.js";

const event: ClusterEvent = { number: 1, at: 1, kind: "pushed", text: "webapp was pushed" };
const nothing = { instances: [] };
const tooLarge = "x".repeat(5_000_000);

describe("a call", () => {
  it("is answered with what the handler returns", async () => {
    const { sim, client } = await meet({
      handlers: { "hub.promote": ({ repo }) => ({ repo, shares: [] }) },
    });
    const answer = client.call("hub.promote", { repo: "webapp", ref: "main" });
    await sim.clock.advance(100);
    assert.deepEqual(await answer, { repo: "webapp", shares: [] });
  });

  it("goes from the server to the client as well", async () => {
    const { sim, server } = await meet({ clientHandlers: { "hub.ps": () => nothing } });
    const answer = server.call("hub.ps", {});
    await sim.clock.advance(100);
    assert.deepEqual(await answer, nothing);
  });

  it("fails with the code, the message and the hint that the handler gave", async () => {
    const error = new PropagitError("NO_REPO", "the hub has no repository `webap`", { hint: "h" });
    const { sim, client, hub } = await meet({
      handlers: { "hub.ps": () => Promise.reject(error) },
    });
    const refused = assert.rejects(client.call("hub.ps", {}), error.toData());
    await sim.clock.advance(100);
    await refused;
    assert.deepEqual(hub.warnings, []);
  });

  it("fails as INTERNAL when the handler breaks, and the hub's log says where", async () => {
    const { sim, client, hub } = await meet({
      handlers: {
        "hub.ps": () => {
          throw new TypeError("x is undefined");
        },
      },
    });
    const call = watch(client.call("hub.ps", {}));
    await sim.clock.advance(100);
    assert.equal(call.outcome, "INTERNAL");
    assert.match(hub.warnings[0] ?? "", /hub\.ps failed: .*x is undefined[^]*conversation\.test/);
    assert.ok(client.isOpen);
  });

  it("gets its parts in order and before its answer", async () => {
    const { sim, client } = await meet({
      handlers: {
        "hub.events": (_, call) => {
          for (const number of [1, 2, 3]) call.part({ ...event, number });
          return { events: [] };
        },
      },
    });
    const seen: (number | string)[] = [];
    const onPart = ({ number }: ClusterEvent) => void seen.push(number);
    void client
      .call("hub.events", { last: 0, follow: true }, { onPart })
      .then(() => seen.push("answer"));
    await sim.clock.advance(100);
    assert.deepEqual(seen, [1, 2, 3, "answer"]);
  });

  const wrong: readonly (readonly [string, string, unknown])[] = [
    ["an unknown method", "hub.dance", {}],
    ["a method of the prototype", "constructor", {}],
    ["a method that is not offered here", "hub.drones", {}],
    ["a missing parameter", "hub.deploy", { repo: "webapp" }],
    ["a parameter too many", "hub.ps", { all: true }],
    ["a parameter of another type", "hub.deploy", { repo: 7, ref: "main" }],
    ["an empty reference", "hub.deploy", { repo: "webapp", ref: "" }],
  ];
  for (const [what, method, params] of wrong) {
    it(`is refused for ${what}, and the conversation goes on`, async () => {
      const handlers = { "hub.ps": () => nothing, "hub.deploy": () => assert.fail("was called") };
      const { sim, client } = await meet({ handlers });
      const call = watch(client.call(method as "hub.ps", params as object));
      await sim.clock.advance(100);
      assert.equal(call.outcome, "BAD_FRAME");
      const next = watch(client.call("hub.ps", {}));
      await sim.clock.advance(100);
      assert.equal(next.outcome, "ok");
    });
  }

  it("is refused for a parameter of a version to come, and says which side is the older one", async () => {
    const { sim, client } = await meet({ handlers: { "hub.ps": () => assert.fail("was called") } });
    const refused = assert.rejects(client.call("hub.ps", { dryRun: true } as object), {
      code: "BAD_FRAME",
      message: "hub.ps was called wrongly: dryRun is not known here",
      hint: /^this side is older than whoever called: update the hub first/,
    });
    await sim.clock.advance(100);
    await refused;
  });

  it("is answered without the fields of a version to come, parts and result alike", async () => {
    const { sim, client } = await meet({
      handlers: {
        "hub.events": (_, call) => {
          const newer = { ...event, mood: "good" };
          call.part(newer);
          const result = { events: [newer], more: 1 };
          return result;
        },
      },
    });
    const last = { last: 0, follow: false };
    const seen: ClusterEvent[] = [];
    const answer = client.call("hub.events", last, { onPart: (one) => void seen.push(one) });
    await sim.clock.advance(100);
    assert.deepEqual(await answer, { events: [event] });
    assert.deepEqual(seen, [event]);
  });

  it("needs the secret for the hub, where a token is good for the registry only", async () => {
    const scope = { repo: "webapp", commit: "a".repeat(40), drone: "web-1", process: "p1" };
    const credential = credentialFromToken(mintToken(nodeCrypto, clusterKey, scope));
    assert.ok(credential);
    const { sim, client } = await meet({
      credential,
      handlers: {
        "hub.ps": () => assert.fail("was called"),
        "registry.renew": () => ({ ttlMs: 1 }),
      },
    });
    const denied = watch(client.call("hub.ps", {}));
    const allowed = watch(client.call("registry.renew", { lease: "0".repeat(32) }));
    await sim.clock.advance(100);
    assert.deepEqual([denied.outcome, allowed.outcome], ["DENIED", "ok"]);
  });

  it("fails after 10 s without an answer, and tells the handler to stop", async () => {
    let stopped: AbortSignal | undefined;
    const { sim, client } = await meet({
      handlers: {
        "hub.ps": (_, { signal }) => {
          stopped = signal;
          return new Promise(() => undefined);
        },
      },
    });
    const call = watch(client.call("hub.ps", {}));
    await sim.clock.advance(9_999);
    assert.deepEqual([call.outcome, stopped?.aborted], [undefined, false]);
    await sim.clock.advance(100);
    assert.deepEqual([call.outcome, stopped?.aborted], ["TIMED_OUT", true]);
    assert.match(call.message ?? "", /no answer to hub\.ps in 10 s/);
  });

  it("lasts as long as it takes when it has no limit", async () => {
    const { sim, client } = await meet({
      handlers: { "hub.ps": () => new Promise(() => undefined) },
    });
    const call = watch(client.call("hub.ps", {}, { limitMs: 0 }));
    await sim.clock.advance(3_600_000);
    assert.equal(call.outcome, undefined);
    await hangUp(client);
    await sim.clock.advance(1);
    assert.equal(call.outcome, "LINK_LOST");
  });

  it("is given up by its signal, before or after it was sent", async () => {
    let asked = 0;
    const { sim, client } = await meet({
      handlers: {
        "hub.ps": (_, { signal }) => {
          asked++;
          return new Promise((resolve) => {
            signal.addEventListener("abort", () => resolve(nothing));
          });
        },
      },
    });
    const stop = new AbortController();
    const call = watch(client.call("hub.ps", {}, { signal: stop.signal }));
    await sim.clock.advance(100);
    stop.abort();
    await sim.clock.advance(100);
    const late = watch(client.call("hub.ps", {}, { signal: stop.signal }));
    await sim.clock.advance(100);
    assert.deepEqual([call.outcome, late.outcome, asked], ["TIMED_OUT", "TIMED_OUT", 1]);
    assert.ok(client.isOpen);
  });

  it("fails when the answer is not of the method's shape", async () => {
    const { sim, client } = await meet({ handlers: { "hub.ps": () => ({}) as never } });
    const call = watch(client.call("hub.ps", {}));
    await sim.clock.advance(100);
    assert.equal(call.outcome, "BAD_FRAME");
    assert.match(call.message ?? "", /the answer to hub\.ps is wrong: must have .*instances/);
  });

  it("ends the conversation when a part is not of the method's shape", async () => {
    const { sim, client } = await meet({
      handlers: {
        "hub.events": (_, call) => {
          call.part({} as never);
          return new Promise(() => undefined);
        },
      },
    });
    const call = watch(client.call("hub.events", { last: 0, follow: true }));
    await sim.clock.advance(100);
    assert.deepEqual([call.outcome, client.isOpen], ["BAD_FRAME", false]);
  });

  it("fails with TOO_LARGE when what is asked or answered does not fit into a frame", async () => {
    const { sim, client } = await meet({
      handlers: { "hub.ps": () => ({ instances: tooLarge }) as never },
    });
    const asked = watch(client.call("hub.deploy", { repo: tooLarge, ref: "main" }));
    const answered = watch(client.call("hub.ps", {}));
    await sim.clock.advance(100);
    assert.deepEqual([asked.outcome, answered.outcome], ["TOO_LARGE", "TOO_LARGE"]);
    assert.ok(client.isOpen);
  });

  it("is refused as OVERLOADED beyond a thousand at once", async () => {
    const { sim, client } = await meet({
      handlers: { "hub.ps": () => new Promise(() => undefined) },
    });
    const calls = Array.from({ length: 1_001 }, () => watch(client.call("hub.ps", {})));
    await sim.clock.advance(100);
    const outcomes = calls.map(({ outcome }) => outcome);
    assert.deepEqual(
      outcomes.filter((outcome) => outcome !== undefined),
      ["OVERLOADED"],
    );
  });
});

describe("a telling", () => {
  it("is heard, with who said it", async () => {
    const heard: unknown[] = [];
    const { sim, client, server } = await meet({
      tellingHandlers: {
        "hub.instance-gone": (params, conversation) => void heard.push(params, conversation),
      },
    });
    client.tell("hub.instance-gone", { process: "p1" });
    await sim.clock.advance(100);
    assert.deepEqual(heard, [{ process: "p1" }, server]);
  });

  it("is heard without the fields of a version to come", async () => {
    const heard: unknown[] = [];
    const { sim, client } = await meet({
      tellingHandlers: { "hub.instance-gone": (params) => void heard.push(params) },
    });
    client.tell("hub.instance-gone", { process: "p1", why: "x" } as { process: string });
    await sim.clock.advance(100);
    assert.deepEqual(heard, [{ process: "p1" }]);
    assert.ok(client.isOpen);
  });

  const wrong: readonly (readonly [string, string, unknown])[] = [
    ["unknown", "hub.dance", {}],
    ["not listened for", "drone.assign", { revision: 1, assignments: [], keep: [] }],
    ["of another shape", "hub.instance-gone", { process: 7 }],
  ];
  for (const [what, method, params] of wrong) {
    it(`ends the conversation when it is ${what}`, async () => {
      const { sim, client, server } = await meet({
        tellingHandlers: { "hub.instance-gone": () => assert.fail("was heard") },
      });
      client.tell(method as "hub.instance-gone", params as { process: string });
      await sim.clock.advance(100);
      assert.deepEqual(
        [(await server.over).code, (await client.over).code],
        ["BAD_FRAME", "BAD_FRAME"],
      );
    });
  }

  it("whose handler breaks ends the conversation, not the process, and is logged", async () => {
    const { sim, client, hub } = await meet({
      tellingHandlers: {
        "hub.instance-gone": () => {
          throw new TypeError("x is undefined");
        },
      },
    });
    client.tell("hub.instance-gone", { process: "p1" });
    await sim.clock.advance(100);
    assert.equal((await client.over).code, "INTERNAL");
    assert.match(hub.warnings[0] ?? "", /hub\.instance-gone could not be taken: .*x is undefined/);
  });

  it("is dropped when the conversation is over", async () => {
    const { client } = await meet();
    await hangUp(client);
    client.tell("hub.instance-gone", { process: "p1" });
  });
});

describe("the end of a conversation", () => {
  it("fails every open call on both sides with the reason, and stops the handlers", async () => {
    let stopped: AbortSignal | undefined;
    const { sim, client, server } = await meet({
      handlers: {
        "hub.ps": (_, { signal }) => {
          stopped = signal;
          return new Promise(() => undefined);
        },
      },
      clientHandlers: { "hub.ps": () => new Promise(() => undefined) },
    });
    const calls = [watch(client.call("hub.ps", {})), watch(server.call("hub.ps", {}))];
    await sim.clock.advance(100);
    server.end(new PropagitError("DRONE_TAKEN", "another one came"));
    await sim.clock.advance(100);
    assert.deepEqual(
      calls.map(({ outcome }) => outcome),
      ["DRONE_TAKEN", "DRONE_TAKEN"],
    );
    assert.equal(stopped?.aborted, true);
    assert.equal((await client.over).message, "another one came");
  });

  it("is noticed when the wire breaks", async () => {
    const { sim, client, server } = await meet();
    sim.network.dropHost("laptop");
    await sim.clock.advance(100);
    assert.match((await client.over).message, /connection reset/);
    assert.equal((await server.over).code, "LINK_LOST");
  });

  it("is noticed on both sides within 17 s when the line goes silent", async () => {
    const { sim, client, server } = await meet();
    sim.network.cut("hub", "laptop");
    await sim.clock.advance(14_000);
    assert.deepEqual([client.isOpen, server.isOpen], [true, true]);
    await sim.clock.advance(3_000);
    assert.deepEqual([client.isOpen, server.isOpen], [false, false]);
  });

  it("does not come while nobody has anything to say", async () => {
    const { sim, client, server } = await meet();
    await sim.clock.advance(3_600_000);
    assert.deepEqual([client.isOpen, server.isOpen], [true, true]);
  });

  it("comes to a peer that reads too slowly", async () => {
    const slow = (wire: Wire): Wire =>
      new Proxy(wire, {
        get: (target, name) => {
          if (name === "bufferedBytes") return 65 * 1024 * 1024;
          const value: unknown = Reflect.get(target, name);
          return typeof value === "function" ? (value.bind(target) as unknown) : value;
        },
      });
    const { sim, server } = await meet({ wrap: slow });
    server.tell("drone.assign", { revision: 1, assignments: [], keep: [] });
    await sim.clock.advance(100);
    assert.equal((await server.over).code, "OVERLOADED");
  });

  it("fails later calls with the same reason", async () => {
    const { client } = await meet();
    client.end(new PropagitError("LINK_LOST", "that was it"));
    await assert.rejects(client.call("hub.ps", {}), { code: "LINK_LOST", message: "that was it" });
  });
});

describe("foreign bytes on a hub's wire", () => {
  for (const text of [
    "",
    "garbage",
    "{}",
    '{"v":1,"kind":"hello"}',
    '{"kind":"hello","v":{"toString":1}}',
    "[".repeat(100_000),
  ]) {
    it(`end that conversation and nothing else: ${JSON.stringify(text.slice(0, 40))}`, async () => {
      const { sim, hub, client } = await meet({ handlers: { "hub.ps": () => nothing } });
      const connecting = sim.network
        .from("stranger")
        .connect({ host: "hub", port: 6001 }, "/session", 1_000);
      await sim.clock.advance(100);
      (await connecting).send(text);
      await sim.clock.advance(100);
      assert.match((await hub.conversations[1]?.over)?.code ?? "", /BAD_FRAME|BAD_VERSION/);
      const call = watch(client.call("hub.ps", {}));
      await sim.clock.advance(100);
      assert.equal(call.outcome, "ok");
    });
  }
});
