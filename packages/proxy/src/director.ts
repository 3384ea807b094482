/**
 * Says for each request of the engine where it goes, and learns from how it went.
 *
 *     request --> own answers (challenges of certificates, too stale)
 *        |
 *        v  ask the core
 *     forward -> a Visit: counted, tried again elsewhere by the core's leave
 *     hold ----> waits until its route changes, then asked again
 *     prove ---> the password is checked beside, then asked again
 *     else ----> answered here
 *
 * One for each thread, over that thread's table.
 */
import type { PropagitError } from "@propagit/protocol";
import type { Answer, Direction, Director, RequestView, VisitorLife } from "@propagit/http";
import type { Clock, Log, Random } from "@propagit/runtime";
import { AccessRecorder, type AccessSink } from "./access.js";
import {
  errorAnswer,
  maintenanceAnswer,
  redirectAnswer,
  refusalAnswer,
  type Reason,
  type Staleness,
} from "./answers.js";
import { decide } from "./core/decision.js";
import type { Decision, Hold, Prove } from "./core/outcome.js";
import type { Place } from "./core/place.js";
import type { Progress, Situation } from "./core/question.js";
import type { RouteTable } from "./core/route-table.js";
import { visitorChars } from "./core/visitor.js";
import type { Counters } from "./counters.js";
import type { Holds } from "./holds.js";
import type { OwnCode, Tallies } from "./core/tallies.js";
import { Visit, VisitShared } from "./visit.js";

/** A password that was said, and the hash of the right one. */
export interface Claim {
  readonly name: string;
  readonly password: string;
  /** `scrypt$N$r$p$SALT$KEY`, both base64url. */
  readonly hash: string;
  /** Whose guesses are counted together. */
  readonly from: string;
}

/** Checks passwords; `busy` when too many wait for it, `too-often` when too many of one visitor were wrong. */
export interface Prover {
  check(claim: Claim): Proof | Promise<Proof>;
}
export type Proof = "right" | "wrong" | "busy" | "too-often";

export interface DirectorOptions {
  readonly table: RouteTable;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly counters: Counters;
  readonly tallies: Tallies;
  readonly holds: Holds;
  readonly prover: Prover;
  /** Longest wait for an answer's head where no rule says otherwise. */
  readonly headMs: number;
  /** Of hub and registry those that are away. */
  readonly stale: () => Staleness;
  /** Why nobody may be served now, such as a table that is too old; asked for every request. */
  readonly blocked: () => PropagitError | undefined;
  /** Answered before any routing: challenges of certificate authorities. */
  readonly answerFirst?: (target: string) => Answer | undefined;
  readonly access?: AccessSink;
}

/** What the visitor sees of requests that wait: "try again so much later". */
const retryAfterSeconds = 5;

export class ProxyDirector implements Director {
  readonly #options: DirectorOptions;
  readonly #situation: Situation & { now: number };
  readonly #shared: VisitShared;
  readonly #access: AccessRecorder | undefined;

  constructor(options: DirectorOptions) {
    const { table, random, access, clock } = options;
    this.#options = options;
    this.#situation = {
      table,
      now: 0,
      fraction: () => random.fraction(),
      newVisitor: () => random.hex(visitorChars),
    };
    this.#access = access && new AccessRecorder(access, clock, random);
    this.#shared = new VisitShared(options, this.#situation);
  }

  direct(request: RequestView, life: VisitorLife): Direction | Promise<Direction> {
    const first = this.#options.answerFirst?.(request.target);
    if (first) return this.#answer(request, first, "challenge");
    const blocked = this.#options.blocked();
    if (blocked) return this.#retryLater(request, blocked);
    return this.#ask(request, life, undefined);
  }

  #ask(
    request: RequestView,
    life: VisitorLife,
    progress: Progress | undefined,
  ): Direction | Promise<Direction> {
    const situation = this.#situation;
    situation.now = this.#options.clock.monotonic();
    const decision = decide(situation, request, progress);
    if (decision.kind !== "forward") return this.#other(request, life, progress, decision);
    const visit = new Visit(this.#shared, request, decision);
    if (this.#access) visit.entry = this.#access.entryOf(request);
    return visit;
  }

  #other(
    request: RequestView,
    life: VisitorLife,
    progress: Progress | undefined,
    decision: Exclude<Decision, { kind: "forward" }>,
  ): Direction | Promise<Direction> {
    switch (decision.kind) {
      case "redirect":
        return this.#answer(request, redirectAnswer(decision), "redirect", decision.place);
      case "maintenance":
        return this.#answer(request, maintenanceAnswer(decision), "maintenance", decision.place);
      case "refuse": {
        const answer = refusalAnswer(decision, this.#options.stale());
        return this.#answer(request, answer, decision.code, decision.place);
      }
      case "hold":
        return this.#hold(request, life, progress, decision);
      case "prove":
        return this.#prove(request, life, progress, decision);
      default:
        return decision satisfies never;
    }
  }

  async #hold(
    request: RequestView,
    life: VisitorLife,
    progress: Progress | undefined,
    { place, leftMs }: Hold,
  ): Promise<Direction> {
    const { clock, holds } = this.#options;
    const start = clock.monotonic();
    const end = await holds.hold(place.key, leftMs, life.signal);
    // A timer may fire a fraction of a millisecond early.
    const waitedMs = end === "limit" ? leftMs : clock.monotonic() - start;
    switch (end) {
      case "changed":
      case "limit":
        return this.#ask(request, life, {
          ...progress,
          heldMs: (progress?.heldMs ?? 0) + waitedMs,
        });
      case "full":
        return this.#busy(
          request,
          `${place.repo} is paused, and too many wait for it already`,
          place,
        );
      case "left":
        // Read by nobody, so it is not counted either.
        return errorAnswer({ code: "OVERLOADED", message: "the visitor left" }, []);
      default:
        return end satisfies never;
    }
  }

  #prove(
    request: RequestView,
    life: VisitorLife,
    progress: Progress | undefined,
    claim: Prove,
  ): Direction | Promise<Direction> {
    const proof = this.#options.prover.check(claim);
    const goOn = (proven: Proof) => {
      if (proven === "busy") {
        return this.#busy(request, "too many passwords wait to be checked", claim.place);
      }
      if (proven === "too-often") {
        const what = `too many wrong passwords came from ${request.address}`;
        return this.#retryLater(request, { code: "TOO_MANY", message: what }, claim.place);
      }
      const proof = { hash: claim.hash, fits: proven === "right" };
      return this.#ask(request, life, { ...progress, proof });
    };
    return typeof proof === "string" ? goOn(proof) : proof.then(goOn);
  }

  #busy(request: RequestView, message: string, place: Place): Answer {
    return this.#retryLater(request, { code: "OVERLOADED", message }, place);
  }

  #retryLater(request: RequestView, reason: Reason, place?: Place): Answer {
    const more = ["Retry-After", String(retryAfterSeconds)];
    const answer = errorAnswer(reason, this.#options.stale(), { more });
    return this.#answer(request, answer, reason.code, place);
  }

  #answer(request: RequestView, answer: Answer, code: OwnCode, place?: Place): Answer {
    this.#options.tallies.answered(code, place);
    return this.#access ? this.#access.observed(request, answer, { code, place }) : answer;
  }
}
