/**
 * A session between two peers: who proves what to whom, and whether the other one is still there.
 *
 *   client:  connecting --challenge--> proving --welcome--> open --> closed
 *   server:  challenging --hello--> open --> closed
 *                       \--(wrong proof)--> closed (refused)
 *
 * Any state goes to `closed` on a bad frame, a wrong proof, silence, or when either side ends it; the
 * first reason is kept. Pure: events in, next state and effects out; `now` in milliseconds.
 */
import type { Credential, Crypto } from "./crypto.js";
import { openCredential } from "./crypto.js";
import { assert, type ErrorData, type ErrorCode, errorCatalogue } from "./errors.js";
import {
  decodeBody,
  decodeHandshake,
  encodeBody,
  encodeHandshake,
  errorCodeOf,
  protocolVersion,
  type Body,
  type Handshake,
  type Role,
} from "./frame.js";
import { open, seal } from "./seal.js";
import { deriveKeys, knownKey, prove, type SessionKeys } from "./session-keys.js";
import type { TokenScope } from "./token.js";

/** How long a peer may take from the first byte to `welcome`. A guess, generous for slow lines. */
export const handshakeMsMax = 10_000;
/** A ping is sent when nothing else was for this long; the ancestors used 10 s. */
export const heartbeatMsDefault = 5_000;
/** Heartbeats that may be missed before the other side is taken for gone. */
const heartbeatsMissedMax = 3;

/** What this side is and knows. */
export type SessionSide =
  | {
      readonly kind: "client";
      readonly role: Role;
      readonly credential: Credential;
      /** Whether a server without a secret is good enough (a registry on loopback). */
      readonly acceptsOpen: boolean;
    }
  | {
      readonly kind: "server";
      /** The stretched shared secret; undefined when there is none. */
      readonly clusterKey: string | undefined;
      readonly heartbeatMs: number;
    };

/** Who the other side proved to be. */
export interface Peer {
  readonly role: Role | "server";
  /** `cluster`, `open`, or the scope of the token it holds. */
  readonly access: "cluster" | "open" | TokenScope;
  /** A key that only both ends of this session can compute: for derived credentials. */
  readonly sessionKey: string;
}

type Phase =
  | { readonly kind: "challenging" }
  | { readonly kind: "connecting" }
  | {
      readonly kind: "proving";
      readonly credential: Credential;
      readonly open: boolean;
      readonly serverNonce: string;
    }
  | { readonly kind: "open"; readonly keys: SessionKeys; readonly heartbeatMs: number }
  | { readonly kind: "closed"; readonly reason: ErrorData };

export interface SessionState {
  readonly side: SessionSide;
  readonly nonce: string;
  readonly phase: Phase;
  readonly heardAt: number;
  readonly sentAt: number;
}

export type SessionEvent =
  | { readonly kind: "message"; readonly text: string }
  /** In an open session only; the step throws TOO_LARGE and changes nothing when it is too large. */
  | { readonly kind: "send"; readonly body: Body }
  /** Time passed; to be fed at least every heartbeat. */
  | { readonly kind: "tick" }
  /** The connection below ended. */
  | { readonly kind: "lost"; readonly reason: string }
  /** This side ends it. */
  | { readonly kind: "end"; readonly error: ErrorData };

export type SessionEffect =
  | { readonly kind: "transmit"; readonly text: string }
  | { readonly kind: "established"; readonly peer: Peer }
  | { readonly kind: "deliver"; readonly body: Body }
  /** Close the connection below; the last effect a session ever has. */
  | { readonly kind: "closed"; readonly reason: ErrorData };

export interface SessionStep {
  readonly state: SessionState;
  readonly effects: readonly SessionEffect[];
}

/** A new session; `nonce` must be 32 fresh random hex characters. */
export function startSession(side: SessionSide, nonce: string, now: number): SessionStep {
  const base = { side, nonce, heardAt: now, sentAt: now };
  if (side.kind === "client") {
    return { state: { ...base, phase: { kind: "connecting" } }, effects: [] };
  }
  const challenge = handshake({ kind: "challenge", nonce, open: side.clusterKey === undefined });
  return { state: { ...base, phase: { kind: "challenging" } }, effects: [challenge] };
}

export function stepSession(
  crypto: Crypto,
  state: SessionState,
  event: SessionEvent,
  now: number,
): SessionStep {
  if (state.phase.kind === "closed") return { state, effects: [] };
  switch (event.kind) {
    case "message":
      return receive(crypto, state, event.text, now);
    case "send":
      return sendBody(crypto, state, event.body, now);
    case "tick":
      return tick(crypto, state, now);
    case "lost":
      return close(state, errorData("LINK_LOST", `the connection ended: ${event.reason}`));
    case "end":
      return end(crypto, state, event.error, now);
    default:
      return event satisfies never;
  }
}

function receive(crypto: Crypto, before: SessionState, text: string, now: number): SessionStep {
  const state = { ...before, heardAt: now };
  const { phase, side } = state;
  if (phase.kind === "open") return receiveSealed(crypto, before, phase.keys, text, now);
  const frame = decodeHandshake(text);
  if (!frame.ok) return refuse(state, badHandshake(frame.reason));
  const { value } = frame;
  if (value.kind === "refused" && side.kind === "client") {
    return close(state, { ...value.error, code: errorCodeOf(value.error) });
  }
  if (phase.kind === "challenging" && value.kind === "hello") {
    return answerHello(crypto, state, value, now);
  }
  if (phase.kind === "connecting" && value.kind === "challenge") {
    return answerChallenge(crypto, state, value, now);
  }
  if (phase.kind === "proving" && value.kind === "welcome") {
    return acceptWelcome(crypto, state, value, now);
  }
  return refuse(state, errorData("BAD_FRAME", `a ${value.kind} frame came out of order`));
}

/** Client: says who it is, unless the server's terms are not acceptable. */
function answerChallenge(
  crypto: Crypto,
  state: SessionState,
  challenge: Extract<Handshake, { kind: "challenge" }>,
  now: number,
): SessionStep {
  const { side } = state;
  assert(side.kind === "client", "only a client is challenged");
  const isOpen = side.credential.id === openCredential.id;
  if (challenge.open && !side.acceptsOpen && !isOpen) {
    return close(state, errorData("UNPROVEN", "the server has no secret, but one was expected"));
  }
  if (!challenge.open && isOpen) {
    return close(state, errorData("DENIED", "the server wants a secret and none was given"));
  }
  const credential = challenge.open ? openCredential : side.credential;
  const proof = prove(crypto, credential.key, "client", challenge.nonce, state.nonce, side.role);
  const hello = handshake({
    kind: "hello",
    role: side.role,
    credential: credential.id,
    nonce: state.nonce,
    proof,
  });
  const phase: Phase = {
    kind: "proving",
    credential,
    open: challenge.open,
    serverNonce: challenge.nonce,
  };
  return { state: { ...state, phase, sentAt: now }, effects: [hello] };
}

/** Server: checks the client's proof and gives its own. */
function answerHello(
  crypto: Crypto,
  state: SessionState,
  hello: Extract<Handshake, { kind: "hello" }>,
  now: number,
): SessionStep {
  const { side } = state;
  assert(side.kind === "server", "only a server is greeted");
  const known = knownKey(crypto, side.clusterKey, hello.credential);
  if (!known) return refuse(state, errorData("DENIED", "the secret is missing or of another kind"));
  const proof = prove(crypto, known.key, "client", state.nonce, hello.nonce, hello.role);
  if (!crypto.equal(proof, hello.proof)) {
    return refuse(state, errorData("DENIED", "the secret is wrong"));
  }
  const keys = deriveKeys(crypto, known.key, state.nonce, hello.nonce, "server");
  const welcome = handshake({
    kind: "welcome",
    proof: prove(crypto, known.key, "server", state.nonce, hello.nonce, hello.role),
    heartbeatMs: side.heartbeatMs,
  });
  const access = known.scope ?? (side.clusterKey === undefined ? "open" : "cluster");
  const peer: Peer = { role: hello.role, access, sessionKey: keys.sessionKey };
  const phase: Phase = { kind: "open", keys, heartbeatMs: side.heartbeatMs };
  return {
    state: { ...state, phase, sentAt: now },
    effects: [welcome, { kind: "established", peer }],
  };
}

/** Client: believes the server only when its proof is right. */
function acceptWelcome(
  crypto: Crypto,
  state: SessionState,
  welcome: Extract<Handshake, { kind: "welcome" }>,
  now: number,
): SessionStep {
  const { side, phase } = state;
  assert(side.kind === "client" && phase.kind === "proving", "only a proving client is welcomed");
  const { key } = phase.credential;
  const proof = prove(crypto, key, "server", phase.serverNonce, state.nonce, side.role);
  if (!crypto.equal(proof, welcome.proof)) {
    return close(
      state,
      errorData("UNPROVEN", "the server could not prove that it knows the secret"),
    );
  }
  const keys = deriveKeys(crypto, key, phase.serverNonce, state.nonce, "client");
  const peer: Peer = {
    role: "server",
    access: phase.open ? "open" : "cluster",
    sessionKey: keys.sessionKey,
  };
  const opened: Phase = { kind: "open", keys, heartbeatMs: welcome.heartbeatMs };
  return {
    state: { ...state, phase: opened, sentAt: now },
    effects: [{ kind: "established", peer }],
  };
}

function receiveSealed(
  crypto: Crypto,
  state: SessionState,
  keys: SessionKeys,
  text: string,
  now: number,
): SessionStep {
  const opened = open(crypto, keys.receive, text);
  // No sign of life: whoever recorded it can send it again when the other side is long gone.
  if (opened.kind === "repeated") return { state, effects: [] };
  if (opened.kind === "bad") return badFrame(crypto, state, opened.reason, now);
  const phase = { ...state.phase, keys: { ...keys, receive: opened.seal } } as Phase;
  const next = { ...state, phase, heardAt: now };
  const body = decodeBody(opened.json);
  if (!body.ok) return badFrame(crypto, next, body.reason, now);
  if (body.value.kind === "bye") {
    return close(next, { ...body.value.error, code: errorCodeOf(body.value.error) });
  }
  if (body.value.kind === "ping") return { state: next, effects: [] };
  return { state: next, effects: [{ kind: "deliver", body: body.value }] };
}

function sendBody(crypto: Crypto, state: SessionState, body: Body, now: number): SessionStep {
  const { phase } = state;
  assert(phase.kind === "open", "bodies are sent in open sessions only");
  const sealed = seal(crypto, phase.keys.send, encodeBody(body));
  const keys = { ...phase.keys, send: sealed.seal };
  return {
    state: { ...state, phase: { ...phase, keys }, sentAt: now },
    effects: [{ kind: "transmit", text: sealed.text }],
  };
}

function tick(crypto: Crypto, state: SessionState, now: number): SessionStep {
  const { phase } = state;
  if (phase.kind !== "open") {
    if (now - state.heardAt < handshakeMsMax) return { state, effects: [] };
    return refuse(
      state,
      errorData("TIMED_OUT", `the handshake was not done within ${handshakeMsMax / 1000} s`),
    );
  }
  const silentMs = now - state.heardAt;
  if (silentMs > phase.heartbeatMs * heartbeatsMissedMax) {
    const seconds = Math.round(silentMs / 100) / 10;
    return end(
      crypto,
      state,
      errorData("LINK_LOST", `nothing was heard from the other side for ${seconds} s`),
      now,
    );
  }
  if (now - state.sentAt < phase.heartbeatMs) return { state, effects: [] };
  return sendBody(crypto, state, { kind: "ping" }, now);
}

function badFrame(crypto: Crypto, state: SessionState, reason: string, now: number): SessionStep {
  return end(crypto, state, errorData("BAD_FRAME", `a frame ${reason}`), now);
}

/** This side ends an open session with a last word; before that there is nobody to say it to. */
function end(crypto: Crypto, state: SessionState, error: ErrorData, now: number): SessionStep {
  if (state.phase.kind !== "open") return refuse(state, error);
  const said = sendBody(crypto, state, { kind: "bye", error }, now);
  const closed = close(said.state, error);
  return { state: closed.state, effects: [...said.effects, ...closed.effects] };
}

/** A server tells a stranger why before it closes; a client just closes. */
function refuse(state: SessionState, error: ErrorData): SessionStep {
  const closed = close(state, error);
  if (state.side.kind === "client") return closed;
  return {
    state: closed.state,
    effects: [handshake({ kind: "refused", error }), ...closed.effects],
  };
}

function close(state: SessionState, reason: ErrorData): SessionStep {
  return {
    state: { ...state, phase: { kind: "closed", reason } },
    effects: [{ kind: "closed", reason }],
  };
}

type PlainHandshake = Handshake extends infer H
  ? H extends Handshake
    ? Omit<H, "v">
    : never
  : never;

function handshake(frame: PlainHandshake): SessionEffect {
  return {
    kind: "transmit",
    text: encodeHandshake({ v: protocolVersion, ...frame }),
  };
}

function badHandshake(reason: string): ErrorData {
  const code = reason.includes("protocol version") ? "BAD_VERSION" : "BAD_FRAME";
  return errorData(code, `the first frame ${reason}`);
}

function errorData(code: ErrorCode, message: string): ErrorData {
  return { code, message, hint: errorCatalogue[code].hint };
}
