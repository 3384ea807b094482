import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultHeadLimits } from "../../src/core/head.js";
import { answer, headOf, readAnswer } from "../support/parsed.js";

const ok = "HTTP/1.1 200 OK";
const head = { methodId: 2, isUpgrade: false };
const length = "Content-Length: 5";
const chunked = "Transfer-Encoding: chunked";

function bodyOf(...lines: readonly string[]) {
  const { body, keepAlive } = answer(headOf(...lines));
  return `${body} ${keepAlive ? "stays" : "closes"}`;
}

describe("an answer's head", () => {
  it("is places in the buffer", () => {
    const text = headOf("HTTP/1.1 404 Not  Found\xe4", "Server: x", "Content-Length: 12");
    assert.deepEqual(answer(text), {
      status: 404,
      reason: "Not  Found\xe4",
      version: "1.1",
      fields: [
        ["Server", "x"],
        ["Content-Length", "12"],
      ],
      contentLength: 12,
      body: "length",
      keepAlive: true,
      isInterim: false,
      after: text.length,
    });
  });

  it("says how its body ends, and whether the connection stays", () => {
    assert.equal(bodyOf(ok, length), "length stays");
    assert.equal(bodyOf(ok, chunked), "chunked stays");
    assert.equal(bodyOf(ok), "close closes");
    assert.equal(bodyOf(ok, "Content-Length: 0"), "none stays");
    assert.equal(bodyOf(ok, length, "Connection: close"), "length closes");
    assert.equal(bodyOf("HTTP/1.0 200 OK", length), "length closes");
    assert.equal(bodyOf("HTTP/1.0 200 OK", length, "Connection: keep-alive"), "length stays");
    assert.equal(bodyOf("HTTP/1.0 200 OK", "Connection: keep-alive"), "close closes");
  });

  it("has no body with 1xx, 204, 304 and to HEAD, whatever its fields say", () => {
    assert.equal(bodyOf("HTTP/1.1 204 No Content"), "none stays");
    assert.equal(bodyOf("HTTP/1.1 204 No Content", "Content-Length: 0"), "none stays");
    assert.equal(bodyOf("HTTP/1.1 204 No Content", length), "none closes");
    assert.equal(bodyOf("HTTP/1.1 204 No Content", chunked), "none closes");
    assert.equal(bodyOf("HTTP/1.1 304 Not Modified", length), "none stays");
    assert.equal(bodyOf("HTTP/1.1 304 Not Modified", chunked), "none stays");
    assert.equal(bodyOf("HTTP/1.1 100 Continue"), "none stays");
    assert.equal(answer(headOf(ok, length), head).body, "none");
    assert.equal(answer(headOf(ok), head).body, "none");
    assert.equal(answer(headOf(ok), head).keepAlive, true);
  });

  it("is interim with 1xx but 101", () => {
    assert.equal(answer(headOf("HTTP/1.1 103 Early Hints", "Link: </x>")).isInterim, true);
    const upgrade = headOf("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket");
    const changed = answer(upgrade, { methodId: 1, isUpgrade: true });
    assert.deepEqual([changed.isInterim, changed.body, changed.keepAlive], [false, "none", false]);
  });

  it("may leave its reason out, with the space or without", () => {
    for (const line of ["HTTP/1.1 200 ", "HTTP/1.1 200"]) {
      const read = answer(headOf(line, length));
      assert.deepEqual([read.status, read.reason], [200, ""]);
    }
    assert.equal(answer(headOf("HTTP/1.1 999 Request denied", length)).status, 999);
  });

  it("may name a field that only resembles one that frames", () => {
    assert.equal(answer(headOf(ok, length, "Content_Length: 7")).contentLength, 5);
  });

  const refused: readonly (readonly [reason: string, ...lines: string[]])[] = [
    ["no HTTP/1 status line", "HTTP/2 200 OK"],
    ["no HTTP/1 status line", "HTTP/2.0 200 OK"],
    ["no HTTP/1 status line", "ICY 200 OK"],
    ["no HTTP/1 status line", "http/1.1 200 OK"],
    ["no HTTP/1 status line", "HTTP/1.1  200 OK"],
    ["no HTTP/1 status line", "HTTP/1.1 20 OK"],
    ["no HTTP/1 status line", "\r\nHTTP/1.1 200 OK"],
    ["a version of HTTP beyond 1.1", "HTTP/1.2 200 OK"],
    ["a status below 100", "HTTP/1.1 099 OK"],
    ["a status of more than three digits", "HTTP/1.1 2000 OK"],
    ["a control character in the status line", "HTTP/1.1 200 O\0K"],
    ["a control character in the status line", "HTTP/1.1 200 OK\nX: y"],
    ["CR without LF", "HTTP/1.1 200 OK\rX: y"],
    ["both Content-Length and Transfer-Encoding", ok, length, chunked],
    ["Content-Length twice", ok, length, length],
    ["Content-Length twice", ok, length, "Content-Length: 6"],
    ["a Content-Length that is no number", ok, "Content-Length: 5, 5"],
    ["a Transfer-Encoding other than a single chunked", ok, "Transfer-Encoding: gzip, chunked"],
    ["Transfer-Encoding on HTTP/1.0", "HTTP/1.0 200 OK", chunked],
    ["101, though no change of protocol was asked for", "HTTP/1.1 101 Switching Protocols"],
    ["a header line that goes on over line ends", ok, "X: y", " z"],
    ["space in or behind a header name", ok, "X : y"],
    ["LF without CR", ok, "X: y\nZ: a"],
    ["a header line without a colon", ok, "X"],
    ["a head of more than 32768 bytes", ok, `X: ${"y".repeat(defaultHeadLimits.headBytesMax)}`],
    ["more than 128 header fields", ok, ...Array.from({ length: 129 }, () => "a: b")],
  ];
  for (const [reason, ...lines] of refused) {
    it(`is refused: ${reason}, ${JSON.stringify(lines.join("|").slice(0, 60))}`, () => {
      assert.deepEqual(readAnswer(headOf(...lines)), { refused: 502, reason });
    });
  }
});
