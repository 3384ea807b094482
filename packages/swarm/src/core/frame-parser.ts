/**
 * Bytes of a line to frames, however they are cut.
 *
 *         +----- length and kind known: a block -----> [block head] --8 bytes--> [block] --+
 *         |                                                                               |
 *      [head] ---- any other kind ----> [body] --all of it: one frame--> [head] <---------+
 *         |                               |                            (no bytes left)
 *         +---------- [broken] <----------+   the reason is kept; nothing is read any more
 *
 * The bytes of a block are never gathered here: what has come of it is given on as it lies in the buffer.
 */
import {
  blockBytesMax,
  byeBytesMax,
  frameKinds,
  headBytes,
  listMax,
  manifestPartBytesMax,
  peerProtocolVersion,
  zoneBytesMax,
  type PeerFrame,
} from "./frames.js";

/** The longest frame that is not a block: a part of the manifest. */
const bodyBytesMax = manifestPartBytesMax + 8;
const blockPlaceBytes = 8;

type State =
  | { readonly at: "head" }
  | { readonly at: "block head"; readonly bytes: number }
  | { readonly at: "block"; readonly piece: number; offset: number; left: number }
  | { readonly at: "body"; readonly kind: number; readonly bytes: number }
  | { readonly at: "broken"; readonly reason: string };

const head: State = { at: "head" };

export class FrameParser {
  #state: State = head;
  /** What has come of a head or body that was cut. */
  readonly #kept = new Gathering();

  /** Bytes that are sure to follow: the rest of the block that has begun. */
  get expectedBytes(): number {
    return this.#state.at === "block" ? this.#state.left : 0;
  }

  /**
   * Takes what came and gives on every frame in it; what they hold lies in `bytes`.
   *
   * @returns why this is nothing that a peer says; from then on nothing is read
   */
  push(bytes: Uint8Array, take: (frame: PeerFrame) => void): string | undefined {
    let position = 0;
    for (;;) {
      const state = this.#state;
      if (state.at === "broken") return state.reason;
      if (state.at === "block") {
        if (position === bytes.length) return undefined;
        position += this.#block(state, bytes.subarray(position), take);
        continue;
      }
      const wanted = wantedBytes(state);
      const part = this.#kept.take(bytes, position, wanted);
      position += part.used;
      if (!part.whole) return undefined;
      this.#state = next(state, part.whole, take);
    }
  }

  #block(
    state: State & { at: "block" },
    bytes: Uint8Array,
    take: (frame: PeerFrame) => void,
  ): number {
    const part = bytes.length > state.left ? bytes.subarray(0, state.left) : bytes;
    const { piece, offset } = state;
    state.offset += part.length;
    state.left -= part.length;
    if (state.left === 0) this.#state = head;
    take({ kind: "block", piece, offset, bytes: part });
    return part.length;
  }
}

/** The first bytes of something, until all of it is there; without a copy when it came in one. */
class Gathering {
  #kept = new Uint8Array();
  #used = 0;

  take(bytes: Uint8Array, position: number, wanted: number) {
    const missing = wanted - this.#used;
    const used = Math.min(missing, bytes.length - position);
    if (this.#used === 0 && used === wanted)
      return { used, whole: bytes.subarray(position, position + used) };
    if (used > 0) {
      if (this.#kept.length < wanted) this.#grow(wanted);
      this.#kept.set(bytes.subarray(position, position + used), this.#used);
      this.#used += used;
    }
    if (used < missing) return { used };
    this.#used = 0;
    return { used, whole: this.#kept.subarray(0, wanted) };
  }

  #grow(wanted: number): void {
    const larger = new Uint8Array(wanted);
    larger.set(this.#kept.subarray(0, this.#used));
    this.#kept = larger;
  }
}

function wantedBytes(state: State): number {
  switch (state.at) {
    case "head":
      return headBytes;
    case "block head":
      return blockPlaceBytes;
    case "body":
      return state.bytes;
    case "block":
    case "broken":
      return 0;
    default:
      return state satisfies never;
  }
}

function next(state: State, bytes: Uint8Array, take: (frame: PeerFrame) => void): State {
  switch (state.at) {
    case "head":
      return afterHead(u32(bytes, 0), bytes[4] ?? 0);
    case "block head":
      return { at: "block", piece: u32(bytes, 0), offset: u32(bytes, 4), left: state.bytes };
    case "body": {
      const frame = parseBody(state.kind, bytes);
      if (typeof frame === "string") return { at: "broken", reason: frame };
      take(frame);
      return head;
    }
    case "block":
    case "broken":
      return state;
    default:
      return state satisfies never;
  }
}

function afterHead(length: number, kind: number): State {
  const bytes = length - 1;
  if (bytes < 0) return { at: "broken", reason: "a frame of no length" };
  if (kind === frameKinds.block) {
    const left = bytes - blockPlaceBytes;
    if (left < 1) return { at: "broken", reason: "a block of no bytes" };
    if (left > blockBytesMax) return { at: "broken", reason: `a block of ${left} bytes` };
    return { at: "block head", bytes: left };
  }
  if (bytes > bodyBytesMax) return { at: "broken", reason: `a frame of ${bytes} bytes` };
  return { at: "body", kind, bytes };
}

/** The frame, or why it is none. */
function parseBody(kind: number, body: Uint8Array): PeerFrame | string {
  switch (kind) {
    case frameKinds.hello:
      return parseHello(body);
    case frameKinds.have:
      return parseList("have", body);
    case frameKinds.request:
      return parseList("request", body);
    case frameKinds.cancel:
      return parseList("cancel", body);
    case frameKinds.reject:
      return parseList("reject", body);
    case frameKinds.coming:
      return parseList("coming", body);
    case frameKinds.wish:
      return parseWish(body);
    case frameKinds.nothing:
      return body.length === 0 ? { kind: "nothing" } : "a body where none belongs";
    case frameKinds.ask:
      return body.length === 0 ? { kind: "ask" } : "a body where none belongs";
    case frameKinds.lack:
      return body.length === 0 ? { kind: "lack" } : "a body where none belongs";
    case frameKinds.manifest:
      return parseManifestPart(body);
    case frameKinds.bye:
      if (body.length > byeBytesMax) return "a goodbye without end";
      return { kind: "bye", reason: new TextDecoder().decode(body) };
    default:
      return `a frame of kind ${kind}`;
  }
}

function parseHello(body: Uint8Array): PeerFrame | string {
  if (body.length < 7) return "a hello that is cut off";
  const version = body[0] ?? 0;
  if (version !== peerProtocolVersion)
    return `version ${version} of the exchange, here it is ${peerProtocolVersion}`;
  const zoneBytes = body[6] ?? 0;
  if (zoneBytes > zoneBytesMax || body.length < 7 + zoneBytes) return "a hello that is cut off";
  const pieces = u32(body, 2);
  const bits = body.slice(7 + zoneBytes);
  if (bits.length !== Math.ceil(pieces / 8))
    return `${bits.length} bytes of bits for ${pieces} pieces`;
  const zone = new TextDecoder().decode(body.subarray(7, 7 + zoneBytes));
  return { kind: "hello", pieces, bits, chooses: ((body[1] ?? 0) & 1) === 1, zone };
}

function parseList(
  kind: "have" | "request" | "cancel" | "reject" | "coming",
  body: Uint8Array,
): PeerFrame | string {
  const count = body.length / 4;
  if (!Number.isInteger(count) || count > listMax) return `a list of ${body.length} bytes`;
  const pieces = Array.from({ length: count }, (_, index) => u32(body, index * 4));
  return { kind, pieces };
}

function parseWish(body: Uint8Array): PeerFrame | string {
  if (body.length !== 4) return "a wish that is cut off";
  const count = u32(body, 0);
  return count <= listMax ? { kind: "wish", count } : `a wish for ${count} pieces`;
}

function parseManifestPart(body: Uint8Array): PeerFrame | string {
  if (body.length < 9) return "a part of a manifest with nothing in it";
  const [bytesAll, offset] = [u32(body, 0), u32(body, 4)];
  const bytes = body.slice(8);
  if (offset + bytes.length > bytesAll) return "a part of a manifest beyond its end";
  return { kind: "manifest", bytesAll, offset, bytes };
}

function u32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  );
}
