/** `TARGET:PATH`: which drones, and where on them. */
import { PropagitError, quote, type DroneTarget } from "@propagit/protocol";
import { targetOf } from "../commands/drones.js";

export interface FilesPlaceFlag {
  readonly target: DroneTarget;
  readonly path: string;
}

const hint =
  "write it like web-1:/srv/site, '*:/srv/site', '/^web-/:~/site' or 'role=web:/srv/site'";

/** @throws BAD_USAGE, BAD_NAME, BAD_PATTERN */
export function parseFilesPlace(text: string): FilesPlaceFlag {
  const { target, path } = splitPlace(text);
  return { target: parseTarget(target), path };
}

/** Both parts as they are written. @throws BAD_USAGE */
export function splitPlace(text: string): { readonly target: string; readonly path: string } {
  const at = endOfTarget(text);
  if (at >= 1) return { target: text.slice(0, at), path: parsePath(text.slice(at + 1)) };
  throw new PropagitError("BAD_USAGE", `${quote(text)} is not of the form TARGET:PATH`, { hint });
}

/** `TARGET:PATH`, or the target alone. @throws BAD_USAGE, BAD_NAME, BAD_PATTERN */
export function parseFilesSight(text: string): Partial<FilesPlaceFlag> {
  if (endOfTarget(text) > 0) return parseFilesPlace(text);
  return { target: parseTarget(text) };
}

function parseTarget(text: string): DroneTarget {
  const target = targetOf([text]);
  if (target) return target;
  throw new PropagitError("BAD_USAGE", `${quote(text)} names no drones`, { hint });
}

/** What is pushed, and where, as a command line says it. @throws BAD_USAGE */
export function splitWords(words: readonly string[]): {
  readonly sources: readonly string[];
  /** As it is written before the path. */
  readonly target: string;
  readonly place: FilesPlaceFlag;
} {
  const sources = words.slice(0, -1);
  const last = words.at(-1) ?? "";
  if (sources.length === 0) {
    throw new PropagitError("BAD_USAGE", "there must be something to push, and a place for it", {
      hint: "write it like: propagit files push site/ web-1:/srv/site",
    });
  }
  return { sources, target: splitPlace(last).target, place: parseFilesPlace(last) };
}

/** The drone says what it makes of it; here only what no drone could understand. */
function parsePath(path: string): string {
  if (/^(?:\/|~(?:\/|$))/.test(path) && path.length <= 4_096 && !path.includes("\0")) return path;
  throw new PropagitError("BAD_USAGE", `${quote(path)} is no path on a drone`, {
    hint: `it is absolute, or begins with ~/ for the home of the drone's user; ${hint}`,
  });
}

/** Of the colon between both; a regular expression may hold one. */
function endOfTarget(text: string): number {
  return text.startsWith("/") ? text.indexOf("/:", 1) + 1 || -1 : text.indexOf(":");
}
