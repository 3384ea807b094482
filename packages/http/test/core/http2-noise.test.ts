import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Http2Noise } from "../../src/core/http2-noise.js";

const kilobyte = 1024;
const megabyte = 1024 * kilobyte;

describe("noise of a connection of HTTP/2", () => {
  it("is too much when many bytes bring nothing, however slowly they come", () => {
    for (const [each, everyMs] of [
      [300 * kilobyte, 1_000],
      [40 * kilobyte, 1_000],
      [1 * megabyte, 10_000],
    ] as const) {
      const noise = new Http2Noise(0);
      const isCut = Array.from({ length: 30 }, (_, index) => index + 1).some((round) =>
        noise.measure(round * everyMs, { came: round * each, sent: 0, data: 0 }),
      );
      assert.ok(isCut, `${each} bytes every ${everyMs} ms`);
    }
  });

  it("is what is not a body, or room for an answer", () => {
    const noise = new Http2Noise(0);
    for (let round = 1; round < 100; round++) {
      const [data, sent] = [round * 5 * megabyte, round * 10 * megabyte];
      const came = data * 1.01 + sent / 50;
      assert.equal(noise.measure(round * 1_000, { came, sent, data }), false);
    }
  });

  it("is not what opens streams", () => {
    const noise = new Http2Noise(0);
    const fields = [":path", "/", "cookie", "x".repeat(8_000)];
    for (let round = 1; round < 100; round++) {
      for (let streams = 0; streams < 1_000; streams++) noise.opened(fields);
      const came = round * 1_000 * 8_100;
      assert.equal(noise.measure(round * 1_000, { came, sent: 0, data: 0 }), false);
    }
  });

  it("is not what may still come of bodies that nobody wanted", () => {
    const noise = new Http2Noise(0);
    for (let streams = 0; streams < 4; streams++) noise.promised(256 * kilobyte);
    assert.equal(noise.measure(1_000, { came: 0, sent: 0, data: 0 }), false);
    assert.equal(noise.measure(2_000, { came: megabyte, sent: 0, data: 0 }), false);
    assert.equal(noise.measure(3_000, { came: 2 * megabyte, sent: 0, data: 0 }), true);
  });

  it("is excused in advance only so far, and by time not at all", () => {
    const noise = new Http2Noise(0);
    noise.measure(86_400_000, { came: 0, sent: 0, data: 0 });
    noise.promised(100 * megabyte);
    noise.measure(86_400_000, { came: 0, sent: 0, data: 0 });
    assert.equal(noise.measure(86_400_001, { came: 2 * megabyte, sent: 0, data: 0 }), true);
  });
});
