import assert from "node:assert/strict";
import { BlockList, isIPv6 } from "node:net";
import { describe, it } from "node:test";
import { isNetwork } from "@propagit/protocol";
import fc from "fast-check";
import { isAddress, NetworkList, visitorNetwork } from "../../src/core/networks.js";

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
    assert.equal(NetworkList.parse(["::/0"]).has("2001:db8::1"), true);
    assert.equal(NetworkList.parse(["::/0"]).has("1.2.3.4"), false);
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

  it("says what is no network, and why", () => {
    const tooLong = '"10.0.0.0/33" is no network: what follows the slash is a number from 0 to 32';
    assert.throws(() => NetworkList.parse(["10.0.0.1", "10.0.0.0/33"]), { message: tooLong });
    const noAddress = '"300.0.0.1" is no network, such as 10.0.0.0/8: "300.0.0.1" is no address';
    assert.throws(() => NetworkList.parse(["300.0.0.1"]), { message: noAddress });
  });

  it("takes whatever the hub takes as a network, and nothing else", () => {
    const piece = fc.constantFrom(
      ..."0123456789afF:./".split(""),
      "10.0.0.0",
      "::",
      "fe80::1",
      "/3",
    );
    const text = fc.oneof(
      fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join("")),
      fc.tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(200)).map((both) => both.join("/")),
    );
    fc.assert(
      fc.property(text, (one) => {
        assert.equal(!NetworkList.parseValid([one]).isEmpty, isNetwork(one), one);
      }),
      { seed: 11, numRuns: 20_000, examples: [["::ffff:1.2.3.4/20"], ["1.2.3.4::/8"]] },
    );
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

describe("networks", () => {
  it("hold what they say, also IPv4 within IPv6", () => {
    const list = NetworkList.parse([
      "10.0.0.0/8",
      "192.0.2.7",
      "2001:db8::/33",
      "::1",
      "0.0.0.0/32",
    ]);
    const inside = [
      "10.255.0.1",
      "192.0.2.7",
      "::ffff:10.1.2.3",
      "2001:db8:7fff::1",
      "::1",
      "::ffff:a00:1",
    ];
    const outside = [
      "11.0.0.1",
      "192.0.2.8",
      "2001:db8:8000::",
      "::2",
      "",
      "x",
      "10.0.0",
      "010.0.0.1",
      "10.0.0.0.0",
    ];
    for (const address of inside) assert.ok(list.has(address), address);
    for (const address of outside) assert.ok(!list.has(address), address);
    assert.ok(NetworkList.parse(["0.0.0.0/0"]).has("203.0.113.9"));
    assert.ok(!NetworkList.parse(["0.0.0.0/0"]).has("2001:db8::1"));
    assert.ok(NetworkList.parse(["::ffff:10.0.0.0/104"]).has("10.9.9.9"));
    assert.ok(NetworkList.parse(["::ffff:10.0.0.0/16"]).has("::1"));
    assert.ok(NetworkList.parse(["::ffff:0:0/96"]).has("203.0.113.9"));
    assert.ok(NetworkList.parse(["fe80::/10"]).has("fe80::1%eth0"));
  });

  it("that are none hold nothing", () => {
    for (const text of [
      "300.0.0.1",
      "10.0.0.0/33",
      "10.0.0.0/8/8",
      "1::2::3",
      "::/129",
      "1:2",
      "/8",
    ]) {
      const list = NetworkList.parseValid([text]);
      for (const address of ["10.0.0.1", "::", "1::2"]) assert.ok(!list.has(address), text);
    }
  });

  it("agree with Node's own list about any address", () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant("::ffff:10.0.0.1"));
    const bits = fc.integer({ min: 0, max: 128 });
    fc.assert(
      fc.property(address, bits, fc.array(address, { maxLength: 5 }), (base, bits, others) => {
        const family = isIPv6(base) ? "ipv6" : "ipv4";
        const length = family === "ipv4" ? bits % 33 : bits;
        // An IPv4 address within IPv6 is IPv4 for us, and both for Node.
        const isMapped = (one: string) => /^(?:0*:)*:?ffff:/i.test(one);
        if (isMapped(base)) return;
        const theirs = new BlockList();
        theirs.addSubnet(base, length, family);
        const ours = NetworkList.parse([`${base}/${length}`]);
        for (const one of [base, ...others]) {
          if (isMapped(one)) continue;
          const kind = isIPv6(one) ? "ipv6" : "ipv4";
          if (kind !== family) assert.equal(ours.has(one), false);
          else assert.equal(ours.has(one), theirs.check(one, kind), `${one} in ${base}/${length}`);
        }
      }),
      { seed: 7, numRuns: 2_000 },
    );
  });

  it("stand for visitors who can choose their address", () => {
    assert.equal(visitorNetwork("192.0.2.1"), "192.0.2.1");
    assert.equal(visitorNetwork("::ffff:192.0.2.1"), "192.0.2.1");
    assert.equal(visitorNetwork("::ffff:c000:201"), "192.0.2.1");
    assert.equal(visitorNetwork("2001:db8::1"), visitorNetwork("2001:db8:0:0:ffff::2"));
    assert.notEqual(visitorNetwork("2001:db8::1"), visitorNetwork("2001:db8:0:1::1"));
  });
});
