import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { answerFates, requestFates } from "../../src/core/drops.js";
import { compileEdits, wrongField } from "../../src/core/edits.js";
import { parseRequestHead, RequestHead } from "../../src/core/request-head.js";
import { parseResponseHead, ResponseHead } from "../../src/core/response-head.js";
import {
  answerHeadInPlace,
  answerText,
  type HeadPlan,
  requestHeadText,
  type RequestPlan,
} from "../../src/core/rewrite.js";
import { makeAnswer, makeRequest, randomOf } from "../support/message-maker.js";
import { askedGet, headOf, latin1, readAnswer, refusalOf } from "../support/parsed.js";

const plan: RequestPlan = {
  fates: requestFates(),
  lines: "X-Ours: 1\r\n",
  keepsFraming: true,
  keepsUpgrade: false,
  keepsExpect: false,
};
const answerPlan: HeadPlan = { ...plan, fates: answerFates };

function rewriteRequest(text: string, changes: Partial<RequestPlan> = {}): string {
  const planned = { ...plan, ...changes };
  const bytes = latin1(`${"#".repeat(300)}${text}body`);
  const head = new RequestHead();
  assert.ok(parseRequestHead(bytes, 300, bytes.length, head) > 0, head.badReason);
  return requestHeadText(bytes, head, planned);
}

/** By both ways, which must agree; the body behind must not move. */
function rewriteAnswer(text: string, changes: Partial<HeadPlan> = {}): string {
  const planned = { ...answerPlan, ...changes };
  const bytes = latin1(`${"#".repeat(300)}${text}body`);
  const head = new ResponseHead();
  const asked = { ...askedGet, isUpgrade: true };
  assert.ok(parseResponseHead(bytes, 300, bytes.length, head, asked) > 0, head.badReason);
  const rewritten = answerText(bytes, head, planned);
  assert.equal(answerText(bytes, head, planned, bytes.length), `${rewritten}body`);
  const start = answerHeadInPlace(bytes, head, planned, 0);
  if (start >= 0) assert.equal(bytes.toString("latin1", start), `${rewritten}body`);
  return rewritten;
}

const line = "GET /x HTTP/1.1";

describe("a request on its way to the endpoint", () => {
  it("keeps what it has, byte by byte, with ours in front", () => {
    assert.equal(
      rewriteRequest(headOf(line, "hOsT: a", "X:  y\t", "Cookie: a=b")),
      headOf(line, "X-Ours: 1", "hOsT: a", "X:  y\t", "Cookie: a=b"),
    );
  });

  it("leaves what belongs to the connection, and what Connection names", () => {
    const sent = headOf(
      line,
      "Keep-Alive: 5",
      "Host: a",
      "Connection: keep-alive, X-Mine, Host, Content-Length",
      "X-Mine: 1",
      "Content-Length: 4",
      "Proxy-Connection: x",
      "Upgrade: websocket",
      "A: b",
      "HTTP2-Settings: x",
      "proxy_authorization: x",
    );
    const left = headOf(line, "X-Ours: 1", "Host: a", "Content-Length: 4", "A: b");
    assert.equal(rewriteRequest(sent), left);
  });

  it("leaves what the visitor says about others, however it is written", () => {
    const sent = headOf(
      line,
      "Host: a",
      "X-Forwarded-For: 1.1.1.1",
      "x_forwarded_for: 1.1.1.1",
      "X-Forwarded-Anything: 1",
      "X-Forwarded: kept",
      "Forwarded: for=1.1.1.1",
      "X-Real-Ip: 1.1.1.1",
      "Traceparent: x",
      "Via: 1.1 before",
    );
    assert.equal(rewriteRequest(sent), headOf(line, "X-Ours: 1", "Host: a", "X-Forwarded: kept"));
    const believed = requestFates(["x-real-ip"]);
    const kept = rewriteRequest(headOf(line, "Host: a", "X-Real-IP: b"), { fates: believed });
    assert.equal(kept, headOf(line, "X-Ours: 1", "Host: a", "X-Real-IP: b"));
  });

  it("gets another method, target and host when told so", () => {
    const sent = headOf("POST /x HTTP/1.1", "A: b", "Host: a");
    assert.equal(
      rewriteRequest(sent, { method: "PUT", target: "/y", host: "b" }),
      headOf("PUT /y HTTP/1.1", "Host: b", "X-Ours: 1", "A: b"),
    );
  });

  it("is HTTP/1.1 with a path and a Host, whatever it was", () => {
    assert.equal(
      rewriteRequest(headOf("GET / HTTP/1.0")),
      headOf("GET / HTTP/1.1", "Host: ", "X-Ours: 1"),
    );
    assert.equal(
      rewriteRequest(headOf("GET http://a?b HTTP/1.1", "Host: a")),
      headOf("GET /?b HTTP/1.1", "X-Ours: 1", "Host: a"),
    );
    assert.equal(
      rewriteRequest(headOf("GET http://a/b HTTP/1.0")),
      headOf("GET /b HTTP/1.1", "Host: a", "X-Ours: 1"),
    );
  });

  it("asks for trailers, an upgrade and 100 only when they go through", () => {
    const sent = headOf(line, "Host: a", "TE: trailers", "Expect: 100-continue");
    const te = ["X-Ours: 1", "Connection: TE", "TE: trailers", "Host: a"];
    assert.equal(rewriteRequest(sent), headOf(line, ...te));
    const expects = rewriteRequest(sent, { keepsExpect: true });
    assert.equal(expects, headOf(line, ...te, "Expect: 100-continue"));
    const upgrade = headOf(line, "Host: a", "Upgrade: websocket", "Connection: Upgrade");
    assert.equal(
      rewriteRequest(upgrade, { keepsUpgrade: true }),
      headOf(line, "X-Ours: 1", "Connection: upgrade", "Host: a", "Upgrade: websocket"),
    );
  });

  it("is framed anew when told so", () => {
    const sent = headOf("PUT /x HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "Trailer: b");
    assert.equal(rewriteRequest(sent), sent.replace("Host", "X-Ours: 1\r\nHost"));
    assert.equal(
      rewriteRequest(sent, { keepsFraming: false, lines: "Content-Length: 1\r\n" }),
      headOf("PUT /x HTTP/1.1", "Content-Length: 1", "Host: a"),
    );
  });

  it("is edited", () => {
    const edits = compileEdits({
      set: { "X-Set": "new" },
      add: [["X-Add", "2"]],
      remove: ["Cookie"],
    });
    const sent = headOf(line, "cookie: a", "Host: a", "x_set: old", "X-Add: 1");
    assert.equal(
      rewriteRequest(sent, { edits }),
      headOf(line, "X-Ours: 1", "X-Set: new", "X-Add: 2", "Host: a", "X-Add: 1"),
    );
  });

  it("can be read again, strictly, whatever it was", () => {
    for (let seed = 1; seed <= 2000; seed++) {
      const text = firstHeadOf(makeRequest(randomOf(seed)));
      const rewritten = refusalOf(text) === "accepted" ? rewriteRequest(text) : undefined;
      if (rewritten !== undefined) assert.equal(refusalOf(rewritten), "accepted");
    }
  });
});

describe("an answer on its way to the visitor", () => {
  it("is left alone in place when there is no room", () => {
    const text = headOf("HTTP/1.1 200 OK", "Content-Length: 4");
    const bytes = latin1(text);
    const head = new ResponseHead();
    parseResponseHead(bytes, 0, bytes.length, head, askedGet);
    assert.equal(answerHeadInPlace(bytes, head, answerPlan, 0), -1);
    assert.equal(bytes.toString("latin1"), text);
  });

  it("keeps its reason and fields, but not what belongs to the connection", () => {
    const sent = headOf(
      "HTTP/1.0 200 Fine",
      "Connection: keep-alive, X-Hop",
      "Content-Length: 4",
      "Keep-Alive: timeout=5",
      "X-Hop: 1",
      "Set-Cookie: a",
      "Set-Cookie: b",
      "X-Forwarded-For: kept",
    );
    assert.equal(
      rewriteAnswer(sent),
      headOf(
        "HTTP/1.1 200 Fine",
        "X-Ours: 1",
        "Content-Length: 4",
        "Set-Cookie: a",
        "Set-Cookie: b",
        "X-Forwarded-For: kept",
      ),
    );
  });

  it("gets a status line as it should be", () => {
    assert.equal(
      rewriteAnswer(headOf("HTTP/1.1 200", "A: b")),
      headOf("HTTP/1.1 200 ", "X-Ours: 1", "A: b"),
    );
  });

  it("is edited, framed anew, and upgrades", () => {
    const sent = headOf("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Server: x", "Trailer: y");
    const edits = compileEdits({ remove: ["Server"] });
    assert.equal(
      rewriteAnswer(sent, { edits, keepsFraming: false }),
      headOf("HTTP/1.1 200 OK", "X-Ours: 1"),
    );
    const upgrade = headOf("HTTP/1.1 101 S", "Upgrade: websocket", "Connection: Upgrade");
    assert.equal(
      rewriteAnswer(upgrade, { keepsUpgrade: true, lines: "" }),
      headOf("HTTP/1.1 101 S", "Connection: upgrade", "Upgrade: websocket"),
    );
  });

  it("is the same in place and as a text, whatever it was", () => {
    for (let seed = 1; seed <= 2000; seed++) {
      const text = firstHeadOf(makeAnswer(randomOf(seed)));
      if ("status" in (readAnswer(text) ?? {})) rewriteAnswer(text);
    }
  });
});

function firstHeadOf(text: string): string {
  return text.slice(0, text.indexOf("\r\n\r\n") + 4);
}

describe("edits", () => {
  it("are refused when they are no fields, or frame the message", () => {
    assert.match(wrongField("a b", "") ?? "", /no header name/);
    assert.match(wrongField("a", "b\r\nc: d") ?? "", /characters/);
    assert.match(wrongField("Content_Length", "1") ?? "", /framed/);
    assert.equal(wrongField("X-Fine", "a \xe4\t"), undefined);
    assert.throws(() => compileEdits({ set: { Host: "b" } }), RangeError);
  });
});
