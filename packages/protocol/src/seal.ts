/**
 * Sealed frames: numbered and authenticated, so that a message that was lost, repeated, reordered or
 * made up by somebody on the line is noticed at once, whatever carries the bytes.
 *
 *     <mac: 32 hex> "." <seq: decimal> "." <body: JSON>       mac = HMAC(direction's key, seq "." body)
 *
 * Sealing protects integrity, not secrecy; secrecy is the business of TLS below.
 */
import type { Crypto } from "./crypto.js";

/** 128 bits: enough against forging, half the bytes of the whole HMAC. */
const macChars = 32;

export interface Seal {
  readonly key: string;
  /** Number of the next frame, from 1. */
  readonly nextSeq: number;
}

export type Opened =
  | { readonly kind: "fresh"; readonly json: string; readonly seal: Seal }
  | { readonly kind: "repeated" }
  | { readonly kind: "bad"; readonly reason: string };

export function seal(crypto: Crypto, state: Seal, json: string): { text: string; seal: Seal } {
  const numbered = `${state.nextSeq}.${json}`;
  const mac = crypto.mac(state.key, numbered).slice(0, macChars);
  return { text: `${mac}.${numbered}`, seal: { ...state, nextSeq: state.nextSeq + 1 } };
}

export function open(crypto: Crypto, state: Seal, message: string): Opened {
  const match = /^([0-9a-f]{32})\.(\d{1,15})\./.exec(message);
  if (!match) return { kind: "bad", reason: "is not a sealed frame" };
  const numbered = message.slice(macChars + 1);
  const mac = crypto.mac(state.key, numbered).slice(0, macChars);
  if (!crypto.equal(mac, match[1] ?? "")) return { kind: "bad", reason: "has a wrong seal" };
  const seq = Number(match[2]);
  if (seq < state.nextSeq) return { kind: "repeated" };
  if (seq > state.nextSeq) {
    return { kind: "bad", reason: `is number ${seq}, but number ${state.nextSeq} never came` };
  }
  const json = message.slice(match[0].length);
  return { kind: "fresh", json, seal: { ...state, nextSeq: seq + 1 } };
}
