/** Plain values of a program as located ones, so that the shapes of documents read them as well. */
import type { Located, LocatedEntry } from "./located.js";
import { mapAt } from "./located.js";
import type { Problems } from "./problems.js";

/** Nobody means to nest deeper; something that holds itself is met here, too. */
const depthMax = 100;

/**
 * A value as if it stood at the beginning of a text. `undefined` in a map is as if it were not there, as JSON
 * has it; what JSON cannot say is a problem.
 *
 * @returns undefined when there was a problem
 */
export function locate(value: unknown, problems: Problems): Located | undefined {
  return visit(value, "", { depth: 0, problems });
}

interface Visit {
  readonly depth: number;
  readonly problems: Problems;
}

function visit(value: unknown, where: string, { depth, problems }: Visit): Located | undefined {
  const refuse = (why: string): undefined => {
    problems.add(0, `${where === "" ? "it" : `\`${where.slice(0, 200)}\``} ${why}`);
    return undefined;
  };
  if (depth > depthMax) return refuse("is nested too deeply");
  if (typeof value === "number" && !Number.isFinite(value)) return refuse("is no finite number");
  if (isScalar(value)) return { kind: "scalar", value, source: sourceOf(value), at: 0 };
  const inside = { depth: depth + 1, problems };
  if (Array.isArray(value)) return listOf(value, where, inside);
  if (!isRecord(value)) return refuse(`is ${kindOf(value)}, which no document can say`);
  return mapOf(value, where, inside);
}

function listOf(values: readonly unknown[], where: string, inside: Visit): Located | undefined {
  const items = values.map((one, index) => visit(one, `${where}[${index}]`, inside));
  return items.includes(undefined) ? undefined : { kind: "list", items: items as Located[], at: 0 };
}

function mapOf(
  values: Readonly<Record<string, unknown>>,
  where: string,
  inside: Visit,
): Located | undefined {
  const entries: [string, LocatedEntry][] = [];
  for (const [key, one] of Object.entries(values)) {
    if (one === undefined) continue;
    const value = visit(one, where === "" ? key : `${where}.${key}`, inside);
    if (!value) return undefined;
    entries.push([key, { keyAt: 0, value }]);
  }
  return mapAt(0, entries);
}

function isScalar(value: unknown): value is string | number | boolean | null {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}

function sourceOf(value: string | number | boolean | null): string {
  return value === null ? "" : String(value);
}

/** Not a Map, a Date or the like, whose entries nobody sees. */
function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function kindOf(value: unknown): string {
  if (typeof value !== "object" || value === null) {
    return value === undefined ? "undefined" : `a ${typeof value}`;
  }
  return `a ${value.constructor.name}`;
}
