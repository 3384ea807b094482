/**
 * What two who take part in the same artifact say to each other, as bytes on one line.
 *
 *     who dialled                                   who was dialled
 *        | ---- hello: my pieces ---------------------> |   both at once, without waiting for each other
 *        | <---------------------- hello: my pieces --- |
 *        | ---- ask ----------------------------------> |   only by who has no manifest yet
 *        | <------------------------ manifest (parts) - |
 *        | ---- request 7, 12 ------------------------> |   both ways, as often as they like
 *        | <- block 7 (0…) ------ block 7 (…524288) --- |   other frames may go between blocks
 *        | ---- have 7 -------------------------------> |   to everybody, once it is checked and kept
 *        | ---- coming 7 -----------------------------> |   to neighbours, when 7 was asked for in another zone
 *        | ---- wish 2 -------------------------------> |   "any two": to who chooses himself, see seeding.ts
 *        | <- block 31 … --- or --- nothing ----------- |
 *        | ---- cancel 12 / reject 12 ----------------> |
 *        | ---- bye: why -----------------------------> |   then the line is closed
 *
 * A frame is its length (32 bits, of what follows), a kind (8 bits) and a body. All numbers are big endian.
 * `frame-parser.ts` reads them.
 */
import type { PieceSet } from "./piece-set.js";

/** A change that an older one would not understand gets another number. */
export const peerProtocolVersion = 1;

export const frameKinds = {
  hello: 1,
  have: 2,
  request: 3,
  cancel: 4,
  reject: 5,
  block: 6,
  wish: 7,
  nothing: 8,
  ask: 9,
  manifest: 10,
  lack: 11,
  bye: 12,
  coming: 13,
} as const;

/** What a line carries besides blocks. */
export type ControlFrame =
  | {
      readonly kind: "hello";
      /** Pieces of the artifact, 0 while the manifest is not known. */
      readonly pieces: number;
      /** One bit for each piece, the first in the highest bit of the first byte. */
      readonly bits: Uint8Array;
      /** Takes wishes, and would rather choose itself what to send. */
      readonly chooses: boolean;
      /** Empty: it has none. */
      readonly zone: string;
    }
  /** More pieces; none of them: "I am still here". */
  | { readonly kind: "have"; readonly pieces: readonly number[] }
  | { readonly kind: "request"; readonly pieces: readonly number[] }
  | { readonly kind: "cancel"; readonly pieces: readonly number[] }
  /** Somebody near has asked for these far away: no need to ask for them there, too. */
  | { readonly kind: "coming"; readonly pieces: readonly number[] }
  /** What was requested and will not come. */
  | { readonly kind: "reject"; readonly pieces: readonly number[] }
  /** So many more pieces, whichever. */
  | { readonly kind: "wish"; readonly count: number }
  /** Wishes that are open will not be granted: request by number what nobody else has. */
  | { readonly kind: "nothing" }
  | { readonly kind: "ask" }
  /** A part of the signed manifest; see manifest-parts.ts. */
  | {
      readonly kind: "manifest";
      readonly bytesAll: number;
      readonly offset: number;
      readonly bytes: Uint8Array;
    }
  /** An answer to `ask` by who has no manifest either. */
  | { readonly kind: "lack" }
  | { readonly kind: "bye"; readonly reason: string };

export type PeerFrame =
  | ControlFrame
  /** Bytes of a piece from a position in it; what is left of a frame's block may come as further ones. */
  | {
      readonly kind: "block";
      readonly piece: number;
      readonly offset: number;
      readonly bytes: Uint8Array;
    };

/** Of a block: what may be sent of a piece at once where a line takes it in some milliseconds, see block-size.ts. */
export const blockBytesMax = 512 * 1024;
/** Of a part of the manifest. */
export const manifestPartBytesMax = 16 * 1024;
/** Of numbers in one frame. */
export const listMax = 4096;
export const zoneBytesMax = 252;
export const byeBytesMax = 1024;

/** Length, kind, number of the piece, position in it. */
export const blockHeadBytes = 13;
export const headBytes = 5;

/** Writes the head of a block in front of its bytes, so that both are sent as one. */
export function writeBlockHead(
  into: Uint8Array,
  { piece, offset, bytes }: { piece: number; offset: number; bytes: number },
): void {
  const view = viewOf(into);
  view.setUint32(0, 1 + 8 + bytes);
  view.setUint8(4, frameKinds.block);
  view.setUint32(5, piece);
  view.setUint32(9, offset);
}

export function encodeFrame(frame: ControlFrame): Uint8Array {
  switch (frame.kind) {
    case "hello":
      return encodeHello(frame);
    case "have":
    case "request":
    case "cancel":
    case "reject":
    case "coming":
      return encodeList(frameKinds[frame.kind], frame.pieces);
    case "wish":
      return encodeList(frameKinds.wish, [frame.count]);
    case "nothing":
    case "ask":
    case "lack":
      return blank(frameKinds[frame.kind], 0);
    case "manifest":
      return encodeManifestPart(frame);
    case "bye":
      return encodeBye(frame.reason);
    default:
      return frame satisfies never;
  }
}

/** All frames of a packed manifest, which may be too long for one. */
export function encodeManifestParts(all: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let offset = 0; offset < all.length; offset += manifestPartBytesMax) {
    const bytes = all.subarray(offset, offset + manifestPartBytesMax);
    parts.push(encodeFrame({ kind: "manifest", bytesAll: all.length, offset, bytes }));
  }
  return parts;
}

/** The same hello for a set of pieces, or for none while the manifest is not known. */
export function helloOf(options: {
  readonly have: PieceSet | undefined;
  readonly chooses: boolean;
  readonly zone: string | undefined;
}): Uint8Array {
  const { have, chooses, zone = "" } = options;
  const bits = have?.toBytes() ?? new Uint8Array();
  return encodeFrame({ kind: "hello", pieces: have?.size ?? 0, bits, chooses, zone });
}

function encodeHello(frame: ControlFrame & { kind: "hello" }): Uint8Array {
  const zone = new TextEncoder().encode(frame.zone).subarray(0, zoneBytesMax);
  const bytes = blank(frameKinds.hello, 7 + zone.length + frame.bits.length);
  const view = viewOf(bytes);
  view.setUint8(5, peerProtocolVersion);
  view.setUint8(6, frame.chooses ? 1 : 0);
  view.setUint32(7, frame.pieces);
  view.setUint8(11, zone.length);
  bytes.set(zone, 12);
  bytes.set(frame.bits, 12 + zone.length);
  return bytes;
}

function encodeList(kind: number, numbers: readonly number[]): Uint8Array {
  const bytes = blank(kind, numbers.length * 4);
  const view = viewOf(bytes);
  for (const [index, number] of numbers.entries()) view.setUint32(headBytes + index * 4, number);
  return bytes;
}

function encodeManifestPart(frame: ControlFrame & { kind: "manifest" }): Uint8Array {
  const bytes = blank(frameKinds.manifest, 8 + frame.bytes.length);
  const view = viewOf(bytes);
  view.setUint32(5, frame.bytesAll);
  view.setUint32(9, frame.offset);
  bytes.set(frame.bytes, 13);
  return bytes;
}

function encodeBye(reason: string): Uint8Array {
  const text = new TextEncoder().encode(reason).subarray(0, byeBytesMax);
  const bytes = blank(frameKinds.bye, text.length);
  bytes.set(text, headBytes);
  return bytes;
}

/** A frame whose body is still empty. */
function blank(kind: number, bodyBytes: number): Uint8Array {
  const bytes = new Uint8Array(headBytes + bodyBytes);
  const view = viewOf(bytes);
  view.setUint32(0, 1 + bodyBytes);
  view.setUint8(4, kind);
  return bytes;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
