import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { splitFlags } from "../src/run.js";

describe("arguments", () => {
  it("are taken as --a=b and --a b alike, but not behind --", () => {
    assert.deepEqual(splitFlags(["drone", "--env=A=B=C", "--name", "x", "--", "node", "--x=y"]), [
      "drone",
      "--env",
      "A=B=C",
      "--name",
      "x",
      "--",
      "node",
      "--x=y",
    ]);
    assert.deepEqual(splitFlags(["ps", "--secret="]), ["ps", "--secret", ""]);
    assert.deepEqual(splitFlags(["split", "webapp", "a=1"]), ["split", "webapp", "a=1"]);
  });
});
