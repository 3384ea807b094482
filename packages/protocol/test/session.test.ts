import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mintToken, credentialFromToken, openCredential, protocolVersion } from "../src/index.js";
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

  for (const version of [1, 3, 0, "2", null, { toString: 1 }, "x".repeat(1_000_000)]) {
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

function frame(plain: object): string {
  return JSON.stringify({ v: protocolVersion, ...plain });
}

function codes({ client, server }: ReturnType<typeof newPair>): (string | undefined)[] {
  return [client.closes[0]?.code, server.closes[0]?.code];
}
