/**
 * Frames: what travels on a connection, one text message each. Kinds are append-only.
 *
 *     client                                   server
 *       |  <- challenge { nonce }                |     plain, before anybody is known
 *       |  -> hello { credential, proof }        |
 *       |  <- welcome { proof } | refused        |
 *       |  <-> sealed: call reply fail part …    |     numbered and authenticated, see seal.ts
 *
 * Everything foreign passes one check, which gives the reason when it is wrong.
 */
import * as Type from "typebox";
import type { Static } from "typebox";
import { errorTextMax, isErrorCode, PropagitError, type ErrorCode } from "./errors.js";
import { check, count, exact, oneOf, parseJson, text, type Checked } from "./shape.js";

export const protocolVersion = 2;

/** Longest frame either side takes, in bytes: 4,000 instance reports fit; a guess, not a measurement. */
export const frameBytesMax = 4 * 1024 * 1024;

/** Bytes that sealing puts around a body, and room. */
const sealBytesMax = 64;

const version = Type.Literal(protocolVersion);
const hex = (length: number) => Type.String({ pattern: `^[0-9a-f]{${length}}$` });

export const roles = ["drone", "proxy", "cli", "client"] as const;
export type Role = (typeof roles)[number];

const errorData = exact({
  code: text(40),
  message: text(errorTextMax.messageChars),
  hint: text(errorTextMax.hintChars),
});

/** Frames of the handshake, in plain JSON. */
export const handshakeSchemas = {
  /** The server's first word: a fresh nonce, and whether there is a secret at all. */
  challenge: exact({
    v: version,
    kind: Type.Literal("challenge"),
    nonce: hex(32),
    open: Type.Boolean(),
  }),
  /** Who the client is and the proof that it knows the key; the key itself never travels. */
  hello: exact({
    v: version,
    kind: Type.Literal("hello"),
    role: oneOf(...roles),
    credential: text(1_100),
    nonce: hex(32),
    proof: hex(64),
  }),
  /** The server's proof; only after it the client sends or believes anything. */
  welcome: exact({
    v: version,
    kind: Type.Literal("welcome"),
    proof: hex(64),
    heartbeatMs: Type.Integer({ minimum: 10, maximum: 600_000 }),
  }),
  /** The server's no, with the reason. */
  refused: exact({ v: version, kind: Type.Literal("refused"), error: errorData }),
} as const;

/** Bodies of sealed frames. */
export const bodySchemas = {
  /** Sign of life, sent when nothing else was for a heartbeat. */
  ping: exact({ kind: Type.Literal("ping") }),
  /** Asks for something; answered by one `reply` or `fail`, after any number of `part`s. */
  call: exact({
    kind: Type.Literal("call"),
    id: count,
    method: text(60),
    params: Type.Unknown(),
  }),
  reply: exact({ kind: Type.Literal("reply"), id: count, result: Type.Unknown() }),
  fail: exact({ kind: Type.Literal("fail"), id: count, error: errorData }),
  /** One piece of a long answer: a progress line, a watched change. */
  part: exact({ kind: Type.Literal("part"), id: count, part: Type.Unknown() }),
  /** The caller no longer wants the answer. */
  cancel: exact({ kind: Type.Literal("cancel"), id: count }),
  /** Says something that wants no answer. */
  tell: exact({ kind: Type.Literal("tell"), method: text(60), params: Type.Unknown() }),
  /** The last word: why this side closes. */
  bye: exact({ kind: Type.Literal("bye"), error: errorData }),
} as const;

type HandshakeKind = keyof typeof handshakeSchemas;
type BodyKind = keyof typeof bodySchemas;
export type Handshake = {
  [K in HandshakeKind]: Static<(typeof handshakeSchemas)[K]>;
}[HandshakeKind];
export type Body = { [K in BodyKind]: Static<(typeof bodySchemas)[K]> }[BodyKind];
/** An error as foreign text: the code may be newer than this program. */
export type ForeignError = Static<typeof errorData>;

export function encodeHandshake(frame: Handshake): string {
  return JSON.stringify(frame);
}

/** A handshake frame, or the reason the text is none. */
export function decodeHandshake(message: string): Checked<Handshake> {
  const value = parseJson(message);
  const kind = kindOf(value);
  if (kind === undefined || !Object.hasOwn(handshakeSchemas, kind)) {
    return { ok: false, reason: "is not a handshake frame" };
  }
  const { v } = value as { v?: unknown };
  // Foreign: only a number is printed, an object could throw as text or be megabytes long.
  if (v !== protocolVersion) {
    return { ok: false, reason: `has protocol version ${typeof v === "number" ? v : "none"}` };
  }
  return check<(typeof handshakeSchemas)[HandshakeKind]>(
    handshakeSchemas[kind as HandshakeKind],
    value,
  );
}

/**
 * A body as it is sealed. What is too large is refused here, where the one who made it can be told;
 * the other side would end the whole session over it.
 *
 * @throws TOO_LARGE
 */
export function encodeBody(body: Body): string {
  const json = JSON.stringify(body);
  if (Buffer.byteLength(json) <= frameBytesMax - sealBytesMax) return json;
  const mib = frameBytesMax / 1024 / 1024;
  throw new PropagitError("TOO_LARGE", `a ${body.kind} frame is larger than ${mib} MiB`);
}

/** The body of a sealed frame, or the reason the text is none. */
export function decodeBody(json: string): Checked<Body> {
  const value = parseJson(json);
  const kind = kindOf(value);
  if (kind === undefined || !Object.hasOwn(bodySchemas, kind)) {
    return { ok: false, reason: "has an unknown kind" };
  }
  return check<(typeof bodySchemas)[BodyKind]>(bodySchemas[kind as BodyKind], value);
}

/** The code of a foreign error, `INTERNAL` when this program does not know it. */
export function errorCodeOf(error: ForeignError): ErrorCode {
  return isErrorCode(error.code) ? error.code : "INTERNAL";
}

function kindOf(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { kind } = value as { kind?: unknown };
  return typeof kind === "string" ? kind : undefined;
}
