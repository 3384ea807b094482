import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bad, incomplete } from "../../src/core/head.js";
import { parseProxyHeader, ProxyHeader } from "../../src/core/proxy-protocol.js";
import { latin1 } from "../support/parsed.js";

const signature = "\r\n\r\n\0\r\nQUIT\n";

function parse(bytes: Buffer) {
  const header = new ProxyHeader();
  return { after: parseProxyHeader(bytes, 0, bytes.length, header), header };
}

function binary(command: number, family: number, body: Buffer): Buffer {
  const head = Buffer.from([command, family, body.length >> 8, body.length & 0xff]);
  return Buffer.concat([latin1(signature), head, body]);
}

function tlv(type: number, value: string): Buffer {
  return Buffer.concat([
    Buffer.from([type, value.length >> 8, value.length & 0xff]),
    latin1(value),
  ]);
}

const four = Buffer.from([203, 0, 113, 7, 10, 0, 0, 1, 0xc8, 0x02, 0x01, 0xbb]);
const six = Buffer.concat([
  Buffer.from("20010db8000000000000000000000001", "hex"),
  Buffer.from("00000000000000000000000000000001", "hex"),
  Buffer.from([0, 1, 0, 2]),
]);

describe("a PROXY header", () => {
  it("is read as a line", () => {
    const { after, header } = parse(latin1("PROXY TCP4 203.0.113.7 10.0.0.1 51202 443\r\nGET"));
    assert.equal(after, 43);
    assert.deepEqual(
      header,
      Object.assign(new ProxyHeader(), {
        isLocal: false,
        sourceAddress: "203.0.113.7",
        sourcePort: 51_202,
        destinationAddress: "10.0.0.1",
        destinationPort: 443,
        isSecure: false,
        authority: "",
        badReason: "",
      }),
    );
    assert.equal(parse(latin1("PROXY TCP6 ::1 2001:db8::1 1 2\r\n")).header.sourceAddress, "::1");
    assert.equal(parse(latin1("PROXY UNKNOWN ffff::1 x y\r\n")).header.isLocal, true);
  });

  it("is read as bytes, with what it says about TLS", () => {
    const body = Buffer.concat([four, tlv(0x02, "shop.example"), tlv(0x20, "\x01\0\0\0\0")]);
    const { after, header } = parse(binary(0x21, 0x11, body));
    assert.equal(after, 16 + body.length);
    assert.deepEqual(
      header,
      Object.assign(new ProxyHeader(), {
        isLocal: false,
        sourceAddress: "203.0.113.7",
        sourcePort: 51_202,
        destinationAddress: "10.0.0.1",
        destinationPort: 443,
        isSecure: true,
        authority: "shop.example",
        badReason: "",
      }),
    );
    const v6 = parse(binary(0x21, 0x21, six)).header;
    assert.deepEqual(
      [v6.sourceAddress, v6.destinationAddress, v6.destinationPort],
      ["2001:db8::1", "::1", 2],
    );
  });

  it("says nothing about whom when the proxy speaks for itself, or of what has no address", () => {
    for (const bytes of [
      binary(0x20, 0x11, four),
      binary(0x21, 0, Buffer.alloc(0)),
      binary(0x21, 0x31, six),
    ]) {
      const { after, header } = parse(bytes);
      assert.deepEqual([after, header.isLocal, header.sourceAddress], [bytes.length, true, ""]);
    }
  });

  it("is the same in pieces", () => {
    for (const bytes of [
      latin1("PROXY TCP4 203.0.113.7 10.0.0.1 51202 443\r\n"),
      binary(0x21, 0x11, four),
    ]) {
      for (let end = 0; end < bytes.length; end++) {
        assert.equal(parse(bytes.subarray(0, end)).after, incomplete, `${end}`);
      }
    }
  });

  const wrong: readonly (readonly [what: string, bytes: Buffer])[] = [
    ["a request", latin1("GET / HTTP/1.1\r\n")],
    ["a request that starts alike", latin1("PROPFIND")],
    ["a line without an end", latin1(`PROXY UNKNOWN ${"x".repeat(100)}`)],
    ["a bare CR", latin1("PROXY UNKNOWN\rx")],
    ["another family", latin1("PROXY TCP5 1.1.1.1 1.1.1.1 1 1\r\n")],
    ["an address of the other family", latin1("PROXY TCP4 ::1 ::1 1 1\r\n")],
    ["no address", latin1("PROXY TCP4 a b 1 1\r\n")],
    ["a port beyond 65535", latin1("PROXY TCP4 1.1.1.1 1.1.1.1 65536 1\r\n")],
    ["a port with zeros", latin1("PROXY TCP4 1.1.1.1 1.1.1.1 01 1\r\n")],
    ["two spaces", latin1("PROXY  TCP4 1.1.1.1 1.1.1.1 1 1\r\n")],
    ["more words", latin1("PROXY TCP4 1.1.1.1 1.1.1.1 1 1 1\r\n")],
    ["another signature", latin1("\r\n\r\n\0\r\nQUIT\r")],
    ["version 3", binary(0x31, 0x11, four)],
    ["another command", binary(0x22, 0x11, four)],
    ["another family in bytes", binary(0x21, 0x41, six)],
    ["datagrams", binary(0x21, 0x12, four)],
    ["too few bytes", binary(0x21, 0x11, four.subarray(1))],
    [
      "a TLV that is too long",
      binary(0x21, 0x11, Buffer.concat([four, tlv(2, "abc").subarray(0, -1)])),
    ],
    ["half a TLV", binary(0x21, 0x11, Buffer.concat([four, Buffer.from([2, 0])]))],
    ["more than is allowed", binary(0x21, 0x11, Buffer.alloc(5000))],
  ];
  for (const [what, bytes] of wrong) {
    it(`is refused: ${what}`, () => {
      const { after, header } = parse(bytes);
      assert.equal(after, bad);
      assert.notEqual(header.badReason, "");
      assert.equal(header.isLocal, true);
    });
  }
});
