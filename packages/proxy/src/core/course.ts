/** One request on its way through a decision: what was asked of it is not asked twice. */
import type { Target } from "./endpoint-state.js";
import { mixText, seedOf, type Seed } from "./hash.js";
import type { HostPlace } from "./host-index.js";
import type { Question, Situation } from "./question.js";
import { readVisitor, type Visitor } from "./visitor.js";

export class Course {
  readonly situation: Situation;
  readonly request: Question;
  readonly way: HostPlace;
  /** Addresses where it was tried already. */
  readonly tried: readonly string[];
  readonly service: string | undefined;
  /** To be added to the request for the app, and to its answer. */
  requestLines = "";
  answerLines = "";
  /** Passed over: a copy of the request may try it. */
  awaiting: Target | undefined;
  #visitor: Visitor | undefined;
  #seed: Seed | undefined;

  /** @param visitor of an earlier attempt, who keeps his id */
  constructor(
    situation: Situation,
    request: Question,
    way: HostPlace,
    tried: readonly string[] = [],
    visitor?: Visitor,
  ) {
    this.situation = situation;
    this.request = request;
    this.way = way;
    this.tried = tried;
    this.#visitor = visitor;
    this.service = way.service ?? situation.table.options.service;
  }

  get now(): number {
    return this.situation.now;
  }

  /** Whether somebody needed to know who it is. */
  get hasVisitor(): boolean {
    return this.#visitor !== undefined;
  }

  /** Who it was needed to know of. */
  get knownVisitor(): Visitor | undefined {
    return this.#visitor;
  }

  get visitor(): Visitor {
    if (this.#visitor) return this.#visitor;
    const id = readVisitor(this.request, this.way.policy);
    this.#visitor =
      id === undefined ? { id: this.situation.newVisitor(), isNew: true } : { id, isNew: false };
    return this.#visitor;
  }

  /** What he draws with in this environment. */
  visitorSeed(): Seed {
    this.#seed ??= mixText(seedOf(this.visitor.id), this.way.place.drawKey);
    return this.#seed;
  }
}
