import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultsOfInstance } from "../../src/system/connect.js";
import { commitA } from "../support/samples.js";

const instance = { COMMIT: commitA, PROCESS_ID: "p1", HOST: "10.0.0.7", PORT: "8000" };

describe("the environment of a process", () => {
  it("that a drone started says commit, process and host of what it registers", () => {
    assert.deepEqual(defaultsOfInstance(instance), {
      commit: commitA,
      meta: { process: "p1" },
      host: "10.0.0.7",
    });
  });

  it("names no host when the process is to listen everywhere", () => {
    for (const HOST of ["0.0.0.0", "::", ""]) {
      const { host } = defaultsOfInstance({ ...instance, HOST });
      assert.equal(host, undefined);
    }
  });

  it("says nothing when no drone started it", () => {
    assert.deepEqual(defaultsOfInstance({ HOST: "laptop" }), {});
    assert.deepEqual(defaultsOfInstance({ HOST: "laptop", COMMIT: "HEAD", PROCESS_ID: "p" }), {});
    assert.deepEqual(defaultsOfInstance({ HOST: "laptop", COMMIT: commitA }), {});
  });
});
