/** `name`, `name@version` and `name@range`: how people write what they offer and what they look for. */
import { parseServiceName, PropagitError, quote, type ServiceName } from "@propagit/protocol";
import { Range, parse as parseSemver } from "semver";

/** A service and its exact version, as in `http@1.2.3`. */
export interface NamedService {
  readonly service: ServiceName;
  readonly version: string;
}

/** A service and the versions that will do; without a range every version does. */
export interface ServicePattern {
  readonly service: ServiceName;
  readonly range?: Range;
}

/** The version of who says none, as the ancestor seaport had it. */
export const versionDefault = "0.0.0";

/**
 * `http` or `http@1.2.3`.
 *
 * @throws BAD_NAME, BAD_RECORD when the version is not semver
 */
export function parseNamedService(text: string): NamedService {
  const at = text.indexOf("@");
  if (at < 0) return { service: parseServiceName(text), version: versionDefault };
  return {
    service: parseServiceName(text.slice(0, at)),
    version: parseVersion(text.slice(at + 1)),
  };
}

/**
 * A version in its one spelling: `v1.2.3` is `1.2.3`; build metadata is kept.
 *
 * @throws BAD_RECORD
 */
export function parseVersion(text: string): string {
  const parsed = parseSemver(text);
  if (!parsed) {
    throw new PropagitError("BAD_RECORD", `${quote(text)} is not a version`, {
      hint: "write it like 1.2.3, or leave it out for 0.0.0",
    });
  }
  return parsed.build.length > 0 ? `${parsed.version}+${parsed.build.join(".")}` : parsed.version;
}

/**
 * `http` or `http@^1.2`. An invalid range is refused: the ancestors took it for an exact version, or
 * for something that fits nothing, and both looked like "there is none".
 *
 * @throws BAD_PATTERN
 */
export function parsePattern(text: string): ServicePattern {
  const at = text.indexOf("@");
  const service = nameOfPattern(at < 0 ? text : text.slice(0, at), text);
  if (at < 0) return { service };
  return { service, range: parseRange(text.slice(at + 1), text) };
}

function nameOfPattern(name: string, pattern: string): ServiceName {
  try {
    return parseServiceName(name);
  } catch (cause) {
    throw new PropagitError("BAD_PATTERN", `${quote(pattern)} begins with no service name`, {
      cause,
    });
  }
}

function parseRange(text: string, pattern: string): Range {
  // semver takes an empty text for `*`; somebody who wrote `http@` has lost a variable.
  const range = text.trim() === "" ? undefined : tryRange(text);
  if (range) return range;
  throw new PropagitError(
    "BAD_PATTERN",
    `${quote(text)} in ${quote(pattern)} is not a range of versions`,
  );
}

function tryRange(text: string): Range | undefined {
  try {
    return new Range(text);
  } catch {
    return undefined;
  }
}
