/** However a message is cut into pieces, it is the same message: at every place, and byte by byte. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ChunkedScanner } from "../../src/core/chunked.js";
import { bad, incomplete } from "../../src/core/head.js";
import { parseRequestHead, RequestHead } from "../../src/core/request-head.js";
import { parseResponseHead, ResponseHead } from "../../src/core/response-head.js";
import {
  makeAnswer,
  makeRequest,
  mutate,
  type Random,
  randomOf,
} from "../support/message-maker.js";
import { askedGet, latin1, showAnswer, showRequest } from "../support/parsed.js";

const seeds = Array.from({ length: 400 }, (_, index) => index + 1);
/** So that every line has an end: a bad byte is then found, however late. */
const closing = "\r\n\r\n";

type Parse = (bytes: Buffer, start: number, end: number) => number;

function requests(): { readonly parse: Parse; readonly show: (bytes: Buffer) => unknown } {
  const head = new RequestHead();
  return {
    parse: (bytes, start, end) => parseRequestHead(bytes, start, end, head),
    show: (bytes) => ({
      ...showRequest(bytes, head),
      end: head.end - head.start,
      bad: head.badReason,
    }),
  };
}

function answers(): { readonly parse: Parse; readonly show: (bytes: Buffer) => unknown } {
  const head = new ResponseHead();
  return {
    parse: (bytes, start, end) => parseResponseHead(bytes, start, end, head, askedGet),
    show: (bytes) => ({
      ...showAnswer(bytes, head),
      end: head.end - head.start,
      bad: head.badReason,
    }),
  };
}

/** What comes out when the pieces end at these places; every other piece lies somewhere else. */
function readPieces(reader: ReturnType<typeof requests>, bytes: Buffer, ends: readonly number[]) {
  for (const [index, end] of ends.entries()) {
    const start = index % 2 === 0 ? 0 : 7;
    const moved = Buffer.concat([Buffer.alloc(start, "#"), bytes.subarray(0, end)]);
    const after = reader.parse(moved, start, moved.length);
    if (after === incomplete) continue;
    return after === bad
      ? { outcome: "bad", shown: undefined }
      : { outcome: "whole", shown: reader.show(moved) };
  }
  return { outcome: "incomplete", shown: undefined };
}

function holdsForAllSplits(make: (random: Random) => string, newReader: typeof requests): void {
  for (const seed of seeds) {
    const random = randomOf(seed);
    const sound = make(random);
    const bytes = latin1((random() < 0.3 ? sound : mutate(random, sound)) + closing);
    const whole = readPieces(newReader(), bytes, [bytes.length]);
    for (let at = 1; at < bytes.length; at++) {
      const split = readPieces(newReader(), bytes, [at, bytes.length]);
      assert.deepEqual(split, whole, `seed ${seed}, split at ${at}`);
    }
    const ends = Array.from({ length: bytes.length }, (_, index) => index + 1);
    assert.deepEqual(readPieces(newReader(), bytes, ends), whole, `seed ${seed}, byte by byte`);
  }
}

describe("pieces", () => {
  it("make the same request", () => holdsForAllSplits(makeRequest, requests));
  it("make the same answer", () => holdsForAllSplits(makeAnswer, answers));

  it("make the same chunked body", () => {
    for (const seed of seeds) {
      const random = randomOf(seed);
      const text = "5;a=b\r\nhello\r\n3\r\n\r\n0\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\nGET / HTTP/1.1";
      const bytes = latin1(random() < 0.2 ? text : mutate(random, text));
      const whole = scanPieces(bytes, [bytes.length]);
      for (let at = 1; at < bytes.length; at++) {
        assert.deepEqual(scanPieces(bytes, [at, bytes.length]), whole, `seed ${seed}, ${at}`);
      }
      const ends = Array.from({ length: bytes.length }, (_, index) => index + 1);
      assert.deepEqual(scanPieces(bytes, ends), whole, `seed ${seed}, byte by byte`);
    }
  });
});

function scanPieces(bytes: Buffer, ends: readonly number[]) {
  const scanner = new ChunkedScanner();
  scanner.reset({ wantsRanges: true });
  let data = "";
  let at = 0;
  for (const end of ends) {
    const after = scanner.scan(bytes, at, end);
    if (after === bad) return { bad: scanner.badReason };
    for (let range = 0; range < scanner.rangeCount; range++) {
      data += bytes.toString("latin1", scanner.ranges[2 * range], scanner.ranges[2 * range + 1]);
    }
    at = after;
    if (scanner.isDone) break;
    assert.equal(after, end);
  }
  const { isDone, trailers, dataBytes } = scanner;
  return { at, data, isDone, trailers: [...trailers], dataBytes };
}
