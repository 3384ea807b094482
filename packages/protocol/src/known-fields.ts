/**
 * A value from a newer side, without the fields that are not known here:
 *
 *     { drone, bytes, colour }  and a schema without `colour`  ->  { drone, bytes }
 *
 * Fields of what is told or answered only add to what is known, so whoever is older does without them. Of a call's
 * parameters none is left out: to do what was asked but for `dryRun` is worse than to refuse it.
 */
import type { Static, TSchema } from "typebox";
import { check, type Checked } from "./shape.js";

/** As far down as anything that is told goes, several times over. */
const depthMax = 32;

/** The parts of a schema that say what may be inside of a value. */
interface Shape {
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly patternProperties?: Readonly<Record<string, TSchema>>;
  readonly additionalProperties?: unknown;
  readonly items?: TSchema;
  readonly anyOf?: readonly TSchema[];
}

/** As `check`, of something that may come from a side which is newer. */
export function checkKnown<S extends TSchema>(schema: S, value: unknown): Checked<Static<S>> {
  const checked = check(schema, value);
  return checked.ok ? checked : check(schema, withoutUnknown(schema, value, depthMax));
}

function withoutUnknown(schema: TSchema, value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null || depth === 0) return value;
  const { anyOf, items } = schema as Shape;
  const inside = (inner: TSchema, one: unknown) => withoutUnknown(inner, one, depth - 1);
  if (anyOf) {
    const choices = anyOf.map((choice) => ({ choice, known: inside(choice, value) }));
    return choices.find(({ choice, known }) => check(choice, known).ok)?.known ?? value;
  }
  if (Array.isArray(value)) {
    return items ? value.map((one: unknown) => inside(items, one)) : value;
  }
  return ofObject(schema, value as Readonly<Record<string, unknown>>, inside);
}

function ofObject(
  { properties, patternProperties = {}, additionalProperties }: Shape,
  value: Readonly<Record<string, unknown>>,
  inside: (schema: TSchema, value: unknown) => unknown,
): unknown {
  if (!properties) {
    const [of] = Object.values(patternProperties);
    if (!of) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, inside(of, one)]));
  }
  const known = Object.entries(value).flatMap(([key, one]) => {
    const of = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (of) return [[key, inside(of, one)]];
    return additionalProperties === false ? [] : [[key, one]];
  });
  return Object.fromEntries(known);
}
