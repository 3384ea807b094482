import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { chooseWay, inlineBytesMax, sparedBytesMin } from "../../src/core/way.js";

const mebibyte = 1024 * 1024;

describe("the way of a commit", () => {
  it("is the direct one for a single drone", () => {
    assert.equal(chooseWay({ bytes: 100 * mebibyte, wanting: 1, holders: 0 }), "git");
  });

  it("is the swarm as soon as that spares the hub's line much", () => {
    assert.equal(chooseWay({ bytes: 100 * mebibyte, wanting: 2, holders: 0 }), "swarm");
    assert.equal(chooseWay({ bytes: mebibyte, wanting: 64, holders: 0 }), "swarm");
    assert.equal(chooseWay({ bytes: 2 * mebibyte, wanting: 3, holders: 0 }), "git");
    assert.equal(chooseWay({ bytes: 8 * mebibyte, wanting: 2, holders: 0 }), "git");
  });

  it("is the swarm for a newcomer when others hold the bytes", () => {
    assert.equal(chooseWay({ bytes: 100 * mebibyte, wanting: 1, holders: 4 }), "swarm");
  });

  it("is the answer itself for what is small, for however many", () => {
    assert.equal(chooseWay({ bytes: inlineBytesMax, wanting: 5_000, holders: 0 }), "inline");
    assert.equal(chooseWay({ bytes: 1, wanting: 1, holders: 0 }), "inline");
  });

  it("is the swarm for many when nobody knows how large it is", () => {
    assert.equal(chooseWay({ bytes: undefined, wanting: 2, holders: 0 }), "swarm");
    assert.equal(chooseWay({ bytes: undefined, wanting: 1, holders: 0 }), "git");
  });

  it("never goes back to git because more drones want it, or more bytes are to be sent", () => {
    const count = fc.nat({ max: 10_000 });
    fc.assert(
      fc.property(
        fc.nat(),
        count,
        count,
        count,
        fc.nat(),
        (bytes, wanting, holders, more, grow) => {
          const first = chooseWay({ bytes, wanting: wanting + 1, holders });
          if (first !== "swarm") return;
          const later = { bytes: bytes + grow, wanting: wanting + 1 + more, holders };
          assert.equal(chooseWay(later), "swarm");
          assert.ok((wanting + 1) * (bytes + 4 * mebibyte) >= sparedBytesMin);
        },
      ),
    );
  });
});
