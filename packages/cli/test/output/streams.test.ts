import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LogLine } from "@propagit/protocol";
import { formatMoment, formatTime } from "../../src/output/duration.js";
import { logLineFormat } from "../../src/output/log-lines.js";
import { prefixedOutput } from "../../src/output/prefixed.js";
import { replayFilter } from "../../src/output/replay.js";
import { accepted, commit, drone, output, phase, start } from "../support/samples.js";

const line: LogLine = {
  at: start,
  drone: "web-1",
  repo: "webapp",
  environment: "production",
  release: 14,
  commit,
  service: "http",
  slot: 1,
  process: "p1",
  text: "hello",
};

describe("lines of output", () => {
  it("have time and instance in front, aligned as far as names were seen", () => {
    const format = logLineFormat(start);
    assert.equal(format(line), `${formatTime(start)} web-1/http.1 hello\n`);
    assert.equal(format({ ...line, slot: 10 }), `${formatTime(start)} web-1/http.10 hello\n`);
    assert.equal(format(line), `${formatTime(start)} web-1/http.1  hello\n`);
  });

  it("have the day when it is another one", () => {
    const format = logLineFormat(start + 2 * 86_400_000);
    assert.equal(format(line), `${formatMoment(start)} web-1/http.1 hello\n`);
  });

  it("cannot command the terminal", () => {
    assert.match(logLineFormat(start)({ ...line, text: "a\u001B]0;x\u0007b" }), / ab\n$/);
  });
});

describe("output of a command on several drones", () => {
  const taking = () => {
    let text = "";
    const output = prefixedOutput();
    const take = (drone: string, stream: "out" | "err", bytes: Buffer) => {
      text += output.take(drone, stream, bytes).replaceAll(/^(?=.)/gm, `${stream} `);
    };
    return { output, take, text: () => text };
  };

  it("comes in whole lines with the drone's name", () => {
    const { output, take, text } = taking();
    take("web-1", "out", Buffer.from("v20"));
    take("web-10", "out", Buffer.from("v22\n"));
    take("web-1", "err", Buffer.from("warning\n"));
    take("web-1", "out", Buffer.from(".1\nend"));
    assert.equal(text(), "out web-10 | v22\nerr web-1  | warning\nout web-1  | v20.1\n");
    assert.deepEqual(output.end(), [{ stream: "out", text: "web-1  | end\n" }]);
    assert.deepEqual(output.end(), []);
  });

  it("keeps characters together that come in two pieces, and bounds a line", () => {
    const { take, text } = taking();
    const [first, ...rest] = Buffer.from("ü\n");
    take("a", "out", Buffer.from([first ?? 0]));
    take("a", "out", Buffer.from(rest));
    take("a", "out", Buffer.alloc(200_000, "x"));
    assert.match(text(), /^out a \| ü\nout a \| x{200000}\n$/);
  });
});

describe("what a hub tells again after it was lost", () => {
  it("is not shown twice, whatever it is", () => {
    const filter = replayFilter();
    const first = [accepted, phase("building", 0), output("."), output("."), output("x", 5)];
    assert.deepEqual(
      first.map((part) => filter.isNew(part)),
      [true, true, true, true, true],
    );
    filter.begin();
    const sameMoment = [output("y", 5), output("y", 5)];
    const again = [...first, ...sameMoment, phase("starting", 7), drone("a", "started")];
    assert.deepEqual(
      again.map((part) => filter.isNew(part)),
      [false, false, false, false, false, true, true, true, true],
    );
    filter.begin();
    assert.deepEqual(
      [...again, output("z", 5)].map((part) => filter.isNew(part)),
      [...again.map(() => false), true],
    );
  });

  it("takes a phase or a step of a drone for the same when only its time is another", () => {
    const filter = replayFilter();
    filter.isNew(drone("a", "started", { at: 1 }));
    filter.isNew(phase("building", 1));
    filter.begin();
    assert.equal(filter.isNew(phase("building", 2)), false);
    assert.equal(filter.isNew(drone("a", "started", { at: 2 })), false);
    assert.equal(filter.isNew(drone("a", "ready", { at: 2 })), true);
  });
});
