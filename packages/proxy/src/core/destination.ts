/**
 * Which variant a request is for, once it may go on:
 *
 *     pin -> the caller's own release -> experiments -> shares (or, in a switch, the shares before)
 */
import { shortCommit } from "@propagit/protocol";
import { hasFine, hasUntried } from "./balance.js";
import type { Course } from "./course.js";
import { callerHeader, line, pinHeader, variantHeader } from "./edits.js";
import { assignVisitor } from "./experiment.js";
import { uniformAfter } from "./hash.js";
import { refuse, type Forwarding, type Refusal } from "./outcome.js";
import { nothingPromoted } from "./own-name.js";
import { clearPin, goneText, isPinnable, readPin, writePin, type Pin } from "./pin.js";
import { nameOfPlace, type Place } from "./place.js";
import type { Running } from "./repo-index.js";
import { drawShare } from "./split.js";
import type { Variant } from "./variant.js";

export interface Destination {
  readonly variant: Variant;
  readonly how: Forwarding["how"];
  readonly label: string | undefined;
}

export function pickDestination(course: Course): Destination | Refusal {
  const { place, policy } = course.way;
  if (policy.pins) {
    const pinned = byPin(course);
    if (pinned) return pinned;
  }
  if (policy.pins || course.situation.table.isEndpointHost(course.request.address)) {
    const same = byCaller(course);
    if (same) return same;
  }
  if (place.experiments.length > 0) {
    const { label, serves } = assignVisitor(
      place.experiments,
      course.request,
      course.visitorSeed(),
      (variant) => isFine(course, variant),
    );
    if (label !== undefined) course.requestLines += line(variantHeader, label);
    if (serves) return { variant: serves, how: "experiment", label };
    const shared = byShares(course, place);
    return "kind" in shared ? shared : { ...shared, label };
  }
  return byShares(course, place);
}

/** Of several that are the same to the visitor the first that is fine, then the first that there is. */
export function firstAble(course: Course, running: readonly Running[]): Running | undefined {
  return (
    running.find(({ variant }) => isFine(course, variant)) ??
    running.find(({ variant }) => isAble(course, variant))
  );
}

export function refuseEmpty(course: Course, place: Place, variants: readonly Variant[]): Refusal {
  const reasons = variants.map((variant) => {
    const choice = variant.choice(course.service);
    const reason = choice.kind === "none" ? choice.reason : "nobody answers there";
    return variant.commit === "" ? `: ${reason}` : ` ${shortCommit(variant.commit)}: ${reason}`;
  });
  const what = `no endpoint for ${nameOfPlace(place)}${reasons.join(";")}`;
  return refuse("NO_ENDPOINT", what, { place });
}

/** Whether this visitor of the shares is one of those that a new commit is compared with. */
export function isControl(course: Course, { variant, how }: Destination): boolean {
  const { control } = course.way.place;
  if (how !== "shares" || control?.variant !== variant || !course.hasVisitor) return false;
  return uniformAfter(course.visitorSeed(), "control") < control.part;
}

function byPin(course: Course): Destination | Refusal | undefined {
  const { request, way } = course;
  const pin = readPin(request);
  if (!pin) return undefined;
  if (pin.prefix === "") {
    course.answerLines += line("Set-Cookie", clearPin(way.prefix));
    return undefined;
  }
  const running = isPinnable(pin) ? firstAble(course, ofOneCommit(course, pin.prefix)) : undefined;
  if (running) {
    keepPin(course, pin, running.variant.commit);
    return { variant: running.variant, how: "pin", label: undefined };
  }
  // Somebody who looks at one version must not be shown another for its fault.
  if (course.tried.length > 0) return refuseEmpty(course, way.place, []);
  course.answerLines += line(pinHeader, goneText(pin.prefix));
  return undefined;
}

/** A cookie that is there already is not renewed. */
function keepPin(course: Course, pin: Pin, commit: string): void {
  if (pin.from === "cookie") return;
  course.answerLines += line("Set-Cookie", writePin(commit, course.way.prefix));
}

function byCaller(course: Course): Destination | undefined {
  const caller = course.request.header(callerHeader)?.trim().toLowerCase();
  if (caller === undefined || caller === "") return undefined;
  const isCommit = /^[0-9a-f]{7,64}$/.test(caller);
  const running = isCommit ? firstAble(course, ofOneCommit(course, caller)) : undefined;
  if (running) return { variant: running.variant, how: "caller", label: undefined };
  course.answerLines += line(callerHeader, goneText(caller));
  return undefined;
}

/** What runs of a commit in this environment; nothing when several commits begin so. */
function ofOneCommit(course: Course, prefix: string): readonly Running[] {
  const { place } = course.way;
  const running = course.situation.table.repoOf(place)?.find(place.environment, prefix) ?? [];
  const commits = new Set(running.map(({ deployment }) => deployment.commit));
  return commits.size === 1 ? running : [];
}

function byShares(course: Course, place: Place): Destination | Refusal {
  const { variants } = place;
  const [only] = variants;
  if (!only) return refuse("NO_ROUTE", nothingPromoted(place), { place });
  if (variants.length === 1 && isAble(course, only))
    return { variant: only, how: "shares", label: undefined };
  const present = serving(course, variants) ?? servingBefore(course, place);
  if (!present) return refuseEmpty(course, place, variants);
  if (present.all.length === 1)
    return { variant: present.able[0] ?? only, how: "shares", label: undefined };
  const variant = drawShare(present.able, course.visitorSeed()) ?? only;
  return { variant, how: "shares", label: undefined };
}

interface Serving {
  readonly all: readonly Variant[];
  readonly able: readonly Variant[];
}

/** A variant whose endpoints are all out gets nothing, as long as another one can answer. */
function serving(course: Course, all: readonly Variant[]): Serving | undefined {
  if (all.every((variant) => isFine(course, variant)))
    return all.length > 0 ? { all, able: all } : undefined;
  const fine = all.filter((variant) => isFine(course, variant));
  const able = fine.length > 0 ? fine : all.filter((variant) => isAble(course, variant));
  return able.length > 0 ? { all, able } : undefined;
}

function servingBefore(course: Course, { former }: Place): Serving | undefined {
  for (const { variants, untilMs } of former) {
    const found = untilMs > course.now ? serving(course, variants) : undefined;
    if (found) return found;
  }
  return undefined;
}

function isFine(course: Course, variant: Variant): boolean {
  const choice = variant.choice(course.service);
  return choice.kind === "pool" && hasFine(choice.pool, course);
}

function isAble(course: Course, variant: Variant): boolean {
  const choice = variant.choice(course.service);
  return choice.kind === "pool" && hasUntried(choice.pool, course.tried);
}
