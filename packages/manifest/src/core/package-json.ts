/** The `start` script of a package.json, as a service `web` that listens. Other scripts mean nothing here. */
import { parseJson } from "@propagit/protocol";
import { mapAt, shortFor, type LocatedMap } from "@propagit/shapes";

/** `broken`: it is not JSON, so nobody knows. Undefined: it starts nothing. */
export function readPackageJson(text: string): LocatedMap | "broken" | undefined {
  const content = parseJson(text.replace(/^\uFEFF/, ""));
  if (content === undefined) return "broken";
  const start = field(field(content, "scripts"), "start");
  if (typeof start !== "string" || start.trim() === "") return undefined;
  const at = Math.max(0, text.indexOf('"start"'));
  // Run as it stands and not by `npm start`: signals reach it, and no second Node waits beside it. The
  // drone puts node_modules/.bin in front of the PATH.
  const command = shortFor("command", { kind: "scalar", value: start, source: start, at });
  const services = mapAt(at, [["web", { keyAt: at, value: command }]]);
  return mapAt(at, [["services", { keyAt: at, value: services }]]);
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}
