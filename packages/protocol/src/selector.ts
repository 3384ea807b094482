/**
 * Label selectors: which drones something is for. All terms must hold.
 *
 *     role=web, zone in (a,b), tier!=db, zone notin (c), gpu, !old
 *
 * The grammar is that of Kubernetes' set-based selectors, which people know.
 */
import * as Type from "typebox";
import type { Static } from "typebox";
import { PropagitError } from "./errors.js";
import { quote } from "./ids.js";
import { exact, list, oneOf, text } from "./shape.js";

const [termsMax, valuesMax] = [20, 50];
const key = Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$" });

/** `in` and `not-in` compare with `values`; `exists` and `absent` have none. */
export const selectorTermSchema = exact({
  key,
  op: oneOf("in", "not-in", "exists", "absent"),
  values: list(text(63), valuesMax),
});
export type SelectorTerm = Static<typeof selectorTermSchema>;

/** No terms: every drone. */
export const selectorSchema = list(selectorTermSchema, termsMax);
export type Selector = readonly SelectorTerm[];

/** Which drones: all given parts must fit; nothing given means every drone. */
export const droneTargetSchema = exact({
  /** Names, `*`, or `/regular expression/`. */
  names: Type.Optional(list(text(250), 1_000)),
  /** A label selector as `parseSelector` takes it. */
  selector: Type.Optional(text(1_000)),
});
export type DroneTarget = Static<typeof droneTargetSchema>;

const word = "[A-Za-z0-9][A-Za-z0-9._-]{0,62}";
const value = "[A-Za-z0-9._-]{0,63}";
const setTerm = new RegExp(`^(${word})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const equalTerm = new RegExp(`^(${word})\\s*(==|=|!=)\\s*(${value})$`);
const presenceTerm = new RegExp(`^(!?)\\s*(${word})$`);

/**
 * @example
 * parseSelector("role=web, zone in (a,b), !gpu");
 * @throws BAD_PATTERN
 */
export function parseSelector(selector: string): Selector {
  const terms = splitTerms(selector).map(parseTerm);
  if (terms.length > termsMax) {
    throw wrong(selector, `has more than ${termsMax} terms`);
  }
  return terms;
}

export function matchesSelector(
  selector: Selector,
  labels: Readonly<Record<string, string>>,
): boolean {
  return selector.every((term) => holds(term, labels));
}

/** As a user would write it. */
export function formatSelector(selector: Selector): string {
  return selector.map(formatTerm).join(", ");
}

function holds({ key, op, values }: SelectorTerm, labels: Readonly<Record<string, string>>) {
  const label = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (op) {
    case "in":
      return label !== undefined && values.includes(label);
    case "not-in":
      return label === undefined || !values.includes(label);
    case "exists":
      return label !== undefined;
    case "absent":
      return label === undefined;
    default:
      return op satisfies never;
  }
}

/** At commas that are not within parentheses. */
function splitTerms(selector: string): readonly string[] {
  const terms = selector.split(/,(?![^(]*\))/).map((term) => term.trim());
  return terms.length === 1 && terms[0] === "" ? [] : terms;
}

function parseTerm(term: string): SelectorTerm {
  const set = setTerm.exec(term);
  if (set) {
    const [, key = "", op, list = ""] = set;
    const values = list.split(",").map((one) => one.trim());
    const isValue = new RegExp(`^${value}$`);
    if (!values.every((one) => isValue.test(one))) {
      throw wrong(term, "has a value that no label has");
    }
    if (values.length > valuesMax) throw wrong(term, `has more than ${valuesMax} values`);
    return { key, op: op === "in" ? "in" : "not-in", values };
  }
  const equal = equalTerm.exec(term);
  if (equal) {
    const [, key = "", op, one = ""] = equal;
    return { key, op: op === "!=" ? "not-in" : "in", values: [one] };
  }
  const presence = presenceTerm.exec(term);
  if (presence) {
    const [, not, key = ""] = presence;
    return { key, op: not === "!" ? "absent" : "exists", values: [] };
  }
  throw wrong(term, "is not a term");
}

function formatTerm({ key, op, values }: SelectorTerm): string {
  const [first = ""] = values;
  switch (op) {
    case "in":
      return values.length === 1 ? `${key}=${first}` : `${key} in (${values.join(",")})`;
    case "not-in":
      return values.length === 1 ? `${key}!=${first}` : `${key} notin (${values.join(",")})`;
    case "exists":
      return key;
    case "absent":
      return `!${key}`;
    default:
      return op satisfies never;
  }
}

function wrong(what: string, why: string): PropagitError {
  return new PropagitError("BAD_PATTERN", `label selector ${quote(what)} ${why}`, {
    hint: "write it like `role=web, zone in (a,b), !gpu`",
  });
}
