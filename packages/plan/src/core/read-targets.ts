/**
 * Targets, out of a file that says what they are: the `targets` and `relays` of a propagit.yaml, a file with just
 * these, or a targets.json of deploy-in-stages. What is wrong without asking anybody (circles, unknown targets) is
 * told at once, all of it, with its places.
 */
import { assert, PropagitError, quote, suggestion } from "@propagit/protocol";
import {
  formatProblem,
  formatProblems,
  mapAt,
  mapped,
  object,
  Problems,
  readJson,
  readYaml,
  type LocatedMap,
} from "@propagit/shapes";
import { disTargetsShape, relayTargetsShape, targetsShape } from "./target-shape.js";
import { everybody, type TargetBook, type TargetMember, type Targets } from "./targets.js";

export interface TargetsText {
  /** For messages; one that ends in `.json` is a targets.json of deploy-in-stages. */
  readonly file: string;
  readonly text: string;
}

/** A book, and where in its file each member stands. */
export interface ReadTargets {
  readonly book: TargetBook;
  /** `propagit.yaml:3:5`; undefined for a member that is nowhere in it. */
  readonly placeOf: (member: TargetMember) => string | undefined;
  /** Where what targets mean for a relay is written. */
  readonly relayPlaceOf: (relay: string) => string | undefined;
}

/** A name, its drone and its delay for each of 100,000 members. */
const limits = { charsMax: 16 * 1024 ** 2, valuesMax: 400_000, depthMax: 20 };
/** Of a propagit.yaml other things may be wrong, which are told by `propagit check`. */
const bookKeys: readonly string[] = ["targets", "relays"];

const bookShape = mapped(
  object({ targets: targetsShape, relays: relayTargetsShape }),
  ({ targets, relays }): TargetBook => ({
    targets: targets ?? new Map(),
    relays: relays ?? new Map(),
  }),
);
const disShape = mapped(disTargetsShape, (targets): TargetBook => {
  return { targets, relays: new Map() };
});

/**
 * @throws BAD_TARGET with file, line and column of everything that is wrong
 *
 * @example
 * const written = "targets: { all: { dc1-head: now, dc2-head: 60m } }";
 * readTargets({ file: "propagit.yaml", text: written }).book.targets.get("all")?.size; // 2
 */
export function readTargets({ file, text }: TargetsText): ReadTargets {
  const problems = new Problems(file, text);
  const isDis = /\.json$/i.test(file);
  const node = (isDis ? readJson : readYaml)(text, problems, limits);
  const own = node?.kind === "map" && !isDis ? bookOnly(node) : node;
  const book = own && (isDis ? disShape : bookShape).read(own, "", problems);
  if (book && problems.isEmpty) checkBook(book, problems);
  if (!problems.isEmpty) throw new PropagitError("BAD_TARGET", formatProblems(problems.all));
  assert(book, "targets without problems were read");
  const relays = own?.kind === "map" ? own.entries.get("relays")?.value : undefined;
  const relayAt = (relay: string) =>
    relays?.kind === "map" ? relays.entries.get(relay)?.keyAt : undefined;
  return {
    book,
    placeOf: (member) => placeIn({ file, text }, member.at),
    relayPlaceOf: (relay) => placeIn({ file, text }, relayAt(relay)),
  };
}

/**
 * What a machine that hands on has in a file of its own, as with deploy-in-stages.
 *
 * @param place where it is said that the file is the relay's
 */
export function withRelay(
  { book, placeOf, relayPlaceOf }: ReadTargets,
  { relay, place }: { readonly relay: string; readonly place: string },
  own: ReadTargets,
): ReadTargets {
  const known = new Set([...own.book.targets.values()].flatMap((target) => [...target.values()]));
  const relays = new Map([...book.relays, ...own.book.relays, [relay, own.book.targets]]);
  return {
    book: { targets: book.targets, relays },
    placeOf: (member) => (known.has(member) ? own.placeOf(member) : placeOf(member)),
    relayPlaceOf: (name) =>
      name === relay ? place : (own.relayPlaceOf(name) ?? relayPlaceOf(name)),
  };
}

function bookOnly(node: LocatedMap): LocatedMap {
  return mapAt(
    node.at,
    [...node.entries].filter(([key]) => bookKeys.includes(key)),
  );
}

function checkBook({ targets, relays }: TargetBook, problems: Problems): void {
  checkTargets(targets, { relays, problems });
  for (const own of relays.values()) checkTargets(own, { relays, problems });
}

interface Checking {
  readonly relays: TargetBook["relays"];
  readonly problems: Problems;
}

function checkTargets(targets: Targets, { relays, problems }: Checking): void {
  for (const [name, target] of targets) {
    for (const [member, spec] of target) {
      const way = wayBack(targets, member, [name]);
      if (way) add(problems, spec, `target ${quote(name)} leads to itself: ${way.join(" > ")}`);
      const { forward } = spec;
      const there = relays.get(member);
      if (forward === undefined || !there || forward === everybody || there.has(forward)) continue;
      const nearest = suggestion(forward, there.keys());
      add(problems, spec, `there is no target ${quote(forward)} at ${member}${nearest}`);
    }
  }
}

/** From a member back to the target that it began with; each target is gone through once. */
function wayBack(
  targets: Targets,
  member: string,
  way: readonly string[],
): readonly string[] | undefined {
  const [start] = way;
  const seen = new Set<string>();
  const ways = [[...way, member]];
  for (let next = ways.pop(); next; next = ways.pop()) {
    const at = next.at(-1) ?? "";
    const before = next.at(-2);
    // A target may name the drone that is called as it is.
    if (at === before || seen.has(at) || !targets.has(at)) continue;
    if (at === start) return next;
    seen.add(at);
    for (const below of targets.get(at)?.keys() ?? []) ways.push([...next, below]);
  }
  return undefined;
}

function add(problems: Problems, { at = 0 }: TargetMember, message: string): void {
  problems.add(at, message);
}

function placeIn({ file, text }: TargetsText, at: number | undefined): string | undefined {
  if (at === undefined) return undefined;
  const problems = new Problems(file, text);
  problems.add(at, "");
  const [place] = problems.all;
  return place && formatProblem(place).replace(/: $/, "");
}
