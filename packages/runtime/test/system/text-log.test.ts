import assert from "node:assert/strict";
import { it } from "node:test";
import { textLog } from "../../src/index.js";

it("a log keeps what strangers sent from posing as a line and from steering the terminal", () => {
  const lines: string[] = [];
  const log = textLog("hub", (line) => lines.push(line));
  log.info("ready");
  log.warn("it said \u001b[2J\u009b1m\r\n12:00:00 hub all is well\tü\u202e");
  assert.match(lines[0] ?? "", /^\d\d:\d\d:\d\d hub ready\n$/);
  assert.equal(
    lines[1]?.slice(9),
    "hub ! it said \\x1b[2J\\x9b1m\\x0d\n    12:00:00 hub all is well\\x09ü\\u202e\n",
  );
});
