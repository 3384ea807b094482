/** Shapes made of other shapes: shorter, with a default, with words for editors, read as something else. */
import { assert } from "@propagit/protocol";
import { isNull, shortFor, type Located, type Offset } from "./located.js";
import { locate } from "./plain-value.js";
import { Problems } from "./problems.js";
import { plainOf } from "./shape.js";
import type { JsonSchema, Placed, Shape } from "./shape.js";

/**
 * As the shape, and in an `object` that does not have it, as if `written` stood there: `"10s"` for a
 * duration, not 10,000.
 *
 * @example
 * const settings = object({ wait: withDefault(duration(), "10s") });
 */
export function withDefault<T>(
  shape: Shape<T>,
  written: unknown,
): Shape<T> & { readonly fallback: Located } {
  const problems = new Problems("", "");
  const fallback = locate(written, problems);
  if (fallback) shape.read(fallback, "", problems);
  assert(fallback && problems.isEmpty, `a default is what its shape reads: ${String(written)}`);
  return { ...shape, schema: { ...shape.schema, default: plainOf(shape, fallback) }, fallback };
}

/** A shape that may also be written shorter: `short` says how, `expand` what that means. */
export function orShort<T>(
  long: Shape<T>,
  short: JsonSchema,
  expand: (node: Located) => Located,
): Shape<T> {
  return {
    ...long,
    schema: { anyOf: [short, long.schema] },
    read: (node, where, problems) => long.read(expand(node), where, problems),
    plain: (node) => plainOf(long, expand(node)),
    expand,
  };
}

/** As `orShort`, for a scalar or a list that stands for one key of the map. */
export function orJust<T>(long: Shape<T>, key: string): Shape<T> {
  const only = long.child?.(key)?.schema ?? {};
  return orShort(long, only, (node) =>
    node.kind === "map" || isNull(node) ? node : shortFor(key, node),
  );
}

/** Maps with `map`, everything else with `other`. What is laid over one replaces it whole. */
export function mapOr<A, B>(map: Shape<A>, other: Shape<B>): Shape<A | B> {
  return {
    schema: { anyOf: [other.schema, map.schema] },
    read: (node, where, problems): A | B | undefined =>
      (node.kind === "map" ? map : other).read(node, where, problems),
    plain: (node) => plainOf(node.kind === "map" ? map : other, node),
  };
}

/**
 * A shape whose value is made into another one, or refused: `change` adds what is wrong to the problems, and
 * gives undefined.
 *
 * @example
 * const range = mapped(
 *   object({ low: whole(0, 99), high: whole(0, 99) }, ["low", "high"]),
 *   ({ low, high }, at, where, problems) => {
 *     if (low > high) problems.add(at, `\`${where}\` has a \`low\` above \`high\``);
 *     return { low, high };
 *   },
 * );
 */
export function mapped<A, B>(
  shape: Shape<A>,
  change: (value: A, at: Offset, where: string, problems: Problems) => B | undefined,
): Shape<B> {
  // Its default would be one of what it was before.
  const { fallback: _none, ...others } = shape;
  return {
    ...others,
    read(node, where, problems) {
      const value = shape.read(node, where, problems);
      return value === undefined ? undefined : change(value, node.at, where, problems);
    },
  };
}

/** A value with where it stands, for checks that need other values, too. */
export function placed<T>(shape: Shape<T>): Shape<Placed<T>> {
  return mapped(shape, (value, at) => ({ value, at }));
}

/** With words for editors. */
export function described<S extends Shape<unknown>>(description: string, shape: S): S {
  return { ...shape, schema: { ...shape.schema, description } };
}
