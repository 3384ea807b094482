import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { open, seal } from "../src/index.js";
import { crypto } from "./support/sessions.js";

const fresh = { key: "k".repeat(64), nextSeq: 1 };

describe("a sealed frame", () => {
  it("opens to what was sealed, and moves the number on", () => {
    fc.assert(
      fc.property(fc.json(), fc.integer({ min: 1, max: 1e12 }), (json, nextSeq) => {
        const state = { ...fresh, nextSeq };
        const sealed = seal(crypto, state, json);
        assert.deepEqual(sealed.seal, { ...fresh, nextSeq: nextSeq + 1 });
        const opened = open(crypto, state, sealed.text);
        assert.deepEqual(opened, { kind: "fresh", json, seal: sealed.seal });
      }),
    );
  });

  it("is bad when any one character is another", () => {
    const { text } = seal(crypto, fresh, '{"kind":"ping"}');
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.string({ minLength: 1, maxLength: 1 }),
        (at, char) => {
          fc.pre(text[at] !== char);
          const changed = text.slice(0, at) + char + text.slice(at + 1);
          assert.equal(open(crypto, fresh, changed).kind, "bad");
        },
      ),
    );
  });

  it("is bad under another key", () => {
    const { text } = seal(crypto, fresh, "{}");
    assert.deepEqual(open(crypto, { ...fresh, key: "other" }, text), {
      kind: "bad",
      reason: "has a wrong seal",
    });
  });

  it("is repeated when its number was there, and bad when one before it was not", () => {
    const first = seal(crypto, fresh, "{}");
    const second = seal(crypto, first.seal, "{}");
    assert.deepEqual(open(crypto, second.seal, first.text), { kind: "repeated" });
    assert.deepEqual(open(crypto, fresh, second.text), {
      kind: "bad",
      reason: "is number 2, but number 1 never came",
    });
  });

  it("gives a reason for any text, and never throws", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        assert.equal(open(crypto, fresh, text).kind, "bad");
      }),
    );
  });
});
