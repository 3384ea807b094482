/**
 * Somebody who takes part in an artifact by right, and does harm: a program of its own, so that it has a
 * machine. It joins the hub as a drone, gets a real grant, says that it has all pieces, and then
 *
 *     garbage   sends other bytes than were asked for
 *     lies      refuses whatever is asked for
 *     stalls    begins to send and never goes on
 *     drips     sends a byte a second
 *     babbles   says what is no frame at all
 *
 * Words on its output: `ready`, then `asked` for each request. What it says on a line is written here by
 * hand: it shares no code for frames with those whom it attacks.
 */
import { randomBytes } from "node:crypto";
import type { AddressInfo } from "node:net";
import { connect, createServer, type TLSSocket } from "node:tls";
import { formatAddress } from "@propagit/protocol";
import { nodeCrypto } from "@propagit/runtime";
import { encodeClaim, keyOfClaim, parseClaim, pieceBytesFor, type Claim } from "@propagit/swarm";
import type { EvilOptions } from "./evil-options.js";
import { joinHub, type Joined, type OpenGrant } from "./grant.js";

const kinds = { hello: 1, request: 3, reject: 5, block: 6, wish: 7 } as const;
/** Length and kind. */
const headBytes = 5;
const dialsMax = 50;
const redialMs = 200;

const options = JSON.parse(process.argv[2] ?? "null") as EvilOptions;
const secretOf = new Map<string, string>();
const tls = { minVersion: "TLSv1.3", ciphers: "TLS_AES_128_GCM_SHA256" } as const;

const server = createServer(
  {
    ...tls,
    pskCallback: (_, identity) => {
      const claim = parseClaim(identity);
      const secret = claim && secretOf.get(claim.artifact);
      return claim && secret !== undefined
        ? Buffer.from(keyOfClaim(nodeCrypto, secret, claim), "hex")
        : null;
    },
  },
  (socket) => harm(socket),
);
server.on("tlsClientError", () => undefined);
server.listen(0, () => void main((server.address() as AddressInfo).port));
/** Of the artifact. */
let length = 0;
let pieceBytes = 0;
let pieces = 0;

async function main(port: number): Promise<void> {
  const joined = await joinHub({ ...options, port });
  const admission = await joined.grantFor(options.repo, options.commit);
  const { artifact, bytes, secret, holder, expiresAt, peers } = admission;
  secretOf.set(artifact, secret);
  length = bytes;
  pieceBytes = pieceBytesFor(bytes);
  pieces = Math.ceil(bytes / pieceBytes);
  boast(joined, admission);
  setInterval(() => boast(joined, admission), 1_000);
  for (const peer of peers.filter(({ role }) => role !== "hub")) {
    const claim = { artifact, holder, expiresAt: peer.expiresAt ?? expiresAt };
    dial(peer, claim, 1);
  }
  say("ready");
}

/** Again and again: the other one may get its own grant a moment later. */
function dial(peer: OpenGrant["peers"][number], claim: Claim, attempt: number): void {
  const { host, port } = peer;
  const psk = Buffer.from(peer.key, "hex");
  const pskCallback = () => ({ psk, identity: encodeClaim(claim) });
  const socket = connect({ ...tls, host, port, pskCallback, checkServerIdentity: () => undefined });
  const failed = (error: Error) => {
    say(`not at ${formatAddress({ host, port })}: ${error.message}`);
    if (attempt < dialsMax) setTimeout(() => dial(peer, claim, attempt + 1), redialMs);
  };
  socket.once("error", failed);
  socket.once("secureConnect", () => {
    socket.off("error", failed);
    harm(socket);
  });
}

/** Who has everything is introduced to others. */
function boast(
  { conversation }: Joined,
  { artifact, bytes }: { artifact: string; bytes: number },
): void {
  conversation.tell("hub.share", {
    artifact,
    state: "whole",
    pieces,
    piecesAll: pieces,
    receivedBytes: bytes,
    sentBytes: 0,
    wastedBytes: 0,
    receivedBytesPerSecond: 0,
  });
}

function harm(socket: TLSSocket): void {
  socket.on("error", () => undefined);
  if (options.badness === "babbles") {
    socket.write(randomBytes(100_000));
    return;
  }
  socket.write(hello());
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= headBytes && rest.length >= 4 + rest.readUInt32BE(0)) {
      const frame = rest.subarray(0, 4 + rest.readUInt32BE(0));
      rest = rest.subarray(frame.length);
      if (frame[4] === kinds.request) {
        for (let at = headBytes; at < frame.length; at += 4) answer(socket, frame.readUInt32BE(at));
      }
    }
  });
}

function answer(socket: TLSSocket, piece: number): void {
  say("asked");
  switch (options.badness) {
    case "garbage":
      socket.write(block(piece));
      return;
    case "lies":
      socket.write(frameOf(kinds.reject, u32(piece)));
      return;
    case "stalls":
      socket.write(block(piece).subarray(0, 1_000));
      return;
    case "drips":
      drip(socket, block(piece));
      return;
    case "babbles":
      return;
    default:
      options.badness satisfies never;
  }
}

function drip(socket: TLSSocket, bytes: Buffer): void {
  let sent = 0;
  const timer = setInterval(() => {
    if (socket.destroyed) clearInterval(timer);
    else socket.write(bytes.subarray(sent, ++sent));
  }, 1_000);
}

/** Protocol 1, does not choose what to send, its pieces, no zone: all of them. */
function hello(): Buffer {
  const bits = Buffer.alloc(Math.ceil(pieces / 8), 0xff);
  const spare = bits.length * 8 - pieces;
  bits[bits.length - 1] = (0xff << spare) & 0xff;
  return frameOf(kinds.hello, Buffer.from([1, 0]), u32(pieces), Buffer.from([0]), bits);
}

/** Of the right length: what is wrong of it shows in its hash only. */
function block(piece: number): Buffer {
  const bytes = Math.min(pieceBytes, length - piece * pieceBytes);
  return frameOf(kinds.block, u32(piece), u32(0), randomBytes(bytes));
}

function frameOf(kind: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([u32(1 + body.length), Buffer.from([kind]), body]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function say(word: string): void {
  process.stdout.write(`${word}\n`);
}
