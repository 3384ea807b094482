/** The registry as somebody with nothing but an HTTP client meets it. */
import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { after, afterEach, before, describe, it } from "node:test";
import { mintToken, type Endpoint } from "@propagit/protocol";
import { nodeCrypto, stretchSecret } from "@propagit/runtime";
import { commitA, commitB } from "../support/samples.js";
import { eventually, Workshop } from "../support/serving.js";

const workshop = new Workshop();
let base = "";

interface Registered {
  readonly lease: string;
  readonly ttlMs: number;
  readonly endpoint: Endpoint;
}

interface Refused {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string };
}

/** What an answer may hold; each test looks at what it asked for. */
type Answered = Registered & Refused & { readonly endpoints: readonly Endpoint[] };

async function call(
  method: string,
  path: string,
  options: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<{ status: number; body: Answered; headers: Headers }> {
  const response = await fetch(base + path, {
    method,
    headers: { connection: "close", ...options.headers },
    ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
  });
  const text = await response.text();
  const body = (text === "" ? undefined : JSON.parse(text)) as Answered;
  return { status: response.status, body, headers: response.headers };
}

const register = (body: object, headers: Record<string, string> = {}) =>
  call("POST", "/v1/records", { body, headers });

async function records(query = ""): Promise<readonly Endpoint[]> {
  const { body } = await call("GET", `/v1/records${query}`);
  return body.endpoints;
}

describe("an open registry over HTTP", () => {
  before(async () => {
    const { address } = await workshop.serve();
    base = `http://127.0.0.1:${address.port}`;
  });
  after(() => workshop.clear());

  const leases: string[] = [];
  const registered = async (body: object) => {
    const answer = await register(body);
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    leases.push(answer.body.lease);
    return answer.body;
  };
  afterEach(async () => {
    for (const lease of leases.splice(0)) await call("DELETE", `/v1/leases/${lease}`);
  });

  it("registers what is posted and gives it back to who asks", async () => {
    const body = {
      service: "say",
      version: "1.2.3",
      commit: commitA,
      port: 13308,
      meta: { a: "b" },
    };
    const { lease, ttlMs, endpoint } = await registered(body);
    assert.match(lease, /^[0-9a-f]{32}$/);
    assert.equal(ttlMs, 15_000);
    assert.deepEqual(endpoint, { id: endpoint.id, host: "127.0.0.1", ...body });
    assert.deepEqual(await records("?service=say"), [endpoint]);
  });

  it("takes `name@version` as well, and a body that calls itself a form, as curl -d does", async () => {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const { status, body } = await register({ service: "say@1.2.3" }, headers);
    assert.equal(status, 201);
    assert.equal(body.endpoint.version, "1.2.3");
    leases.push(body.lease);
  });

  it("chooses a port that is free on its own machine", async () => {
    const { endpoint } = await registered({ service: "say" });
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(endpoint.port, () => resolve());
    });
    assert.equal((server.address() as AddressInfo).port, endpoint.port);
    server.close();
  });

  it("chooses some port for a host that is another machine", async () => {
    const { endpoint } = await registered({ service: "say", host: "192.0.2.7" });
    assert.equal(endpoint.host, "192.0.2.7");
    assert.ok(endpoint.port >= 10_000 && endpoint.port <= 65_000);
  });

  it("finds records by version, commit and metadata", async () => {
    await registered({ service: "http@1.2.3", commit: commitA, port: 1, meta: { zone: "eu" } });
    await registered({ service: "http@2.0.0", commit: commitB, port: 2, meta: { zone: "us" } });
    const ports = async (query: string) => (await records(query)).map(({ port }) => port);
    assert.deepEqual(await ports("?service=http@^1"), [1]);
    assert.deepEqual(await ports(`?commit=${commitB.slice(0, 7)}`), [2]);
    assert.deepEqual(await ports("?service=http&meta.zone=eu"), [1]);
    assert.deepEqual(await ports("?service=http"), [1, 2]);
  });

  it("shows the table by commit and service", async () => {
    await registered({ service: "http", commit: commitA, port: 15194 });
    await registered({ service: "cron", port: 9 });
    const { body } = await call("GET", "/v1/show");
    assert.deepEqual(body, {
      "-": { cron: [{ host: "127.0.0.1", port: 9 }] },
      [commitA]: { http: [{ host: "127.0.0.1", port: 15194 }] },
    });
  });

  it("keeps a record for as long as its lease is renewed, and no longer", async () => {
    const { lease } = await registered({ service: "say", ttlMs: 3_000 });
    for (let renewal = 0; renewal < 3; renewal++) {
      const { status, body } = await call("POST", `/v1/leases/${lease}/renew`);
      assert.equal(status, 200);
      assert.deepEqual(body, { ttlMs: 3_000 });
    }
    assert.equal((await records()).length, 1);
    await eventually("the end of the lease", async () => (await records()).length === 0);
    const late = await call("POST", `/v1/leases/${lease}/renew`);
    assert.equal(late.status, 404);
    assert.equal(late.body.error.code, "NO_LEASE");
  });

  it("puts several records under one lease and frees them together", async () => {
    const { lease } = await registered({ service: "a", port: 1 });
    const second = await register({ service: "b", port: 2, lease });
    assert.equal(second.status, 201);
    assert.equal(second.body.lease, lease);
    assert.equal((await call("DELETE", `/v1/leases/${lease}`)).status, 204);
    assert.deepEqual(await records(), []);
  });

  it("changes metadata and frees a record for the lease that holds it", async () => {
    const { lease, endpoint } = await registered({ service: "say", port: 1 });
    const path = `/v1/records/${endpoint.id}`;
    const set = await call("PUT", `${path}/meta`, {
      body: { color: "blue" },
      headers: { "x-lease": lease },
    });
    assert.deepEqual(set.body.endpoint, { ...endpoint, meta: { color: "blue" } });
    assert.equal((await call("DELETE", `${path}?lease=${lease}`)).status, 204);
    assert.deepEqual(await records(), []);
  });

  it("lets nobody else change, free or replace a record", async () => {
    const { endpoint } = await registered({ service: "say", port: 1 });
    const thief = await registered({ service: "evil", port: 2 });
    const headers = { "x-lease": thief.lease };
    const path = `/v1/records/${endpoint.id}`;
    const attempts = await Promise.all([
      call("DELETE", path, { headers }),
      call("PUT", `${path}/meta`, { headers, body: {} }),
      register({ id: endpoint.id, service: "evil", port: 3, lease: thief.lease }),
    ]);
    assert.deepEqual(
      attempts.map(({ status, body }) => [status, body.error.code]),
      [
        [403, "NOT_OWNER"],
        [403, "NOT_OWNER"],
        [403, "NOT_OWNER"],
      ],
    );
    const without = await call("DELETE", path);
    assert.deepEqual([without.status, without.body.error.code], [404, "NO_LEASE"]);
    assert.deepEqual((await records("?service=say")).length, 1);
  });

  it("refuses a port that is registered, and leaves no lease behind", async () => {
    await registered({ service: "say", port: 1 });
    const { status, body } = await register({ service: "other", port: 1 });
    assert.equal(status, 409);
    assert.equal(body.error.code, "PORT_TAKEN");
    assert.match(body.error.message, /port 1 is registered for say@0\.0\.0/);
  });

  const wrong: readonly (readonly [string, unknown, string])[] = [
    ["no service", {}, "BAD_RECORD"],
    ["a wrong name", { service: "a b" }, "BAD_NAME"],
    ["a wrong version", { service: "a", version: "1.x" }, "BAD_RECORD"],
    ["a wrong port", { service: "a", port: 70_000 }, "BAD_RECORD"],
    ["a wrong lease time", { service: "a", ttlMs: 10 }, "BAD_RECORD"],
    ["an unknown field", { service: "a", colour: "blue" }, "BAD_RECORD"],
    ["a short commit", { service: "a", commit: "74336bc" }, "BAD_RECORD"],
    ["a list", [1], "BAD_RECORD"],
  ];
  for (const [what, body, code] of wrong) {
    it(`refuses ${what} with a reason`, async () => {
      const answer = await register(body as object);
      assert.equal(answer.status, 400);
      assert.equal(answer.body.error.code, code);
      assert.ok(answer.body.error.hint.length > 0);
    });
  }

  it("refuses what is not JSON, what is too large, and paths that are not there", async () => {
    const post = async (body: string) => {
      const response = await fetch(`${base}/v1/records`, { method: "POST", body });
      return [response.status, ((await response.json()) as Refused).error.code];
    };
    assert.deepEqual(await post("{"), [400, "BAD_RECORD"]);
    assert.deepEqual(await post("x".repeat(200_000)), [413, "TOO_LARGE"]);
    const missing = await call("GET", "/v1/nothing");
    assert.deepEqual([missing.status, missing.body.error.code], [404, "BAD_USAGE"]);
    for (const query of ["?servic=say", "?service=a&service=b", "?since=1"]) {
      const { status, body } = await call("GET", `/v1/records${query}`);
      assert.deepEqual([status, body.error.code], [400, "BAD_USAGE"], query);
    }
    const pattern = await call("GET", "/v1/records?service=http@nope");
    assert.deepEqual([pattern.status, pattern.body.error.code], [400, "BAD_PATTERN"]);
  });

  it("lets no web page write", async () => {
    const headers = { origin: "https://evil.example" };
    const { status, body } = await register({ service: "evil" }, headers);
    assert.deepEqual([status, body.error.code], [401, "DENIED"]);
    assert.deepEqual(await records(), []);
  });

  it("lets no web page read through a name of its own for this machine", async () => {
    const statusFor = (host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        request(`${base}/v1/records`, { headers: { host, connection: "close" } }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .once("error", reject)
          .end();
      });
    assert.equal(await statusFor("evil.example:6000"), 401);
    assert.equal(await statusFor("127.0.0.1.evil.example"), 401);
    for (const host of ["localhost", "localhost:6000", "127.0.0.1:6000", "[::1]:6000"]) {
      assert.equal(await statusFor(host), 200, host);
    }
  });

  it("lets no web page open a session", async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = {
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
        origin: "https://evil.example",
      };
      request(`${base}/registry`, { headers })
        .once("response", (response) => {
          response.destroy();
          resolve(response.statusCode);
        })
        .once("upgrade", (response, socket) => {
          socket.destroy();
          resolve(response.statusCode);
        })
        .once("error", reject)
        .end();
    });
    assert.equal(status, 403);
  });

  it("is healthy and says whether it is settled", async () => {
    const { status, body } = await call("GET", "/v1/health");
    assert.equal(status, 200);
    const { settled, ...rest } = body as unknown as Record<string, unknown>;
    assert.deepEqual(rest, { status: "ok" });
    assert.equal(typeof settled, "boolean");
  });
});

describe("a registry with a secret over HTTP", () => {
  const token = (commit: string) =>
    mintToken(nodeCrypto, stretchSecret("beepboop"), {
      repo: "webapp",
      commit,
      drone: "d",
      process: "p1",
    });
  const bearer = (text: string) => ({ authorization: `Bearer ${text}` });
  const basic = (text: string) => ({
    authorization: `Basic ${Buffer.from(text).toString("base64")}`,
  });

  before(async () => {
    const { address } = await workshop.serve({ secret: "beepboop", host: "127.0.0.1" });
    base = `http://127.0.0.1:${address.port}`;
  });
  after(() => workshop.clear());

  const strangers: readonly (readonly [string, Record<string, string>])[] = [
    ["nothing", {}],
    ["a wrong secret", bearer("beepboo")],
    ["a wrong password", basic("git:wrong")],
    ["an empty password", basic("git:")],
    ["the secret as user name", basic("beepboop:")],
    ["another scheme", { authorization: "Digest beepboop" }],
    ["a token of another secret", bearer(`${token(commitA).slice(0, -4)}0000`)],
  ];
  for (const [what, headers] of strangers) {
    it(`neither reads nor writes for somebody with ${what}`, async () => {
      const answers = await Promise.all([
        register({ service: "evil" }, headers),
        call("GET", "/v1/records", { headers }),
        call("GET", "/v1/show", { headers }),
        call("GET", "/v1/watch", { headers }),
        call("DELETE", `/v1/leases/${"0".repeat(32)}`, { headers }),
      ]);
      for (const { status, body, headers } of answers) {
        assert.deepEqual([status, body.error.code], [401, "DENIED"]);
        assert.match(headers.get("www-authenticate") ?? "", /^Basic /);
      }
      assert.equal((await call("GET", "/v1/health")).status, 200);
    });
  }

  for (const [what, headers] of [
    ["bearer", bearer("beepboop")],
    ["password of any user", basic("anybody:beepboop")],
  ] as const) {
    it(`takes the secret as ${what}`, async () => {
      const { status, body } = await register({ service: "say" }, headers);
      assert.equal(status, 201);
      assert.equal((await call("GET", "/v1/show", { headers })).status, 200);
      assert.equal((await call("DELETE", `/v1/leases/${body.lease}`, { headers })).status, 204);
    });
  }

  it("takes a token for its own commit and process, and for nothing else", async () => {
    const headers = bearer(token(commitA));
    const own = await register({ service: "say" }, headers);
    assert.equal(own.status, 201);
    assert.equal(own.body.endpoint.commit, commitA);
    assert.deepEqual(own.body.endpoint.meta, { process: "p1" });
    const other = await register({ service: "say", commit: commitB }, headers);
    assert.deepEqual([other.status, other.body.error.code], [401, "DENIED"]);
    const shown = await call("GET", "/v1/show", { headers });
    assert.equal(shown.status, 200);
    assert.equal(JSON.stringify(shown.body).includes(own.body.lease), false);
    assert.equal(JSON.stringify(shown.body).includes("beepboop"), false);
  });
});
