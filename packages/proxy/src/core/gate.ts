/**
 * What may keep a request from going anywhere, in this order:
 *
 *     plain HTTP -> deny, allow -> maintenance -> pause -> users -> rate
 */
import { visitorNetwork } from "@propagit/http";
import { refuse, type Decision, type Refusal } from "./outcome.js";
import { nameOfPlace, type Place } from "./place.js";
import type { Policy, Rate } from "./policy.js";
import type { Progress, Question, Situation } from "./question.js";
import { httpsLocation } from "./redirect.js";
import { readVisitor } from "./visitor.js";

export interface Gated {
  readonly place: Place;
  readonly policy: Policy;
}

/** @returns undefined when it may go on */
export function stopAtGate(
  situation: Situation,
  request: Question,
  { place, policy }: Gated,
  progress: Progress,
): Decision | undefined {
  if (policy.httpsOnly && !request.isSecure) {
    const { tlsPort } = situation.table.options;
    const location = httpsLocation(request.host, request.target, tlsPort);
    return { kind: "redirect", place, status: 308, location };
  }
  if (!mayCome(policy, request.address)) {
    const what = `${nameOfPlace(place)} takes no visitors from ${request.address}`;
    return refuse("FORBIDDEN", what, { place });
  }
  return (
    maintain(place, policy) ??
    hold(place, policy, progress.heldMs ?? 0) ??
    prove(place, policy, request, progress) ??
    (policy.rate && limit(situation, request, { place, policy }, policy.rate))
  );
}

function mayCome({ allow, deny }: Policy, address: string): boolean {
  if (deny?.has(address)) return false;
  return allow === undefined || allow.has(address);
}

function maintain(place: Place, { maintenance }: Policy): Decision | undefined {
  if (!maintenance) return undefined;
  const { text, retryAfterSeconds } = maintenance;
  const isHtml = text.trimStart().startsWith("<");
  const retry = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  return { kind: "maintenance", place, text, isHtml, ...retry };
}

/** Seconds after which a visitor who was held in vain may try again; a guess. */
const pausedRetrySeconds = 5;

function hold(place: Place, { pause }: Policy, heldMs: number): Decision | undefined {
  if (!pause) return undefined;
  const leftMs = pause.limitMs - heldMs;
  if (leftMs > 0) return { kind: "hold", place, leftMs };
  const what = `${nameOfPlace(place)} is paused, and was not resumed within ${pause.limitMs / 1_000} s`;
  return refuse("PAUSED", what, { place, retryAfterSeconds: pausedRetrySeconds });
}

const notKnown = "does not know this name and password";

function prove(
  place: Place,
  { users, decoyHash }: Policy,
  request: Question,
  { proof }: Progress,
): Decision | undefined {
  if (!users) return undefined;
  const credentials = readBasic(request.header("authorization"));
  if (!credentials) return challenge(place, "needs a name and a password");
  const { name, password } = credentials;
  // A name that nobody has costs the same check: how long an answer takes tells nobody which names there are.
  const known = users.get(name);
  const hash = known ?? decoyHash;
  if (hash === undefined) return challenge(place, notKnown);
  const from = visitorNetwork(request.address);
  if (proof?.hash !== hash) return { kind: "prove", place, name, password, hash, from };
  return proof.fits && known !== undefined ? undefined : challenge(place, notKnown);
}

/** RFC 7617. */
function challenge(place: Place, why: string): Refusal {
  const scheme = `Basic realm="${place.repo.replace(/["\\]/g, "")}", charset="UTF-8"`;
  return refuse("UNAUTHORIZED", `${nameOfPlace(place)} ${why}`, { place, challenge: scheme });
}

function readBasic(header: string | undefined): { name: string; password: string } | undefined {
  const encoded = /^basic +([A-Za-z0-9+/=_-]+) *$/i.exec(header ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const text = decodeText(encoded);
  const colon = text?.indexOf(":") ?? -1;
  if (text === undefined || colon < 0) return undefined;
  return { name: text.slice(0, colon), password: text.slice(colon + 1) };
}

function decodeText(base64: string): string | undefined {
  try {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function limit(
  { now }: Situation,
  request: Question,
  { place, policy }: Gated,
  rate: Rate,
): Refusal | undefined {
  const waitMs = rate.limiter.take(rateKey(request, policy, rate), now);
  if (waitMs === 0) return undefined;
  const what = `more requests to ${nameOfPlace(place)} than ${rate.rule.perSecond} a second`;
  return refuse("TOO_MANY", what, { place, retryAfterSeconds: Math.ceil(waitMs / 1_000) });
}

/** Who does not say what is counted by is counted by his address, so that leaving it out wins nothing. */
function rateKey(request: Question, policy: Policy, { by, header }: Rate): string {
  const said = by === "visitor" ? readVisitor(request, policy) : undefined;
  const value = by === "header" && header !== undefined ? request.header(header) : said;
  const kept =
    value === undefined || value === "" ? undefined : `=${value.slice(0, valueCharsMax)}`;
  return kept ?? visitorNetwork(request.address);
}

/** Of a value that requests are counted by; keys are kept, so they must not be long. */
const valueCharsMax = 256;
