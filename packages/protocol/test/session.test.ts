import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  handshakeMsMax,
  mintToken,
  credentialFromToken,
  openCredential,
  protocolVersion,
  type SessionEvent,
} from "../src/index.js";
import {
  clientSide,
  clusterKey,
  crypto,
  exchange,
  heartbeatMs,
  newPair,
  openPair,
  serverSide,
  tell,
} from "./support/sessions.js";

const commit = "74336bc1db98478e02e69f59e7100895be207389";
const scope = { repo: "webapp", commit, drone: "web-1", process: "a1b2" };
const wrong = { id: "cluster", key: "0bad".repeat(16) };
const someError = { code: "INTERNAL", message: "it ended", hint: "look" } as const;

describe("the handshake", () => {
  it("goes connecting, proving, open on the client and challenging, open on the server", () => {
    const pair = newPair();
    assert.deepEqual([pair.client.phase, pair.server.phase], ["connecting", "challenging"]);
    pair.client.hear(pair.server.take());
    assert.equal(pair.client.phase, "proving");
    pair.server.hear(pair.client.take());
    assert.equal(pair.server.phase, "open");
    pair.client.hear(pair.server.take());
    assert.equal(pair.client.phase, "open");
  });

  it("tells each side who the other one is, with the same session key on both", () => {
    const { client, server } = openPair();
    assert.ok(client.peer && server.peer);
    const { sessionKey } = client.peer;
    assert.deepEqual(client.peer, { role: "server", access: "cluster", sessionKey });
    assert.deepEqual(server.peer, { role: "drone", access: "cluster", sessionKey });
    assert.match(sessionKey, /^[0-9a-f]{64}$/);
  });

  it("never sends the key, nor anything derived that is not a proof", () => {
    const { client, server } = openPair();
    client.say(tell(1));
    const said = [...client.transcript, ...server.transcript].join("\n");
    assert.ok(!said.includes(clusterKey));
    assert.ok(!said.includes(client.peer?.sessionKey ?? "?"));
  });

  it("uses the server's heartbeat on both sides", () => {
    const { client } = openPair({ server: serverSide({ heartbeatMs: 1_234 }) });
    assert.deepEqual(client.state.phase.kind === "open" && client.state.phase.heartbeatMs, 1_234);
  });
});

describe("who may come in", () => {
  it("refuses a client with a wrong secret and tells it why", () => {
    const pair = newPair({ client: clientSide({ credential: wrong }) });
    exchange(pair);
    assert.deepEqual(codes(pair), ["DENIED", "DENIED"]);
    assert.match(pair.client.closes[0]?.message ?? "", /secret is wrong/);
    assert.equal(pair.server.peer, undefined);
  });

  it("refuses a credential that it does not know", () => {
    const pair = newPair({ client: clientSide({ credential: { id: "admin", key: clusterKey } }) });
    exchange(pair);
    assert.deepEqual(codes(pair), ["DENIED", "DENIED"]);
  });

  it("refuses a proof made for another role", () => {
    const { client, server } = newPair();
    const hello = JSON.parse(client.hear(server.take()).take()) as object;
    server.hear(JSON.stringify({ ...hello, role: "cli" }));
    assert.equal(server.closes[0]?.code, "DENIED");
  });

  it("refuses a hello that was recorded in another session", () => {
    const old = newPair();
    const recorded = old.client.hear(old.server.take()).take();
    const fresh = newPair({ server: serverSide() });
    const other = { ...fresh.server.state, nonce: "e".repeat(32) };
    fresh.server.state = other;
    fresh.server.hear(recorded);
    assert.equal(fresh.server.closes[0]?.code, "DENIED");
  });

  it("leaves a server that cannot prove that it knows the secret, without having said anything", () => {
    const { client, server } = newPair();
    client.hear(server.take());
    const saidBefore = client.transcript.length;
    client.hear(frame({ kind: "welcome", proof: "0".repeat(64), heartbeatMs }));
    assert.equal(client.closes[0]?.code, "UNPROVEN");
    assert.equal(client.transcript.length, saidBefore);
    assert.equal(client.peer, undefined);
  });

  it("leaves a server that sends the client's own proof back", () => {
    const { client, server } = newPair();
    const hello = JSON.parse(client.hear(server.take()).take()) as { proof: string };
    client.hear(frame({ kind: "welcome", proof: hello.proof, heartbeatMs }));
    assert.equal(client.closes[0]?.code, "UNPROVEN");
  });

  it("leaves a server without a secret when one was expected, before saying who it is", () => {
    const pair = newPair({ server: serverSide({ clusterKey: undefined }) });
    exchange(pair);
    assert.equal(pair.client.closes[0]?.code, "UNPROVEN");
    assert.deepEqual(pair.client.transcript, []);
  });

  it("takes a server without a secret when that is said to be fine", () => {
    const pair = openPair({
      server: serverSide({ clusterKey: undefined }),
      client: clientSide({ acceptsOpen: true }),
    });
    assert.deepEqual([pair.client.peer?.access, pair.server.peer?.access], ["open", "open"]);
  });

  it("tells a client without a secret that one is wanted", () => {
    const pair = newPair({ client: clientSide({ credential: openCredential }) });
    exchange(pair);
    assert.equal(pair.client.closes[0]?.code, "DENIED");
  });

  it("knows the holder of a token by the token's scope", () => {
    const credential = credentialFromToken(mintToken(crypto, clusterKey, scope));
    assert.ok(credential);
    const { server } = openPair({ client: clientSide({ role: "client", credential }) });
    assert.deepEqual(server.peer?.access, scope);
  });

  it("refuses a token whose scope was widened", () => {
    const token = mintToken(crypto, clusterKey, scope);
    const widened = mintToken(crypto, "guess", { ...scope, repo: "other" });
    const forged = `${widened.split(".")[0]}.${token.split(".")[1]}`;
    const credential = credentialFromToken(forged);
    assert.ok(credential);
    const pair = newPair({ client: clientSide({ credential }) });
    exchange(pair);
    assert.deepEqual(codes(pair), ["DENIED", "DENIED"]);
  });
});

describe("frames that do not belong", () => {
  const hello = {
    kind: "hello",
    role: "drone",
    credential: "cluster",
    nonce: "c".repeat(32),
    proof: "0".repeat(64),
  };
  const challenge = { kind: "challenge", nonce: "d".repeat(32), open: false };
  const welcome = { kind: "welcome", proof: "0".repeat(64), heartbeatMs };
  const refused = { kind: "refused", error: someError };

  for (const plain of [challenge, welcome, refused]) {
    it(`ends a challenging server on a ${plain.kind} frame`, () => {
      const { server } = newPair();
      server.hear(frame(plain));
      assert.equal(server.closes[0]?.code, "BAD_FRAME");
      assert.match(server.transcript.at(-1) ?? "", /"refused".*BAD_FRAME/);
    });
  }

  for (const plain of [hello, welcome]) {
    it(`ends a connecting client on a ${plain.kind} frame`, () => {
      const { client } = newPair();
      client.hear(frame(plain));
      assert.equal(client.closes[0]?.code, "BAD_FRAME");
    });
  }

  for (const plain of [hello, challenge]) {
    it(`ends a proving client on a ${plain.kind} frame`, () => {
      const { client, server } = newPair();
      client.hear(server.take()).hear(frame(plain));
      assert.equal(client.closes[0]?.code, "BAD_FRAME");
    });
  }

  for (const plain of [hello, challenge, welcome, refused]) {
    it(`ends an open session on a plain ${plain.kind} frame`, () => {
      const { client, server } = openPair();
      server.hear(frame(plain));
      client.hear(frame(plain));
      assert.deepEqual(
        [...server.closes, ...client.closes].map(({ code }) => code),
        ["BAD_FRAME", "BAD_FRAME"],
      );
    });
  }

  const foreign: readonly (readonly [string, string])[] = [
    ["nothing", ""],
    ["garbage", "\u0000\uffff{]"],
    ["a JSON number", "7"],
    ["null", "null"],
    ["an array", "[]"],
    ["an unknown kind", frame({ kind: "shutdown" })],
    ["a kind of the prototype", frame({ kind: "constructor" })],
    ["a missing field", frame({ ...hello, proof: undefined })],
    ["a field too many", frame({ ...hello, admin: true })],
    ["an oversized field", frame({ ...hello, credential: "x".repeat(5_000_000) })],
    ["a proof that is no hex", frame({ ...hello, proof: "g".repeat(64) })],
    ["a hundred thousand brackets", "[".repeat(100_000)],
  ];
  for (const [what, text] of foreign) {
    it(`ends a challenging server on ${what}, with a short reason`, () => {
      const { server } = newPair();
      server.hear(text);
      assert.equal(server.closes[0]?.code, "BAD_FRAME");
      assert.ok((server.closes[0]?.message.length ?? 0) < 500);
    });
  }

  for (const version of [2, 0, "1", null, { toString: 1 }, "x".repeat(1_000_000)]) {
    it(`says BAD_VERSION to version ${JSON.stringify(version).slice(0, 20)}`, () => {
      const { server } = newPair();
      server.hear(JSON.stringify({ ...hello, v: version }));
      assert.equal(server.closes[0]?.code, "BAD_VERSION");
      assert.ok((server.closes[0]?.message.length ?? 0) < 500);
    });
  }

  it("takes a refusal whose code it does not know as INTERNAL, with the words it came with", () => {
    const { client } = newPair();
    client.hear(frame({ kind: "refused", error: { ...someError, code: "OUT_OF_TEA" } }));
    assert.deepEqual(client.closes, [{ ...someError, code: "INTERNAL" }]);
  });
});

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

function frame(plain: object): string {
  return JSON.stringify({ v: protocolVersion, ...plain });
}

function codes({ client, server }: ReturnType<typeof newPair>): (string | undefined)[] {
  return [client.closes[0]?.code, server.closes[0]?.code];
}
