import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readRelays, withRelays } from "../../src/core/relay-query.js";

const ids = ["00112233445566aa", "ffeeddccbbaa9988"];

describe("relays in the address that is asked for", () => {
  it("are read as they were written", () => {
    assert.deepEqual(readRelays(withRelays(ids)), ids);
    assert.deepEqual(readRelays(`x=1&${withRelays(ids)}`), ids);
  });

  it("are none where nobody wrote any, or something else", () => {
    for (const query of [
      "",
      "relays",
      "relays=",
      "relays=me.you",
      "relays=00112233445566aa0",
      "%",
    ]) {
      assert.deepEqual(readRelays(query), [], query);
    }
  });

  it("are no more than a bound", () => {
    const many = Array.from({ length: 1_000 }, (_, n) => n.toString(16).padStart(16, "0"));
    assert.equal(readRelays(`relays=${many.join(".")}`).length, 64);
    assert.equal(readRelays(withRelays(many)).length, 64);
  });
});
