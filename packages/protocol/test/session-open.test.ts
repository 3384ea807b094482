/** A session after its handshake: sealed frames, signs of life, and its end; for `session.ts`. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { handshakeMsMax, type SessionEvent } from "../src/index.js";
import {
  clientSide,
  heartbeatMs,
  newPair,
  openPair,
  serverSide,
  tell,
} from "./support/sessions.js";

const wrong = { id: "cluster", key: "0bad".repeat(16) };
const someError = { code: "INTERNAL", message: "it ended", hint: "look" } as const;

describe("sealed frames", () => {
  it("arrive once and in order, both ways", () => {
    const pair = openPair();
    for (const number of [1, 2, 3]) pair.server.hear(pair.client.say(tell(number)));
    pair.client.hear(pair.server.say(tell(9)));
    assert.deepEqual(pair.server.delivered, [tell(1), tell(2), tell(3)]);
    assert.deepEqual(pair.client.delivered, [tell(9)]);
  });

  it("are taken once when they come twice", () => {
    const { client, server } = openPair();
    const first = client.say(tell(1));
    server
      .hear(first)
      .hear(first)
      .hear(client.say(tell(2)))
      .hear(first);
    assert.deepEqual(server.delivered, [tell(1), tell(2)]);
    assert.equal(server.phase, "open");
  });

  it("are no sign of life when they are repeated", () => {
    const { client, server } = openPair();
    const recorded = client.say(tell(1));
    server.hear(recorded);
    for (let now = 1_000; now <= 16_000; now += 1_000) {
      server.now = now;
      server.hear(recorded).feed({ kind: "tick" });
    }
    assert.equal(server.closes[0]?.code, "LINK_LOST");
  });

  it("end the session when one before them was lost", () => {
    const { client, server } = openPair();
    client.say(tell(1));
    server.hear(client.say(tell(2)));
    assert.equal(server.closes[0]?.code, "BAD_FRAME");
    assert.match(server.closes[0]?.message ?? "", /number 2, but number 1 never came/);
    assert.deepEqual(server.delivered, []);
  });

  it("end the session when they are changed on the way", () => {
    const { client, server } = openPair();
    server.hear(client.say(tell(1)).replace('"number":1', '"number":2'));
    assert.match(server.closes[0]?.message ?? "", /wrong seal/);
    assert.deepEqual(server.delivered, []);
  });

  it("end the session when a side gets its own back", () => {
    const { client } = openPair();
    client.hear(client.say(tell(1)));
    assert.match(client.closes[0]?.message ?? "", /wrong seal/);
  });

  it("end the session when they come from another one", () => {
    const one = openPair();
    const other = openPair({
      client: clientSide({ credential: wrong }),
      server: serverSide({ clusterKey: wrong.key }),
    });
    one.server.hear(other.client.say(tell(1)));
    assert.match(one.server.closes[0]?.message ?? "", /wrong seal/);
  });

  it("end the session when their body is of no known kind", () => {
    const { client, server } = openPair();
    server.hear(client.say({ kind: "dance" } as never));
    assert.match(server.closes[0]?.message ?? "", /unknown kind/);
  });

  it("are refused before they are sent when they are too large, and the session goes on", () => {
    const { client, server } = openPair();
    const large = { kind: "tell", method: "x", params: "ü".repeat(2_200_000) } as const;
    assert.throws(() => client.say(large), { code: "TOO_LARGE" });
    server.hear(client.say(tell(1)));
    assert.deepEqual(server.delivered, [tell(1)]);
  });
});

describe("signs of life", () => {
  it("are sent when nothing else was for a heartbeat, and not before", () => {
    const { client, server } = openPair();
    assert.deepEqual(client.tickAt(heartbeatMs - 1).sent, []);
    server.hear(client.tickAt(heartbeatMs).take());
    assert.deepEqual([server.phase, server.delivered], ["open", []]);
  });

  it("are not needed while other things are said", () => {
    const { client } = openPair();
    client.now = 4_000;
    client.say(tell(1));
    assert.deepEqual(client.tickAt(8_999).sent, []);
    assert.equal(client.tickAt(9_000).sent.length, 1);
  });

  it("end the session with a last word when none came for three heartbeats", () => {
    const { client, server } = openPair();
    server.tickAt(3 * heartbeatMs);
    assert.equal(server.phase, "open");
    server.sent = [];
    server.tickAt(3 * heartbeatMs + 1);
    assert.equal(server.closes[0]?.code, "LINK_LOST");
    assert.match(server.closes[0]?.message ?? "", /nothing was heard .* for 15 s/);
    // The ping before it was lost, so the last word is a frame out of order; any end is one.
    client.hear(server.take());
    assert.equal(client.phase, "closed");
  });

  it("reset the wait of the other side", () => {
    const { client, server } = openPair();
    for (const now of [5_000, 10_000, 15_000, 20_000]) {
      server.now = now;
      server.hear(client.tickAt(now).take());
      client.hear(server.tickAt(now).take());
    }
    assert.deepEqual([client.phase, server.phase], ["open", "open"]);
  });
});

describe("the limit of the handshake", () => {
  it("ends a server whose client says nothing, and tells it", () => {
    const { server } = newPair();
    assert.equal(server.tickAt(handshakeMsMax - 1).phase, "challenging");
    assert.equal(server.tickAt(handshakeMsMax).closes[0]?.code, "TIMED_OUT");
    assert.match(server.take(), /"refused".*TIMED_OUT/);
  });

  it("ends a client whose server says nothing, before and after the challenge", () => {
    const silent = newPair().client.tickAt(handshakeMsMax);
    assert.equal(silent.closes[0]?.code, "TIMED_OUT");
    const { client, server } = newPair();
    client.now = 4_000;
    client.hear(server.take());
    assert.equal(client.tickAt(4_000 + handshakeMsMax).closes[0]?.code, "TIMED_OUT");
  });
});

describe("the end", () => {
  it("is said to the other side, with the reason", () => {
    const { client, server } = openPair();
    server.feed({ kind: "end", error: someError });
    client.hear(server.take());
    assert.deepEqual([client.closes, server.closes], [[someError], [someError]]);
  });

  it("comes when the connection is lost, in any phase", () => {
    const pairs = [newPair(), openPair()];
    for (const { client, server } of pairs) {
      for (const end of [client, server]) {
        end.feed({ kind: "lost", reason: "connection reset" });
        assert.equal(end.closes[0]?.code, "LINK_LOST");
        assert.match(end.closes[0]?.message ?? "", /connection reset/);
      }
    }
  });

  it("is told to a client that is not let in yet, and kept quiet by a client", () => {
    const { client, server } = newPair();
    server.sent = [];
    server.feed({ kind: "end", error: someError });
    assert.match(server.take(), /"refused"/);
    client.feed({ kind: "end", error: someError });
    assert.deepEqual(client.transcript, []);
  });

  it("comes once: the first reason stays, and nothing happens afterwards", () => {
    const { client, server } = openPair();
    const late = client.say(tell(1));
    server.feed({ kind: "end", error: someError });
    const before = server.transcript.length;
    const events: SessionEvent[] = [
      { kind: "message", text: late },
      { kind: "message", text: "garbage" },
      { kind: "send", body: tell(2) },
      { kind: "tick" },
      { kind: "lost", reason: "reset" },
      { kind: "end", error: { ...someError, message: "another" } },
    ];
    for (const event of events) server.feed(event);
    assert.deepEqual(server.closes, [someError]);
    assert.deepEqual([server.delivered, server.transcript.length], [[], before]);
  });
});
