import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Forwarding, type ForwardingOptions } from "../../src/core/forwarding.js";
import { NetworkList } from "../../src/core/networks.js";
import { parseRequestHead, RequestHead } from "../../src/core/request-head.js";
import { requestHeadText } from "../../src/core/rewrite.js";
import { headOf, latin1 } from "../support/parsed.js";

const options: ForwardingOptions = {
  trusted: NetworkList.parse(["10.0.0.0/8", "::1"]),
  via: "",
  forwarded: false,
  requestId: false,
  traceContext: "pass",
};
const stranger = { address: "203.0.113.7", isSecure: false };
const front = { address: "10.0.0.1", isSecure: false };

function hexOf(digits: number): string {
  return "ab".repeat(digits / 2);
}

/** Fields of the forwarded request, and who is taken for the visitor. */
function forward(
  connection: { address: string; isSecure: boolean; port?: number },
  lines: readonly string[],
  changes: Partial<ForwardingOptions> = {},
) {
  const bytes = latin1(headOf("GET / HTTP/1.1", "Host: a", ...lines));
  const head = new RequestHead();
  assert.ok(parseRequestHead(bytes, 0, bytes.length, head) > 0, head.badReason);
  const forwarding = new Forwarding(connection, { ...options, ...changes }, hexOf);
  const text = requestHeadText(bytes, head, {
    fates: forwarding.fates,
    lines: forwarding.linesOf(bytes, head),
    keepsFraming: true,
    keepsUpgrade: false,
    keepsExpect: false,
  });
  const fields = text.split("\r\n").slice(1, -2);
  const visitor = forwarding.visitorOf(bytes, head);
  return {
    fields: fields.filter((field) => field !== "Host: a"),
    visitor,
    id: forwarding.requestId,
  };
}

const lies = [
  "X-Forwarded-For: 1.1.1.1",
  "X-Forwarded-Proto: https",
  "X-Forwarded-Host: b",
  "Forwarded: for=1.1.1.1",
  "X-Real-IP: 1.1.1.1",
  "X-Request-Id: mine",
  "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
];

describe("what a forwarded request says about its visitor", () => {
  it("is the connection's word, not his", () => {
    const { fields, visitor } = forward({ ...stranger, isSecure: true, port: 443 }, lies, {
      requestId: true,
    });
    assert.deepEqual(fields, [
      "X-Forwarded-For: 203.0.113.7",
      "X-Forwarded-Proto: https",
      "X-Forwarded-Host: a",
      "X-Forwarded-Port: 443",
      `X-Request-Id: ${hexOf(32)}`,
    ]);
    assert.deepEqual(visitor, { ...stranger, isSecure: true, port: 443 });
  });

  it("is what a trusted proxy says, and goes on", () => {
    const sent = [
      "X-Forwarded-For: 1.1.1.1, 203.0.113.7, 10.0.0.2",
      "X-Forwarded-Proto: https",
      "X-Forwarded-Host: b",
      "X-Forwarded-Prefix: /p",
    ];
    const { fields, visitor } = forward(front, sent);
    assert.deepEqual(fields, [
      "X-Forwarded-For: 1.1.1.1, 203.0.113.7, 10.0.0.2, 10.0.0.1",
      "X-Forwarded-Proto: https",
      "X-Forwarded-Host: b",
      "X-Forwarded-Prefix: /p",
    ]);
    assert.deepEqual(visitor, { address: "203.0.113.7", isSecure: true });
  });

  it("is completed where a trusted proxy says nothing", () => {
    const { fields, visitor } = forward(front, []);
    assert.deepEqual(fields, [
      "X-Forwarded-For: 10.0.0.1",
      "X-Forwarded-Proto: http",
      "X-Forwarded-Host: a",
    ]);
    assert.deepEqual(visitor, front);
  });

  it("is read from the right, up to what is no address", () => {
    const visitorOf = (list: string) =>
      forward(front, [`X-Forwarded-For: ${list}`]).visitor.address;
    assert.equal(visitorOf("10.1.1.1, 10.0.0.2"), "10.1.1.1");
    assert.equal(visitorOf("9.9.9.9, unknown, 10.0.0.2"), "10.0.0.2");
    assert.equal(visitorOf("unknown"), "10.0.0.1");
    assert.equal(visitorOf("9.9.9.9:1234"), "9.9.9.9");
    assert.equal(visitorOf("[2001:db8::1]:443, ::1"), "2001:db8::1");
    assert.equal(visitorOf("<script>"), "10.0.0.1");
  });

  it("may be said the RFC's way", () => {
    const sent = ['Forwarded: for="[2001:db8::1]:80";proto=https, for=10.0.0.2;proto=https'];
    const { fields, visitor } = forward(front, sent, { forwarded: true });
    assert.deepEqual(visitor, { address: "2001:db8::1", isSecure: true });
    assert.equal(
      fields.at(-1),
      'Forwarded: for="[2001:db8::1]:80";proto=https, for=10.0.0.2;proto=https, for=10.0.0.1;host="a";proto=http',
    );
    const own = forward({ address: "::ffff:9.9.9.9", isSecure: false }, [], { forwarded: true });
    assert.equal(own.fields.at(-1), 'Forwarded: for=9.9.9.9;host="a";proto=http');
    const six = forward({ address: "2001:db8::2", isSecure: false }, [], { forwarded: true });
    assert.equal(six.fields.at(-1), 'Forwarded: for="[2001:db8::2]";host="a";proto=http');
  });

  it("names us in Via, behind those before us", () => {
    const { fields } = forward(stranger, ["Via: 1.0 before"], { via: "propagit" });
    assert.equal(fields.at(-1), "Via: 1.0 before, 1.1 propagit");
    assert.equal(forward(stranger, [], { via: undefined }).fields.at(-1), "Via: 1.1 propagit");
  });

  it("has the request id of a trusted proxy, or a new one", () => {
    const trusted = forward(front, ["X-Request-Id: theirs"], { requestId: true });
    assert.equal(trusted.id, "theirs");
    assert.ok(trusted.fields.includes("X-Request-Id: theirs"));
    assert.equal(forward(stranger, ["X-Request-Id: his"], { requestId: true }).id, hexOf(32));
  });

  it("is made once for the same host on a connection, and anew for another", () => {
    const forwarding = new Forwarding(stranger, options, hexOf);
    const linesFor = (host: string) => {
      const bytes = latin1(headOf("GET / HTTP/1.1", `Host: ${host}`));
      const head = new RequestHead();
      parseRequestHead(bytes, 0, bytes.length, head);
      return forwarding.linesOf(bytes, head);
    };
    assert.equal(linesFor("a"), linesFor("a"));
    assert.match(linesFor("b"), /X-Forwarded-Host: b\r\n/);
  });
});

describe("trace context", () => {
  const trace = "0af7651916cd43dd8448eb211c80319c";
  const parent = `traceparent: 00-${trace}-b7ad6b7169203331-01`;
  const traces = (
    lines: readonly string[],
    traceContext: ForwardingOptions["traceContext"],
    from = front,
  ) => forward(from, lines, { traceContext }).fields.filter((field) => field.startsWith("trace"));

  it("passes when it comes from a trusted network, and not otherwise", () => {
    assert.deepEqual(traces([parent, "tracestate: a=b"], "pass"), [parent, "tracestate: a=b"]);
    assert.deepEqual(traces([parent, "tracestate: a=b"], "pass", stranger), []);
    assert.deepEqual(traces([parent], "off", stranger), [parent]);
  });

  it("is joined, or started where there is none that counts", () => {
    const joined = `traceparent: 00-${trace}-${hexOf(16)}-01`;
    const started = `traceparent: 00-${hexOf(32)}-${hexOf(16)}-01`;
    assert.deepEqual(traces([parent, "tracestate: a=b"], "join"), [joined, "tracestate: a=b"]);
    assert.deepEqual(traces([parent, "tracestate: a=b"], "join", stranger), [started]);
    for (const wrong of [
      `00-${"0".repeat(32)}-b7ad6b7169203331-01`,
      `00-${trace}-${"0".repeat(16)}-01`,
      `ff-${trace}-b7ad6b7169203331-01`,
      `00-${trace}-b7ad6b7169203331-01-x`,
      `00-${trace.toUpperCase()}-b7ad6b7169203331-01`,
      "x",
    ]) {
      assert.deepEqual(
        traces([`traceparent: ${wrong}`, "tracestate: a=b"], "join"),
        [started],
        wrong,
      );
    }
    const later = `traceparent: 01-${trace}-b7ad6b7169203331-f0-more`;
    assert.deepEqual(traces([later], "join"), [`traceparent: 00-${trace}-${hexOf(16)}-00`]);
  });
});
