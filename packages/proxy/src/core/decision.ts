/**
 * What becomes of one request:
 *
 *     host name and path -> redirect -> gate (gate.ts) -> variant (destination.ts) -> endpoint (balance.ts)
 *
 * Nothing here forwards or waits; what takes time (a pause, a password) is handed back, and asked again.
 */
import { pickTarget, type Draw } from "./balance.js";
import { Course } from "./course.js";
import {
  firstAble,
  isControl,
  pickDestination,
  refuseEmpty,
  type Destination,
} from "./destination.js";
import { line, withLines } from "./edits.js";
import { stopAtGate } from "./gate.js";
import type { HostPlace } from "./host-index.js";
import type { HostLookup } from "./host-lookup.js";
import { readInstance, writeInstance } from "./instance-cookie.js";
import { refuse, type Decision, type Forwarding, type Refusal } from "./outcome.js";
import type { OwnName } from "./own-name.js";
import { wayTo } from "./own-name.js";
import { comparedPath, isBelow } from "./path.js";
import { withoutPin } from "./pin.js";
import { nameOfPlace } from "./place.js";
import type { Progress, Question, Situation } from "./question.js";
import { locationOf } from "./redirect.js";
import { rewriteTarget } from "./rewrite.js";
import type { Target } from "./endpoint-state.js";
import type { Variant } from "./variant.js";
import { writeVisitor } from "./visitor.js";
import { shortCommit } from "@propagit/protocol";

const nothingYet: Progress = {};

export function decide(
  situation: Situation,
  request: Question,
  progress: Progress = nothingYet,
): Decision {
  const found = situation.table.lookUp(request.host);
  const way = wayOf(found, request.target);
  if (way) return decideOn(situation, request, way, progress);
  const { own } = found;
  switch (own.kind) {
    case "place":
      return decideOn(situation, request, own.way, progress);
    case "runs":
      return decideByName(situation, request, own, progress);
    case "nobody":
      return refuse(own.code, own.message);
    default:
      return own satisfies never;
  }
}

/** How an attempt failed. */
export interface Failed {
  readonly forwarding: Forwarding;
  /** Whether the endpoint may have seen some of it. */
  readonly sent: boolean;
  /** Every address where it was tried, the last one included. */
  readonly tried: readonly string[];
}

/**
 * Where a request goes whose endpoint did not take it; what stopped nobody then does not stop him now.
 *
 * @returns a refusal when that was enough
 */
export function decideAgain(
  situation: Situation,
  request: Question,
  { forwarding, sent, tried }: Failed,
): Forwarding | Refusal {
  const { way, place, policy, variant, how, visitor } = forwarding;
  const { attempts, budget } = policy.retries;
  // What nobody has seen costs no app anything: it does not count against the budget.
  if (tried.length > attempts || (sent && !budget.take(situation.now))) {
    return refuseEmpty(new Course(situation, request, way, tried), place, [variant]);
  }
  const course = new Course(situation, request, way, tried, visitor);
  const destination = how === "name" ? again(course, forwarding) : pickDestination(course);
  return "kind" in destination ? destination : send(course, destination);
}

function wayOf({ places, hasPrefixes }: HostLookup, target: string): HostPlace | undefined {
  if (!hasPrefixes) return places[0];
  const path = comparedPath(target);
  return places.find(({ prefix }) => isBelow(path, prefix));
}

function decideOn(
  situation: Situation,
  request: Question,
  way: HostPlace,
  progress: Progress,
): Decision {
  const { place, policy, redirect, prefix } = way;
  if (redirect) {
    const location = locationOf(redirect, prefix, request.target);
    return { kind: "redirect", place, status: redirect.status, location };
  }
  const stop = policy.hasGate ? stopAtGate(situation, request, way, progress) : undefined;
  if (stop) return stop;
  policy.retries.budget.count(situation.now);
  const course = new Course(situation, request, way);
  const destination = pickDestination(course);
  return "kind" in destination ? destination : send(course, destination);
}

type Runs = OwnName & { kind: "runs" };

/** The rules of the environment that it runs in hold for its own name, too. */
function decideByName(
  situation: Situation,
  request: Question,
  { running }: Runs,
  progress: Progress,
): Decision {
  const [first] = running;
  if (!first) return refuse("NOT_DEPLOYED", "it does not run any more");
  const asked = new Course(situation, request, wayTo(first.environment.place));
  const chosen = firstAble(asked, running);
  const way = wayTo((chosen ?? first).environment.place);
  const stop = way.policy.hasGate ? stopAtGate(situation, request, way, progress) : undefined;
  if (stop) return stop;
  if (!chosen) return refuseEmpty(asked, way.place, [first.variant]);
  way.policy.retries.budget.count(situation.now);
  const course = new Course(situation, request, way);
  return send(course, { variant: chosen.variant, how: "name", label: undefined });
}

/** What was asked for by name is not replaced by anything else. */
function again(course: Course, { variant, place }: Forwarding): Destination | Refusal {
  const choice = variant.choice(course.service);
  const isLeft =
    choice.kind === "pool" &&
    choice.pool.targets.some(({ address }) => !course.tried.includes(address));
  return isLeft
    ? { variant, how: "name", label: undefined }
    : refuseEmpty(course, place, [variant]);
}

function send(course: Course, destination: Destination): Forwarding | Refusal {
  const { variant, how, label } = destination;
  const { way, request } = course;
  const { place, policy } = way;
  const choice = variant.choice(course.service);
  if (choice.kind === "none") return refuseEmpty(course, place, [variant]);
  const draw = drawOf(course);
  const target = pickTarget(choice.pool, draw);
  if (target === undefined) return refuseEmpty(course, place, [variant]);
  if (target === "busy") return refuseBusy(course, variant);
  if (draw.sticky && draw.sticky.token !== target.state.token) {
    course.answerLines += line("Set-Cookie", writeInstance(target.state.token));
  }
  const visitor = course.knownVisitor;
  if (visitor?.isNew === true) course.answerLines += line("Set-Cookie", writeVisitor(visitor.id));
  const requestTarget = targetOf(request.target, way);
  const shadow = place.shadow && course.tried.length === 0 ? shadowOf(course) : undefined;
  return {
    kind: "forward",
    how,
    place,
    policy,
    way,
    variant,
    target,
    isControl: isControl(course, destination),
    label,
    requestTarget: requestTarget === request.target ? undefined : requestTarget,
    visitor,
    requestEdits: withLines(policy.requestEdits, course.requestLines),
    answerEdits: withLines(policy.answerEdits(target.commit, request.isSecure), course.answerLines),
    shadow,
    probe:
      course.tried.length === 0 ? probeBeside(target, draw.awaiting ?? course.awaiting) : undefined,
  };
}

/** When all were out, the request itself tries one of them. */
function probeBeside(target: Target, awaiting: Target | undefined): Target | undefined {
  return awaiting === target ? undefined : awaiting;
}

function drawOf(course: Course): Draw {
  const { situation, way, tried, request } = course;
  const { slowStartMs, stickyInstance } = way.policy;
  const { now } = situation;
  if (!stickyInstance) return { now, slowStartMs, tried, chance: situation, awaiting: undefined };
  const sticky = {
    visitor: course.visitorSeed(),
    token: readInstance(request.header("cookie")),
  };
  return { now, slowStartMs, tried, chance: situation, awaiting: undefined, sticky };
}

function targetOf(target: string, { prefix, rewrite, policy }: HostPlace): string {
  const clean = policy.pins ? withoutPin(target) : target;
  return rewrite === undefined ? clean : rewriteTarget(clean, prefix, rewrite);
}

function shadowOf(course: Course): Target | undefined {
  const { situation, way } = course;
  const { shadow } = way.place;
  if (!shadow || situation.fraction() >= shadow.part) return undefined;
  const choice = shadow.variant.choice(course.service);
  if (choice.kind === "none") return undefined;
  const { now } = situation;
  const target = pickTarget(choice.pool, { now, slowStartMs: 0, tried: [], chance: situation });
  return target === "busy" ? undefined : target;
}

function refuseBusy({ way }: Course, { commit }: Variant): Refusal {
  const { place } = way;
  const name = [nameOfPlace(place), ...(commit === "" ? [] : [shortCommit(commit)])].join(" ");
  const what = `every endpoint of ${name} has as many requests as it may`;
  return refuse("OVERLOADED", what, { place, retryAfterSeconds: 1 });
}
