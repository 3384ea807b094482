import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isAddress, NetworkList } from "../../src/core/networks.js";

describe("a list of networks", () => {
  it("has the addresses in them, in either way to write IPv4", () => {
    const list = NetworkList.parse(["10.0.0.0/8", "192.168.1.7", "fd00::/7", "::1", "0.0.0.0/32"]);
    for (const inside of [
      "10.255.0.1",
      "::ffff:10.1.2.3",
      "192.168.1.7",
      "fdff::1",
      "FC00::",
      "::1%lo",
    ]) {
      assert.equal(list.has(inside), true, inside);
    }
    for (const outside of [
      "11.0.0.1",
      "192.168.1.8",
      "fe80::1",
      "::2",
      "",
      "10.0.0",
      "10.0.0.1.",
      "x",
    ]) {
      assert.equal(list.has(outside), false, outside);
    }
  });

  it("has everything of a family with /0", () => {
    assert.equal(NetworkList.parse(["0.0.0.0/0"]).has("1.2.3.4"), true);
    assert.equal(NetworkList.parse(["0.0.0.0/0"]).has("2001:db8::1"), false);
    assert.equal(NetworkList.parse(["::/0"]).has("1.2.3.4"), true);
    assert.equal(NetworkList.parse([]).has("1.2.3.4"), false);
  });

  it("compares as many bits as it says", () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), fc.integer({ min: 0, max: 32 }), (a, b, bits) => {
        const number = (address: string) =>
          address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
        const shift = 2 ** (32 - bits);
        const isSame = Math.floor(number(a) / shift) === Math.floor(number(b) / shift);
        assert.equal(NetworkList.parse([`${a}/${bits}`]).has(b), isSame);
      }),
    );
  });

  it("refuses what is no network", () => {
    for (const text of [
      "10.0.0.0/33",
      "::/129",
      "a/8",
      "10.0.0.0/",
      "10.0.0.0/8/8",
      "10.0.0.0/-1",
      "1",
    ]) {
      assert.throws(() => NetworkList.parse([text]), RangeError, text);
    }
  });
});

describe("an address", () => {
  it("is what people agree to be one", () => {
    fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => isAddress(address)));
    for (const text of [
      "01.2.3.4",
      "1.2.3.256",
      "1::2::3",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "12345::",
    ]) {
      assert.equal(isAddress(text), false, text);
    }
  });
});
