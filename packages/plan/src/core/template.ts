/**
 * Texts with places for values: `{{name}}`. Nothing else: what needs conditions and loops is made by a
 * generator, which is a program already.
 */
import { quote } from "@propagit/protocol";

const place = /\{\{\s*([^{}]*?)\s*\}\}/g;
export const valueNamePattern = "^[A-Za-z_][A-Za-z0-9_.-]*$";

export type Filled =
  { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string };

/** With the value of each name in its place; not without one of them. */
export function fillTemplate(template: string, values: ReadonlyMap<string, string>): Filled {
  const names = [...template.matchAll(place)].map(([, name = ""]) => name);
  const missing = [...new Set(names)].filter((name) => !values.has(name));
  const [first] = missing;
  if (first !== undefined) {
    const others = missing.slice(1, 10).map((name) => `, ${quote(name)}`);
    return { ok: false, why: `there is no value for ${quote(first)}${others.join("")}` };
  }
  return {
    ok: true,
    text: template.replaceAll(place, (_, name: string) => values.get(name) ?? ""),
  };
}
