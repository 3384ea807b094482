/**
 * The PROXY protocol (HAProxy's, versions 1 and 2): what a proxy in front says first on a connection about whom it
 * carries. Asked for by listener, and believed only from where it is trusted to come: who does not speak it there is
 * refused, as the specification demands.
 *
 *     v1   PROXY TCP4 203.0.113.7 10.0.0.1 51234 443\r\n       at most 107 bytes
 *     v2   12 bytes signature, version and command, family, length, addresses, TLVs
 */
import { CR, LF } from "./characters.js";
import { bad, incomplete } from "./head.js";
import { isAddress } from "./networks.js";

/** Whom the connection carries. */
export class ProxyHeader {
  /** The proxy speaks for itself (a health check), or does not know: the connection's own addresses count. */
  isLocal = true;
  sourceAddress = "";
  sourcePort = 0;
  destinationAddress = "";
  destinationPort = 0;
  /** v2 only: his connection to the proxy was encrypted, and the host name he asked for. */
  isSecure = false;
  authority = "";
  badReason = "";
}

const lineBytesMax = 107;
/** Addresses and TLVs; HAProxy sends no more than a few hundred bytes. */
const v2BytesMax = 4096;
const v2HeadBytes = 16;
const signature = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const lineStart = Buffer.from("PROXY ", "latin1");
const tlvAuthority = 0x02;
const tlvSsl = 0x20;

/** @returns the index after the header, `incomplete` or `bad`. */
export function parseProxyHeader(
  bytes: Buffer,
  start: number,
  end: number,
  into: ProxyHeader,
): number {
  if (start >= end) return incomplete;
  Object.assign(into, new ProxyHeader());
  if (bytes[start] === lineStart[0]) return parseLine(bytes, start, end, into);
  return parseBinary(bytes, start, end, into);
}

function refuse(into: ProxyHeader, reason: string): number {
  into.isLocal = true;
  into.badReason = reason;
  return bad;
}

function startsWith(bytes: Buffer, start: number, end: number, expected: Buffer): boolean {
  const present = Math.min(end - start, expected.length);
  return bytes.subarray(start, start + present).equals(expected.subarray(0, present));
}

function parseLine(bytes: Buffer, start: number, end: number, into: ProxyHeader): number {
  if (!startsWith(bytes, start, end, lineStart)) return refuse(into, "no PROXY header");
  const limit = Math.min(end, start + lineBytesMax);
  let at = start;
  while (at < limit && bytes[at] !== CR) at++;
  if (at + 1 >= limit) {
    return end - start >= lineBytesMax ? refuse(into, "a PROXY line without an end") : incomplete;
  }
  if (bytes[at + 1] !== LF) return refuse(into, "CR without LF in a PROXY line");
  return takeWords(bytes.toString("latin1", start, at).split(" "), at + 2, into);
}

function takeWords(words: readonly string[], after: number, into: ProxyHeader): number {
  const [, family, source = "", destination = "", sourcePort = "", destinationPort = "", ...rest] =
    words;
  // What follows UNKNOWN is to be ignored.
  if (family === "UNKNOWN") return after;
  const separator = family === "TCP4" ? "." : ":";
  const isFamily = family === "TCP4" || family === "TCP6";
  const areAddresses = [source, destination].every(
    (address) => isAddress(address) && address.includes(separator) && !address.includes("%"),
  );
  const arePorts = [sourcePort, destinationPort].every(isPort);
  if (!isFamily || !areAddresses || !arePorts || rest.length > 0) {
    return refuse(into, "a PROXY line that is not as it should be");
  }
  into.isLocal = false;
  into.sourceAddress = source;
  into.sourcePort = Number(sourcePort);
  into.destinationAddress = destination;
  into.destinationPort = Number(destinationPort);
  return after;
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

function parseBinary(bytes: Buffer, start: number, end: number, into: ProxyHeader): number {
  if (!startsWith(bytes, start, end, signature)) return refuse(into, "no PROXY header");
  if (end - start < v2HeadBytes) return incomplete;
  const versionAndCommand = bytes.readUInt8(start + 12);
  const length = bytes.readUInt16BE(start + 14);
  if (versionAndCommand >> 4 !== 2) return refuse(into, "a version of PROXY beyond 2");
  if (length > v2BytesMax) return refuse(into, `a PROXY header of more than ${v2BytesMax} bytes`);
  const after = start + v2HeadBytes + length;
  if (end < after) return incomplete;
  const command = versionAndCommand & 0x0f;
  if (command === 0) return after;
  if (command !== 1) return refuse(into, "a PROXY command other than LOCAL and PROXY");
  const family = bytes.readUInt8(start + 13);
  return takeBinary(bytes.subarray(start + v2HeadBytes, after), family, after, into);
}

/** Family 1 is IPv4, 2 IPv6, 0 and 3 are of no use to us; transport 1 is a stream. */
function takeBinary(body: Buffer, family: number, after: number, into: ProxyHeader): number {
  const addressBytes = family >> 4 === 1 ? 4 : 16;
  if (family === 0x00 || family >> 4 === 3) return after;
  if (family !== 0x11 && family !== 0x21)
    return refuse(into, "a PROXY header of a family that is none");
  const tlvs = 2 * addressBytes + 4;
  if (body.length < tlvs) return refuse(into, "a PROXY header too short for its addresses");
  into.sourceAddress = addressText(body.subarray(0, addressBytes));
  into.destinationAddress = addressText(body.subarray(addressBytes, 2 * addressBytes));
  into.sourcePort = body.readUInt16BE(2 * addressBytes);
  into.destinationPort = body.readUInt16BE(2 * addressBytes + 2);
  if (!takeTlvs(body.subarray(tlvs), into)) return refuse(into, "a PROXY header with a broken TLV");
  into.isLocal = false;
  return after;
}

function takeTlvs(tlvs: Buffer, into: ProxyHeader): boolean {
  for (let at = 0; at < tlvs.length;) {
    if (at + 3 > tlvs.length) return false;
    const end = at + 3 + tlvs.readUInt16BE(at + 1);
    if (end > tlvs.length) return false;
    const value = tlvs.subarray(at + 3, end);
    const type = tlvs.readUInt8(at);
    if (type === tlvAuthority) into.authority = value.toString("latin1");
    // Its first byte: 1 when the client connected over TLS.
    if (type === tlvSsl) into.isSecure = value.length > 0 && (value.readUInt8(0) & 1) === 1;
    at = end;
  }
  return true;
}

function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join(".");
  const groups: string[] = [];
  for (let at = 0; at < bytes.length; at += 2) groups.push(bytes.readUInt16BE(at).toString(16));
  return shortest(groups);
}

/** The longest run of zero groups as `::` (RFC 5952). */
function shortest(groups: readonly string[]): string {
  const text = groups.join(":");
  const runs = [...text.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].map(([run]) => run);
  const longest = runs.reduce((best, run) => (zeros(run) > zeros(best) ? run : best), "");
  if (longest === "") return text;
  const at = text.indexOf(longest);
  const before = text.slice(0, at);
  const after = text.slice(at + longest.length).replace(/^:/, "");
  return `${before}::${after}`;
}

function zeros(run: string): number {
  return run.split(":").filter((group) => group === "0").length;
}
