import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addField, http1HeadOf, http2FieldsOf } from "../../src/core/http2-fields.js";
import { refusalOf } from "../support/parsed.js";

const start = [":method", "GET", ":path", "/x", ":scheme", "http", ":authority", "a"];

function textOf(fields: readonly string[], hasBody = false): string {
  const made = http1HeadOf(fields, hasBody);
  return "text" in made ? made.text : `refused: ${made.refused}`;
}

describe("the fields of a stream", () => {
  it("are a head of HTTP/1.1, with one cookie field and a framing", () => {
    const fields = [...start, "cookie", "a=b", "accept", "*/*", "cookie", "c=d"];
    const head = "GET /x HTTP/1.1\r\nhost: a\r\naccept: */*\r\ncookie: a=b; c=d\r\n";
    assert.equal(textOf(fields), `${head}\r\n`);
    assert.equal(textOf(fields, true), `${head}transfer-encoding: chunked\r\n\r\n`);
    const known = textOf([...start, "content-length", "5"], true);
    assert.equal(known, "GET /x HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n");
  });

  it("may name the host either way, or both ways the same", () => {
    assert.match(textOf([...start, "host", "A"]), /^GET \/x HTTP\/1\.1\r\nhost: a\r\n\r\n$/);
    assert.match(textOf([...start.slice(0, 6), "host", "b"]), /\r\nhost: b\r\n/);
    assert.match(textOf([...start, "host", "b"]), /refused: .*another host/);
    assert.match(textOf([...start, "host", "a", "host", "a"]), /refused: Host twice/);
    assert.equal(refusalOf(textOf(start.slice(0, 6))), "400 a Host that is no host");
  });

  it("cannot become lines of their own, nor frame anything", () => {
    for (const field of [
      ["x", "a\r\ntransfer-encoding: chunked"],
      ["x", "a\nb"],
      ["x", "a\0"],
      ["x\r\ny", "a"],
      ["x: y", "a"],
      ["", "a"],
      ["transfer-encoding", "chunked"],
      ["connection", "x"],
      ["keep-alive", "5"],
      ["proxy-connection", "x"],
      ["upgrade", "websocket"],
      ["http2-settings", "x"],
      [":path", "/y"],
      [":protocol", "websocket"],
    ]) {
      assert.match(textOf([...start, ...field]), /^refused: /, JSON.stringify(field));
    }
    for (const path of ["", "x", "http://a/", "/a\r\nb", "/a\n"]) {
      assert.match(textOf([":method", "GET", ":path", path, ":authority", "a"]), /^refused: /);
    }
    for (const [method, path] of [
      ["GET", "/ HTTP/1.1"],
      ["GET /x HTTP/1.1", "/"],
      ["GET", "/a b"],
    ] as const) {
      const text = textOf([":method", method, ":path", path, ":authority", "a"]);
      assert.match(refusalOf(text), /^400 /);
    }
    assert.match(refusalOf(textOf([":method", "CONNECT", ":authority", "a"])), /^501 /);
  });

  it("come out of a head of HTTP/1, several of a name as one but cookies", () => {
    const fields = http2FieldsOf(
      "HTTP/1.1 200 OK\r\nA: 1\r\nset-cookie: x\r\na:2 \r\nSet-Cookie: y\r\n__proto__: z\r\n\r\n",
    );
    assert.deepEqual(Object.entries(fields), [
      ["a", "1, 2"],
      ["set-cookie", ["x", "y"]],
      ["__proto__", "z"],
    ]);
    addField(fields, "B", "3");
    assert.equal(fields["b"], "3");
  });
});
