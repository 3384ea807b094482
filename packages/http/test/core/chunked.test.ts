import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ChunkedScanner } from "../../src/core/chunked.js";
import { latin1 } from "../support/parsed.js";

function scan(text: string, scanner = new ChunkedScanner()) {
  scanner.reset({ wantsRanges: true });
  const bytes = latin1(text);
  const after = scanner.scan(bytes, 0, bytes.length);
  const data = Array.from({ length: scanner.rangeCount }, (_, range) =>
    bytes.toString("latin1", scanner.ranges[2 * range], scanner.ranges[2 * range + 1]),
  );
  return {
    after,
    data,
    isDone: scanner.isDone,
    bytes: scanner.dataBytes,
    trailers: scanner.trailers,
  };
}

describe("a chunked body", () => {
  it("ends behind its last chunk, and what follows does not belong to it", () => {
    const body = "5\r\nhello\r\n00A;a=b\r\n0123456789\r\n0\r\n\r\n";
    assert.deepEqual(scan(`${body}GET /`), {
      after: body.length,
      data: ["hello", "0123456789"],
      isDone: true,
      bytes: 15,
      trailers: [],
    });
  });

  it("may have trailers and extensions", () => {
    const read = scan(
      '1;a;b="c;\\"\r\n"\r\n'.replace("\r\n", "") + "x\r\n0;z\r\nA: b\t\r\nGrpc-Status:0\r\n\r\n",
    );
    assert.deepEqual(read.trailers, ["A", "b", "Grpc-Status", "0"]);
    assert.equal(read.isDone, true);
  });

  it("goes on as long as it has not ended", () => {
    for (const part of ["", "5", "5\r", "5\r\n", "5\r\nhel", "0\r\n", "0\r\nA: b\r\n", "0\r\n\r"]) {
      const { after, isDone } = scan(part);
      assert.deepEqual([after, isDone], [part.length, false], JSON.stringify(part));
    }
  });

  it("may be followed by another, with nothing left of the one before", () => {
    const scanner = new ChunkedScanner();
    scan("1\r\nx\r\n0\r\nA: b\r\n\r\n", scanner);
    scan("zz", scanner);
    assert.deepEqual(scan("0\r\n\r\n", scanner), {
      after: 5,
      data: [],
      isDone: true,
      bytes: 0,
      trailers: [],
    });
  });

  it("may have many chunks in one piece", () => {
    const { data, bytes } = scan("1\r\nx\r\n".repeat(1000));
    assert.deepEqual([data.length, bytes], [1000, 1000]);
  });

  it("may have chunks of up to 4 GiB", () => {
    const { after, bytes } = scan(`ffffffff\r\n${"x".repeat(100)}`);
    assert.deepEqual([after, bytes], [110, 100]);
  });
});
