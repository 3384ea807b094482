/**
 * Targets: named selections of drones that nest, wait, and hand on.
 *
 *     all:                                  aims of `all`:
 *       dc1-head: now                         dc1-head   at once
 *       heads: { after: 10m }        ->       dc3-head   after 10 min + 5 min
 *       dc2-head:                             dc2-head   after 60 min, and then, carried out by itself:
 *         { forward: all, after: 60m }          what `all` means for dc2-head
 *     heads:
 *       dc3-head: 5m
 *
 * A plan freezes what comes out, so that whoever edits a target later changes no plan on its way.
 */
import { PropagitError, quote } from "@propagit/protocol";
import { checkRelayDrones } from "./relay-names.js";

/** Targets by name, as they are defined at one place. */
export type Targets = ReadonlyMap<string, Target>;
/** Members: a drone, another target, or a selection such as `zone=b`; in the order they were written. */
export type Target = ReadonlyMap<string, TargetMember>;

export interface TargetMember {
  /** From when its target's time begins. */
  readonly afterMs: number;
  /** The target that the drone carries out in its turn, as it is defined for that drone. */
  readonly forward?: string;
  /** Its place in the file that it came from. */
  readonly at?: number;
}

export interface TargetBook {
  /** For whoever makes the plan. */
  readonly targets: Targets;
  /** For drones that hand on, by their names. */
  readonly relays: ReadonlyMap<string, Targets>;
}

/** Where something goes, and when. */
export interface Aim {
  readonly drone: string;
  /** From the beginning of the plan, or of the part that is handed on. */
  readonly afterMs: number;
  /** What the drone carries out from then on; its times begin there. */
  readonly forward?: Forward;
}

interface Forward {
  readonly target: string;
  readonly aims: readonly Aim[];
}

export interface TargetWorld {
  readonly book: TargetBook;
  /**
   * Names of the drones that a name, a pattern or a selector means, for `at`: the hub when it is undefined,
   * else the drone that hands on. None when it means nothing.
   */
  readonly select: (member: string, at: string | undefined) => readonly string[];
  /** Where a member is written: `propagit.yaml:3:5`. */
  readonly placeOf?: (member: TargetMember) => string | undefined;
  /** As `placeOf`, of what targets mean for a relay. */
  readonly relayPlaceOf?: (relay: string) => string | undefined;
}

/** Targets within targets, and drones that hand on to drones that hand on. */
const depthMax = 16;

/** The target that is always there: every drone of its place, at once, unless it is defined otherwise. */
export const everybody = "all";
const everyDrone: Target = new Map([["*", { afterMs: 0 }]]);

/**
 * Who gets it when, each drone once: of several ways the earliest; what is handed on counts apart, as another
 * carries it out.
 *
 * @throws BAD_TARGET when it is not defined, turns in a circle, or a member of it is nothing
 */
export function aimsOf(world: TargetWorld, target: string): readonly Aim[] {
  checkRelayDrones(world, (text) => world.select(text, undefined));
  return new Walk(world, undefined, []).walk(target);
}

/** Through the targets of one place: the hub's, or those of a drone that hands on. */
class Walk {
  readonly #world: TargetWorld;
  readonly #at: string | undefined;
  /** Drones that hand on, outermost first. */
  readonly #way: readonly string[];
  readonly #aims = new Map<string, Aim>();

  constructor(world: TargetWorld, at: string | undefined, way: readonly string[]) {
    this.#world = world;
    this.#at = at;
    this.#way = way;
  }

  walk(target: string): readonly Aim[] {
    this.#visit(target, 0, []);
    return [...this.#aims.values()].toSorted((left, right) => left.afterMs - right.afterMs);
  }

  #visit(name: string, afterMs: number, path: readonly string[]): void {
    if (path.includes(name)) {
      throw wrong(
        `target ${quote(name)}${this.#here} leads to itself`,
        [...path, name].join(" > "),
      );
    }
    if (path.length >= depthMax) throw wrong(`target ${quote(name)} is nested too deeply`);
    const target = this.#targets.get(name) ?? (name === everybody ? everyDrone : undefined);
    if (!target) throw this.#unknown(name);
    for (const [member, spec] of target) {
      const isTarget = member !== name && this.#targets.has(member);
      if (!isTarget) this.#aim(name, member, spec, afterMs);
      else if (spec.forward === undefined) {
        this.#visit(member, afterMs + spec.afterMs, [...path, name]);
      } else {
        const what = `member ${quote(member)} of ${quote(name)} is a target, and cannot forward`;
        throw this.#wrongAt(spec, what);
      }
    }
  }

  #aim(target: string, member: string, spec: TargetMember, startMs: number): void {
    const drones = this.#world.select(member, this.#at);
    if (drones.length === 0) {
      const what = `member ${quote(member)} of ${quote(target)}${this.#here}`;
      // A target may name the drone that is called as it is.
      const why =
        member === target && this.#targets.has(target)
          ? "leads to itself, and no drone is called so"
          : "is no drone, target or selector of any";
      throw this.#wrongAt(spec, `${what} ${why}`);
    }
    const afterMs = startMs + spec.afterMs;
    for (const drone of drones) this.#add(drone, afterMs, spec);
  }

  #add(drone: string, afterMs: number, spec: TargetMember): void {
    const { forward: target } = spec;
    const before = this.#aims.get(drone);
    const known = before?.forward;
    if (known && target !== undefined && known.target !== target) {
      const both = `${quote(known.target)} and ${quote(target)}`;
      const what = `drone ${quote(drone)}${this.#here} is to hand on to ${both}`;
      throw this.#wrongAt(spec, `${what}, but can to one only`);
    }
    const forward = known ?? this.#forward(drone, spec);
    this.#aims.set(drone, {
      drone,
      afterMs: Math.min(afterMs, before?.afterMs ?? afterMs),
      ...(forward && { forward }),
    });
  }

  #forward(drone: string, spec: TargetMember): Forward | undefined {
    const { forward: target } = spec;
    if (target === undefined) return undefined;
    const way = [...this.#way, drone];
    if (this.#way.includes(drone)) {
      throw this.#wrongAt(spec, `drone ${quote(drone)} hands on to itself: ${way.join(" > ")}`);
    }
    if (way.length > depthMax) throw this.#wrongAt(spec, `${quote(target)} is handed on too often`);
    return { target, aims: new Walk(this.#world, drone, way).walk(target) };
  }

  get #targets(): Targets {
    const { targets, relays } = this.#world.book;
    return this.#at === undefined ? targets : (relays.get(this.#at) ?? new Map());
  }

  get #here(): string {
    return this.#at === undefined ? "" : ` at ${this.#at}`;
  }

  #wrongAt(spec: TargetMember, what: string): PropagitError {
    const place = this.#world.placeOf?.(spec);
    return wrong(place === undefined ? what : `${place}: ${what}`);
  }

  #unknown(name: string): PropagitError {
    const known = [...this.#targets.keys()].slice(0, 10).map(quote).join(", ");
    const there = known === "" ? "none is defined" : `there are ${known}`;
    return wrong(`there is no target ${quote(name)}${this.#here}: ${there}`);
  }
}

function wrong(what: string, way?: string): PropagitError {
  return new PropagitError("BAD_TARGET", way === undefined ? what : `${what}: ${way}`);
}
