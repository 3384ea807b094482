import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { incomplete } from "../../src/core/head.js";
import { parseRequestHead, RequestHead } from "../../src/core/request-head.js";
import { isHttp2Preface } from "../../src/core/request-views.js";
import { headOf, latin1, readRequest, refusalOf, request, showRequest } from "../support/parsed.js";

const limits = { headBytesMax: 200, fieldsMax: 4, targetBytesMax: 20 };

describe("a request's head", () => {
  it("is places in the buffer, and the body starts behind it", () => {
    const text = headOf(
      "POST /a?b=1 HTTP/1.1",
      "Host: a.example:80",
      "Content-Length: 3",
      "X:  y \t",
    );
    assert.deepEqual(request(`${text}abc`), {
      method: "POST",
      target: "/a?b=1",
      host: "a.example:80",
      version: "1.1",
      fields: [
        ["Host", "a.example:80"],
        ["Content-Length", "3"],
        ["X", "y"],
      ],
      contentLength: 3,
      isChunked: false,
      keepAlive: true,
      upgrade: undefined,
      expectsContinue: false,
      takesTrailers: false,
      options: [],
      after: text.length,
    });
  });

  it("tells a host's name from its port", () => {
    for (const [host, name] of [
      ["a.example:8080", "a.example"],
      ["a.example", "a.example"],
      ["[::1]:80", "[::1]"],
      ["[::1]", "[::1]"],
      ["127.0.0.1:1", "127.0.0.1"],
    ] as const) {
      const bytes = latin1(headOf("GET / HTTP/1.1", `Host: ${host}`));
      const head = new RequestHead();
      assert.ok(parseRequestHead(bytes, 0, bytes.length, head) > 0);
      assert.equal(bytes.toString("latin1", head.hostStart, head.hostNameEnd), name);
    }
  });

  it("may have an absolute target: what follows its authority is the path", () => {
    const target = (line: string) => request(headOf(line, "Host: A.example")).target;
    assert.equal(target("GET http://a.example/x?y HTTP/1.1"), "/x?y");
    assert.equal(target("GET HTTPS://a.example HTTP/1.1"), "/");
    assert.equal(target("GET http://a.example?y HTTP/1.1"), "/?y");
    assert.equal(target("OPTIONS http://a.example HTTP/1.1"), "*");
    assert.equal(target("OPTIONS * HTTP/1.1"), "*");
    assert.equal(request(headOf("GET http://b.example/ HTTP/1.0")).host, "b.example");
  });

  it("may come behind the line end of an earlier body, but not behind many", () => {
    const text = headOf("GET / HTTP/1.1", "Host: a");
    assert.equal(request(`\r\n\r\n${text}`).after, text.length + 4);
    assert.match(refusalOf(`\r\n\r\n\r\n${text}`), /^400 /);
  });

  it("says whether the connection stays", () => {
    const keeps = (version: string, connection: string) =>
      request(headOf(`GET / HTTP/1.${version}`, "Host: a", `Connection: ${connection}`)).keepAlive;
    assert.equal(keeps("1", "x"), true);
    assert.equal(keeps("1", "keep-alive, Close"), false);
    assert.equal(keeps("0", "x"), false);
    assert.equal(keeps("0", "Keep-Alive"), true);
  });

  it("keeps the names that Connection names beyond its own words", () => {
    const read = request(
      headOf("GET / HTTP/1.1", "Host: a", "Connection: ,TE , X-Mine,close", "connection: b"),
    );
    assert.deepEqual(read.options, ["X-Mine", "b"]);
    assert.equal(read.keepAlive, false);
  });

  it("notes an upgrade that is properly asked for, and no other", () => {
    const upgrade = (...lines: readonly string[]) =>
      request(headOf("GET / HTTP/1.1", "Host: a", ...lines)).upgrade;
    assert.equal(upgrade("Upgrade: websocket", "Connection: Upgrade"), "websocket");
    assert.equal(upgrade("Upgrade: foo/2", "Connection: keep-alive, upgrade"), "foo/2");
    assert.equal(upgrade("Upgrade: websocket"), undefined);
    assert.equal(upgrade("Connection: upgrade"), undefined);
    assert.equal(upgrade("Upgrade: websocket, foo", "Connection: upgrade"), undefined);
    assert.equal(upgrade("Upgrade: a", "Upgrade: b", "Connection: upgrade"), undefined);
    for (const past of ["h2c", "H2C", "h2", "HTTP/2.0", "TLS/1.0"]) {
      assert.equal(upgrade(`Upgrade: ${past}`, "Connection: upgrade"), undefined, past);
    }
    const withBody = ["Upgrade: websocket", "Connection: upgrade", "Content-Length: 1"];
    assert.equal(upgrade(...withBody), undefined);
    const old = headOf("GET / HTTP/1.0", "Upgrade: websocket", "Connection: upgrade");
    assert.equal(request(old).upgrade, undefined);
  });

  it("notes Expect and TE, and heeds no Expect of HTTP/1.0", () => {
    const read = request(
      headOf("PUT / HTTP/1.1", "Host: a", "Expect: 100-Continue", "TE: gzip;q=1, trailers"),
    );
    assert.deepEqual([read.expectsContinue, read.takesTrailers], [true, true]);
    assert.equal(request(headOf("PUT / HTTP/1.0", "Expect: x")).expectsContinue, false);
    assert.match(refusalOf(headOf("PUT / HTTP/1.1", "Host: a", "Expect: x")), /^417 /);
  });

  it("is bounded in bytes, fields and target", () => {
    const fields = Array.from({ length: 4 }, (_, index) => `x${index}: y`);
    assert.match(refusalOf(headOf("GET / HTTP/1.1", "Host: a", ...fields), limits), /^431 .*4 /);
    const long = headOf("GET / HTTP/1.1", "Host: a", `x: ${"y".repeat(200)}`);
    assert.match(refusalOf(long, limits), /^431 .*200 bytes/);
    assert.match(refusalOf("GET / HTTP/1.1\r\nx: ".padEnd(200, "y"), limits), /^431 /);
    assert.match(refusalOf(`GET /${"a".repeat(20)}`, limits), /^414 /);
    assert.match(refusalOf(`GET http://${"a".repeat(200)}`, limits), /^414 /);
    assert.match(refusalOf(`${"A".repeat(33)} / HTTP/1.1`), /^501 /);
    const exact = headOf("GET / HTTP/1.1", "Host: a", "x: ");
    const fits = exact.replace("x: ", `x: ${"y".repeat(200 - exact.length)}`);
    assert.ok(!("refused" in (readRequest(fits, limits) ?? { refused: 0 })));
  });

  it("serves the next message, too, with nothing left of the one before", () => {
    const first = headOf(
      "POST http://a/x HTTP/1.1",
      "Host: a",
      "Content-Length: 0",
      "TE: trailers",
    );
    const second = headOf("GET / HTTP/1.0");
    const bytes = latin1(first + second);
    const head = new RequestHead();
    const after = parseRequestHead(bytes, 0, bytes.length, head);
    assert.equal(after, first.length);
    assert.equal(parseRequestHead(bytes, after, bytes.length, head), bytes.length);
    const alone = new RequestHead();
    parseRequestHead(latin1(second), 0, second.length, alone);
    assert.deepEqual(showRequest(bytes, head), showRequest(latin1(second), alone));
  });

  it("goes on where it was when its bytes have moved", () => {
    const text = headOf("GET http://a.example/x HTTP/1.1", "Host: a.example", "Cookie: a=b; c=d");
    const head = new RequestHead();
    const first = latin1(text.slice(0, -9));
    assert.equal(parseRequestHead(first, 0, first.length, head), incomplete);
    const moved = latin1(`${"#".repeat(1000)}${text}`);
    assert.equal(parseRequestHead(moved, 1000, moved.length, head), moved.length);
    assert.deepEqual(showRequest(moved, head), showRequest(latin1(text), parsed(text)));
  });

  it("is forgotten half-way when told so", () => {
    const head = new RequestHead();
    parseRequestHead(latin1("GET / HTTP/1.1\r\nHost: b\r\n"), 0, 25, head);
    head.reset();
    const bytes = latin1(headOf("PUT /x HTTP/1.1", "Host: a"));
    assert.equal(parseRequestHead(bytes, 0, bytes.length, head), bytes.length);
    assert.equal(showRequest(bytes, head).method, "PUT");
  });

  it("costs about the same when it comes byte by byte", () => {
    const text = headOf("GET / HTTP/1.1", "Host: a", `Cookie: ${"c".repeat(30_000)}`);
    const bytes = latin1(text);
    const head = new RequestHead();
    let reads = 0;
    const counted = new Proxy(bytes, {
      get: (target, key) => {
        reads++;
        return Reflect.get(target, key, target) as unknown;
      },
    });
    for (let end = 1; end < bytes.length; end++) {
      assert.equal(parseRequestHead(counted, 0, end, head), incomplete);
    }
    assert.ok(reads < 10 * bytes.length, `${reads} reads of ${bytes.length} bytes`);
  });
});

describe("an HTTP/2 preface", () => {
  it("is told from everything else at the first byte that differs", () => {
    const preface = latin1("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert.equal(isHttp2Preface(preface, 0, preface.length), "yes");
    for (let end = 0; end < preface.length; end++) {
      assert.equal(isHttp2Preface(preface, 0, end), "more");
    }
    assert.equal(isHttp2Preface(latin1("PRI / HTTP"), 0, 10), "no");
  });
});

function parsed(text: string): RequestHead {
  const head = new RequestHead();
  parseRequestHead(latin1(text), 0, text.length, head);
  return head;
}
