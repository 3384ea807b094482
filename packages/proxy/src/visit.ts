/**
 * One request on its way to endpoints: what the engine is to send where, and what comes of it.
 *
 *     begun --answered--> ended
 *       | failed                          each attempt begins and ends once at its endpoint,
 *       `--again--> begun (elsewhere)     the request once in the counters
 *              `--> answered with the reason
 *
 * It is made for every request, so it is one object with few fields: its own observer and its own order.
 */
import { shortCommit, type ErrorCode } from "@propagit/protocol";
import type {
  Answer,
  AttemptFailure,
  Edits,
  ExchangeEnd,
  ExchangeObserver,
  Forward,
  RequestView,
  Timeouts,
} from "@propagit/http";
import type { AccessEntry } from "./core/access-line.js";
import type { LoggedEntry } from "./access.js";
import { errorAnswer, type Staleness } from "./answers.js";
import { probeByCopy } from "./core/breaker.js";
import { decideAgain } from "./core/decision.js";
import {
  attemptAnswered,
  attemptFailed,
  beginAttempt,
  endAttempt,
  type Target,
} from "./core/endpoint-state.js";
import type { Forwarding } from "./core/outcome.js";
import type { Situation } from "./core/question.js";
import { RowFinder, type Rows } from "./count-rows.js";
import type { Counters, GatewayFailure, Outcome } from "./counters.js";
import type { Tallies } from "./core/tallies.js";
import type { Clock, Log } from "@propagit/runtime";

export interface VisitOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: Counters;
  readonly tallies: Tallies;
  readonly headMs: number;
  readonly stale: () => Staleness;
}

/** What all visits of a thread share. */
export class VisitShared {
  readonly options: VisitOptions;
  readonly situation: Situation & { now: number };
  readonly rows: RowFinder;

  constructor(options: VisitOptions, situation: Situation & { now: number }) {
    this.options = options;
    this.situation = situation;
    this.rows = new RowFinder(options.counters);
  }

  /** An attempt at an endpoint failed; says so when it is left out from now on. */
  note({ place }: Forwarding, target: Target, failure: AttemptFailure): void {
    const { clock, log } = this.options;
    if (!attemptFailed(target, failure.kind, clock.monotonic())) return;
    const what = `endpoint ${target.address} of ${nameOf({ place, target })}`;
    log.warn(`${what} ${wordsOf(failure)}; left out for a moment`);
  }
}

export class Visit implements Forward, ExchangeObserver {
  readonly kind = "forward";
  address: string;
  target?: string;
  host?: string;
  requestEdits?: Edits;
  answerEdits?: Edits;
  timeouts?: Timeouts;
  bodyBytesMax?: number;
  shadow?: NonNullable<Forward["shadow"]>;
  /** Set when the request is to be logged. */
  entry?: LoggedEntry;
  readonly #shared: VisitShared;
  readonly #request: RequestView;
  #forwarding: Forwarding;
  #rows: Rows;
  /** Addresses that did not take it; made only when there are any. */
  #tried: string[] | undefined;
  #failure: GatewayFailure | undefined;
  #attempts = 0;
  #hasAnswered = false;
  #isUnderWay = false;

  constructor(shared: VisitShared, request: RequestView, forwarding: Forwarding) {
    this.#shared = shared;
    this.#request = request;
    this.#forwarding = forwarding;
    this.address = forwarding.target.address;
    this.#rows = shared.rows.of(forwarding);
    this.#order(forwarding);
  }

  get observer(): ExchangeObserver {
    return this;
  }

  failed(failure: AttemptFailure): void {
    this.#failure = gatewayFailureOf(failure);
    this.#endAttempt();
    this.#shared.note(this.#forwarding, this.#forwarding.target, failure);
  }

  answered(status: number): void {
    this.#hasAnswered = true;
    attemptAnswered(this.#forwarding.target, status, this.#shared.options.clock);
  }

  again(failure: AttemptFailure): Forward | Answer {
    if (failure.mayRepeat) {
      const { situation, options } = this.#shared;
      const tried = (this.#tried ??= []);
      tried.push(this.address);
      situation.now = options.clock.monotonic();
      const failed = { forwarding: this.#forwarding, sent: failure.sent, tried };
      const next = decideAgain(situation, this.#request, failed);
      if (next.kind === "forward") {
        this.#moveTo(next);
        return this;
      }
    }
    return this.#failureAnswer(failure);
  }

  ended(end: ExchangeEnd): void {
    this.#endAttempt();
    const outcome: Outcome = {
      status: end.status,
      hasLeft: end.how === "left",
      failure: failureOf(end, this.#failure),
      headMs: this.#hasAnswered ? end.headMs : undefined,
      retries: this.#tried === undefined ? 0 : this.#attempts - 1,
    };
    for (const row of this.#rows) row.end(outcome);
    if (this.entry) this.entry.write(this.#accessEntry(this.entry.entry), end);
  }

  #order(forwarding: Forwarding): void {
    const { target, requestTarget, requestEdits, answerEdits, policy, shadow, probe } = forwarding;
    this.address = target.address;
    if (requestTarget !== undefined) this.target = requestTarget;
    this.requestEdits = requestEdits;
    this.answerEdits = answerEdits;
    if (policy.timeouts !== undefined) this.timeouts = policy.timeouts;
    if (policy.bodyBytesMax !== undefined) this.bodyBytesMax = policy.bodyBytesMax;
    if (policy.host !== undefined) this.host = policy.host;
    if (probe !== undefined && mayBeCopied(this.#request)) this.shadow = this.#probeOf(probe);
    else if (shadow !== undefined) this.shadow = this.#copyFor(shadow);
    this.#attempts += 1;
    this.#failure = undefined;
    this.#isUnderWay = true;
    beginAttempt(target);
    for (const row of this.#rows) row.begin();
  }

  #copyFor({ address, commit }: Target): NonNullable<Forward["shadow"]> {
    const { tallies } = this.#shared.options;
    const { place } = this.#forwarding;
    tallies.copyDrawn(place, commit);
    return {
      ...shadowOf(address, this),
      observer: {
        answered: (status) => tallies.copyOver(place, commit, status),
        failed: () => tallies.copyOver(place, commit, undefined),
      },
    };
  }

  /** How an endpoint does that said nothing in time is found out by a copy: no visitor waits for it. */
  #probeOf(target: Target): NonNullable<Forward["shadow"]> {
    const { situation, options } = this.#shared;
    const headMs = this.timeouts?.headMs ?? options.headMs;
    probeByCopy(target.state.breaker, situation.now, headMs);
    const forwarding = this.#forwarding;
    return {
      ...shadowOf(target.address, this),
      headMs,
      observer: {
        answered: (status) => attemptAnswered(target, status, options.clock),
        failed: (failure) => this.#shared.note(forwarding, target, failure),
      },
    };
  }

  #moveTo(forwarding: Forwarding): void {
    for (const row of this.#rows) row.moveOn();
    this.#forwarding = forwarding;
    this.#rows = this.#shared.rows.of(forwarding);
    this.#order(forwarding);
  }

  #endAttempt(): void {
    if (!this.#isUnderWay) return;
    this.#isUnderWay = false;
    endAttempt(this.#forwarding.target);
  }

  #failureAnswer(failure: AttemptFailure): Answer {
    const { stale, headMs } = this.#shared.options;
    const name = nameOf(this.#forwarding);
    const isLate = failure.kind === "head-timeout";
    const limit = `${(this.#forwarding.policy.timeouts?.headMs ?? headMs) / 1000} s`;
    const code = isLate ? "TIMED_OUT" : "APP_FAILED";
    const message = `${name} ${isLate ? `did not answer within ${limit}` : wordsOf(failure)}`;
    if (this.entry) this.entry = withCode(this.entry, code);
    return errorAnswer({ code, message }, stale());
  }

  #accessEntry(start: AccessEntry): AccessEntry {
    const { place, variant, label, target } = this.#forwarding;
    return {
      ...start,
      repo: place.repo,
      environment: place.environment,
      commit: target.commit,
      ...(variant.deployment !== undefined && { deployment: variant.deployment }),
      ...(label !== undefined && { variant: label }),
      endpoint: target.address,
      ...(this.#attempts > 1 && { attempts: this.#attempts }),
    };
  }
}

function withCode({ entry, write }: LoggedEntry, code: ErrorCode): LoggedEntry {
  return { entry: { ...entry, code }, write };
}

/** RFC 9110, section 9.2.1: what asks for nothing but an answer; without a body, so that it goes out at once. */
const safeMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

function mayBeCopied({ method, bodyBytes, upgrade }: RequestView): boolean {
  return safeMethods.has(method) && bodyBytes === 0 && upgrade === undefined;
}

/** A copy is what the app would get: rewritten, and without a password that is ours. */
function shadowOf(
  address: string,
  { target, host, requestEdits }: Visit,
): NonNullable<Forward["shadow"]> {
  return {
    address,
    ...(target !== undefined && { target }),
    ...(host !== undefined && { host }),
    ...(requestEdits !== undefined && { requestEdits }),
  };
}

function nameOf({ place, target }: Pick<Forwarding, "place" | "target">): string {
  // Of a registry's service nobody needs to say which commit it is.
  return target.commit === "" ? place.repo : `${place.repo} ${shortCommit(target.commit)}`;
}

/** Read by visitors: without addresses. */
function wordsOf({ kind, sent, reason }: AttemptFailure): string {
  if (kind === "head-timeout") return "did not answer in time";
  if (kind === "malformed") return `did not answer in HTTP: ${reason}`;
  return sent ? `broke off: ${reason}` : `cannot be connected to: ${reason}`;
}

function gatewayFailureOf({ kind }: AttemptFailure): GatewayFailure {
  switch (kind) {
    case "refused":
      return "refused";
    case "connect-timeout":
    case "head-timeout":
      return "late";
    case "broken":
    case "malformed":
      return "cut";
    default:
      return kind satisfies never;
  }
}

function failureOf(
  { how }: ExchangeEnd,
  last: GatewayFailure | undefined,
): GatewayFailure | undefined {
  if (how === "cut") return "cut";
  return how === "failed" || how === "answered" ? last : undefined;
}
