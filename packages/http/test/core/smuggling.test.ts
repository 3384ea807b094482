/**
 * What is known to make two parties see different messages in the same bytes, each with its refusal. After the lists of
 * PortSwigger's request smuggler and "HTTP Desync Attacks", "HTTP/1.1 must die", Black Hat's chunk-extension cases
 * (TERM.EXT, EXT.TERM), http-garden, and the CVEs of Node, HAProxy, nginx, Apache and gunicorn.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ChunkedScanner } from "../../src/core/chunked.js";
import { latin1, refusalOf } from "../support/parsed.js";

/** Lines between the request line and the blank line; `Host: a` is added. */
type Case = readonly [what: string, lines: string, refusal: string];

const cl = "Content-Length: 6";
const te = "Transfer-Encoding: chunked";
const otherCoding = "400 a Transfer-Encoding other than a single chunked";
const bothLengths = "400 both Content-Length and Transfer-Encoding";
const noLength = "400 a Content-Length that is no number";
const control = "400 a control character in a header value";
const space = "400 space in or behind a header name";
const noToken = "400 a header name that is no token";
const folded = "400 a header line that goes on over line ends";
const bareLf = "400 LF without CR";
const bareCr = "400 CR without LF";
const noExtension = "a chunk extension that is none";
const lookalike = "400 a header name that resembles one of those that frame a message";

const framing: readonly Case[] = [
  ["CL.TE", `${cl}\r\n${te}`, bothLengths],
  ["TE.CL", `${te}\r\n${cl}`, bothLengths],
  ["CL.0 with TE", `Content-Length: 0\r\n${te}`, bothLengths],
  ["two lengths", `${cl}\r\nContent-Length: 5`, "400 Content-Length twice"],
  ["two equal lengths", `${cl}\r\n${cl}`, "400 Content-Length twice"],
  ["a list of lengths", "Content-Length: 6, 6", noLength],
  ["a list of different lengths", "Content-Length: 6,5", noLength],
  ["a signed length", "Content-Length: +6", noLength],
  ["a negative length", "Content-Length: -6", noLength],
  ["a hexadecimal length", "Content-Length: 0x6", noLength],
  ["an exponent", "Content-Length: 6e0", noLength],
  ["a fraction", "Content-Length: 6.0", noLength],
  ["an underscore in a number", "Content-Length: 1_0", noLength],
  ["a quoted length", 'Content-Length: "6"', noLength],
  ["words behind a length", "Content-Length: 6 abc", noLength],
  ["a length in full-width digits", "Content-Length: \xef\xbc\x96", noLength],
  ["an octal length", "Content-Length: 010", "400 a Content-Length that starts with 0"],
  ["no length", "Content-Length:", "400 a Content-Length that is no length"],
  ["a blank length", "Content-Length:  \t", "400 a Content-Length that is no length"],
  [
    "a length beyond 64 bits",
    "Content-Length: 18446744073709551622",
    "400 a Content-Length that is no length",
  ],
  ["TE twice", `${te}\r\n${te}`, "400 Transfer-Encoding twice"],
  ["TE.TE: one is obscure", `Transfer-Encoding: x\r\n${te}`, otherCoding],
  ["TE.TE: the first is identity", `Transfer-Encoding: identity\r\n${te}`, otherCoding],
  ["a coding that is none", "Transfer-Encoding: xchunked", otherCoding],
  ["identity", "Transfer-Encoding: identity", otherCoding],
  ["chunked twice", "Transfer-Encoding: chunked, chunked", otherCoding],
  ["chunked not last", "Transfer-Encoding: chunked, gzip", otherCoding],
  ["chunked last of two", "Transfer-Encoding: gzip, chunked", otherCoding],
  ["an empty element before", "Transfer-Encoding: , chunked", otherCoding],
  ["an empty element behind", "Transfer-Encoding: chunked,", otherCoding],
  ["a parameter", "Transfer-Encoding: chunked;q=0.5", otherCoding],
  ["quotes", 'Transfer-Encoding: "chunked"', otherCoding],
  ["single quotes", "Transfer-Encoding: 'chunked'", otherCoding],
  ["nothing", "Transfer-Encoding:", otherCoding],
  ["bytes beyond ASCII", "Transfer-Encoding: \x80chunked", otherCoding],
  ["a Kelvin sign", "Transfer-Encoding: chun\xe2\x84\xaaed", otherCoding],
  ["a vertical tab", "Transfer-Encoding: \x0bchunked", control],
  ["a form feed", "Transfer-Encoding: chunked\x0c", control],
  ["NUL", "Transfer-Encoding: chunked\0", control],
  ["DEL", "Transfer-Encoding: \x7fchunked", control],
  ["a backspace", "Transfer-Encoding: \x08chunked", control],
];

const names: readonly Case[] = [
  ["space before the colon", "Transfer-Encoding : chunked", space],
  ["tab before the colon", "Transfer-Encoding\t: chunked", space],
  ["space in a name", "Transfer Encoding: chunked", space],
  ["space before a name", " Transfer-Encoding: chunked", folded],
  ["tab before a name", "\tTransfer-Encoding: chunked", folded],
  ["a folded value", "Transfer-Encoding:\r\n chunked", folded],
  ["a folded value, tab", "Transfer-Encoding:\r\n\tchunked", folded],
  ["a fold behind something", `X: y\r\n ${te}`, folded],
  ["a name beyond ASCII", "Transfer-Encoding\xa0: chunked", noToken],
  ["a name in quotes", '"Transfer-Encoding": chunked', noToken],
  ["a name with NUL", "Transfer-\0Encoding: chunked", noToken],
  ["a name with brackets", "[Transfer-Encoding]: chunked", noToken],
  ["a name with a slash", "Transfer/Encoding: chunked", noToken],
  ["no name", ": chunked", "400 a header field without a name"],
  ["a line without a colon", "Transfer-Encoding", "400 a header line without a colon"],
  ["underscore for the dash", "Transfer_Encoding: chunked", lookalike],
  ["underscore in a length", "Content_Length: 6", lookalike],
  ["bare LF between fields", `X: y\n${te}`, bareLf],
  ["bare LF behind a name", "X\n: y", bareLf],
  ["bare CR between fields", `X: y\r${te}`, bareCr],
  ["bare CR in a value", "X: y\rz", bareCr],
  ["CR CR LF", "X: y\r", bareCr],
  ["a blank line of LF alone", `X: y\r\n\nGET /admin HTTP/1.1`, bareLf],
  ["a blank line of CR alone", `X: y\r\n\rX: z`, bareCr],
  [
    "Connection that is no list",
    "Connection: a b",
    "400 a Connection field that is no list of names",
  ],
];

const hosts: readonly Case[] = [
  ["Host twice", "Host: b", "400 Host twice"],
  ["equal Hosts", "Host: a", "400 Host twice"],
  ["host with another case", "hOST: b", "400 Host twice"],
  ["Host as CGI reads it", "HOST : b", space],
];

function withHost(lines: string): string {
  return `POST / HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n`;
}

describe("a head that two parties could read differently", () => {
  for (const [what, lines, refusal] of [...framing, ...names, ...hosts]) {
    it(`is refused: ${what}`, () => assert.equal(refusalOf(withHost(lines)), refusal));
  }

  const noHost = "400 a Host that is no host";
  for (const host of [
    "",
    "a b",
    "a,b",
    "a, a",
    "user@a",
    "a/b",
    "a\\b",
    "a?b",
    "a#b",
    "http://a",
    "a:",
    "a:b",
    "a:80:80",
    "a:65536",
    "a:+80",
    "a:000080",
    "[::1",
    "::1",
    "[]",
    "[::1]a",
    "[::1]:x",
    "%61",
    "\xe4",
    'a"',
    "a;b",
  ]) {
    it(`is refused: Host "${host}"`, () => {
      assert.equal(refusalOf(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`), noHost);
    });
  }

  const whole: readonly Case[] = [
    ["no Host", "GET / HTTP/1.1\r\n\r\n", "400 no Host"],
    ["no Host, absolute target", "GET http://a/ HTTP/1.1\r\n\r\n", "400 no Host"],
    [
      "an absolute target of another host",
      "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
      "400 a target of another host than Host",
    ],
    [
      "an absolute target of another port",
      "GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n",
      "400 a target of another host than Host",
    ],
    ["a user in the target", "GET http://u@a/ HTTP/1.1\r\nHost: u@a\r\n\r\n", noHost],
    ["no host in the target", "GET http:///x HTTP/1.0\r\n\r\n", noHost],
    ["both of HTTP/1.0", `POST / HTTP/1.0\r\n${cl}\r\n${te}\r\n\r\n`, bothLengths],
    ["TE of HTTP/1.0", `POST / HTTP/1.0\r\n${te}\r\n\r\n`, "400 Transfer-Encoding on HTTP/1.0"],
    ["HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", "505 HTTP/1.2 is not spoken here"],
    ["HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505 HTTP/2.0 is not spoken here"],
    ["HTTP/0.9", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", "505 HTTP/0.9 is not spoken here"],
    ["TRACE with a body", `TRACE / HTTP/1.1\r\nHost: a\r\n${cl}\r\n\r\n`, "400 TRACE with a body"],
    ["CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", "501 CONNECT is not done here"],
    ["* of GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", "400 * is a target of OPTIONS only"],
    ["*x", "OPTIONS *x HTTP/1.1\r\nHost: a\r\n\r\n", "400 a target that starts with *"],
  ];
  for (const [what, text, refusal] of whole) {
    it(`is refused: ${what}`, () => assert.equal(refusalOf(text), refusal));
  }

  for (const line of [
    "GET /",
    "GET  / HTTP/1.1",
    "GET /  HTTP/1.1",
    "GET / HTTP/1.1 ",
    "GET /\tHTTP/1.1",
    "GET\t/ HTTP/1.1",
    " GET / HTTP/1.1",
    "GET / a HTTP/1.1",
    "GET / http/1.1",
    "GET / HTTP/1",
    "GET / HTTP/11",
    "GET / HTTP/1.10",
    "GET / HTTP/01.1",
    "GET / HTTP/+1.1",
    "GET / HTTP /1.1",
    "GET / HTTPS/1.1",
    "GET / HTTP/1.1\n",
    "GET / HTTP/1.1\r",
    "GET /\n HTTP/1.1",
    "GET /\0 HTTP/1.1",
    "GET /\x7f HTTP/1.1",
    "GET /\xe4 HTTP/1.1",
    "GET /#a HTTP/1.1",
    "GET /?a#b HTTP/1.1",
    "GET /a\\b HTTP/1.1",
    "GET a HTTP/1.1",
    "GET ftp://a/ HTTP/1.1",
    "GET http:/a HTTP/1.1",
    "GET http:// a HTTP/1.1",
    "GET ?a HTTP/1.1",
    "get / HTTP/1.1",
    "GE:T / HTTP/1.1",
    "G\0T / HTTP/1.1",
    "\n",
    "\x16\x03\x01\x02",
    "HTTP/1.1 200 OK",
  ]) {
    it(`is refused: ${JSON.stringify(line)}`, () => {
      assert.match(refusalOf(`${line}\r\nHost: a\r\n\r\n`), /^400 /);
    });
  }
});

describe("a chunked body that two parties could read differently", () => {
  const chunked: readonly (readonly [what: string, body: string, reason: string])[] = [
    ["no size", "\r\n", "a chunk without a size"],
    ["an extension without a size", ";a\r\n", "a chunk without a size"],
    ["a sign", "+5\r\nhello\r\n", "a chunk without a size"],
    ["a minus", "-5\r\n", "a chunk without a size"],
    ["0x", "0x5\r\nhello\r\n", "a chunk size that is no number"],
    ["a space before", " 5\r\nhello\r\n", "a chunk without a size"],
    ["a space behind", "5 \r\nhello\r\n", "a chunk size that is no number"],
    ["a tab behind", "5\t\r\nhello\r\n", "a chunk size that is no number"],
    ["a space before the extension", "5 ;a\r\nhello\r\n", "a chunk size that is no number"],
    ["an underscore", "1_0\r\n", "a chunk size that is no number"],
    ["a G", "5g\r\n", "a chunk size that is no number"],
    ["a comma", "5,a\r\n", "a chunk size that is no number"],
    ["33 bits", "100000005\r\nhello\r\n", "a chunk size of too many digits"],
    ["65 bits", "10000000000000005\r\n", "a chunk size of too many digits"],
    ["many zeros", "000000005\r\n", "a chunk size of too many digits"],
    ["LF behind the size", "5\nhello\r\n", "a chunk size that is no number"],
    ["CR without LF behind the size", "5\rhello", "CR without LF behind a chunk size"],
    ["CR CR LF", "5\r\r\nhello", "CR without LF behind a chunk size"],
    ["TERM.EXT: LF in an extension", "5;\nhello\r\n", noExtension],
    ["EXT.TERM: CR in an extension", "5;a\rb\r\n", "CR without LF behind a chunk size"],
    ["an empty extension", "5;\r\n", noExtension],
    ["a blank in an extension", "5; a\r\n", noExtension],
    ["a quoted CR", '5;a="\r\n"\r\n', noExtension],
    ["an open quote", '5;a="b\\"\r\n', noExtension],
    ["bytes behind a quote", '5;a="b"c\r\n', noExtension],
    ["an extension without a value", "5;a=\r\n", noExtension],
    ["NUL in an extension", "5;\0\r\n", noExtension],
    ["a long extension", `5;${"a".repeat(257)}`, "a chunk extension too long"],
    ["longer than it says", "5\r\nhello!\r\n", "a chunk longer than its size"],
    ["LF behind the data", "5\r\nhello\n0\r\n\r\n", "a chunk longer than its size"],
    ["CR without LF behind the data", "5\r\nhello\rx", "CR without LF behind a chunk"],
    ["SPILL: two bytes of no line end", "5\r\nhelloXX0\r\n\r\n", "a chunk longer than its size"],
    ["LF behind the last chunk", "0\r\n\n", "LF without CR in trailers"],
    [
      "a trailer that frames",
      "0\r\nContent-Length: 5\r\n",
      "a trailer that must not be one: content-length",
    ],
    [
      "a trailer that frames, as CGI reads it",
      "0\r\nTransfer_Encoding: chunked\r\n",
      "a trailer that must not be one: transfer_encoding",
    ],
    ["a trailer that routes", "0\r\nhost: b\r\n", "a trailer that must not be one: host"],
    [
      "a trailer that says who",
      "0\r\nX-Forwarded-For: 1.1.1.1\r\n",
      "a trailer that must not be one: x-forwarded-for",
    ],
    ["a trailer that is folded", "0\r\na: b\r\n c\r\n", "a trailer whose name is no token"],
    ["a trailer with a space", "0\r\na : b\r\n", "a trailer whose name is no token"],
    ["a trailer without a colon", "0\r\nabc\r\n", "a trailer whose name is no token"],
    ["a trailer with NUL", "0\r\na: \0\r\n", "a control character in a trailer"],
    ["a trailer with CR", "0\r\na: b\rc\r\n", "a control character in a trailer"],
    ["a request for a trailer", "0\r\nGET / HTTP/1.1\r\n", "a trailer whose name is no token"],
    ["a long trailer", `0\r\na: ${"b".repeat(8192)}\r\n`, "trailers too long"],
    ["many trailers", `0\r\n${"a: b\r\n".repeat(33)}`, "too many trailers"],
  ];
  for (const [what, body, reason] of chunked) {
    it(`is refused: ${what}`, () => {
      const scanner = new ChunkedScanner();
      const bytes = latin1(body);
      assert.equal(scanner.scan(bytes, 0, bytes.length), -2);
      assert.equal(scanner.badReason, reason);
      assert.equal(scanner.scan(bytes, 0, bytes.length), -2, "and stays so");
    });
  }

  it("is refused: extensions that are bounded each but not together", () => {
    const scanner = new ChunkedScanner();
    const bytes = latin1(`1;${"a".repeat(200)}\r\nx\r\n`);
    let rounds = 0;
    while (scanner.scan(bytes, 0, bytes.length) >= 0) rounds++;
    assert.equal(scanner.badReason, "too many chunk extensions");
    assert.equal(rounds, 81);
  });
});
