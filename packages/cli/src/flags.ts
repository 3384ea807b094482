/** Values of flags and arguments: parsed once, with an error that says which flag and why. */
import {
  errorCatalogue,
  parseAddress,
  parseLabel,
  parseServiceName,
  PropagitError,
  quote,
  type Address,
} from "@propagit/protocol";
import type { PortRange } from "@propagit/runtime";
import { InvalidArgumentError } from "commander";

/** Wraps a parser for commander, which then names the flag in front of the reason. */
export function asFlag<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (thrown) {
      throw new InvalidArgumentError(sentence(thrown));
    }
  };
}

/** As `asFlag`, for flags that may be given several times. */
export function asRepeatedFlag<T>(parse: (text: string) => T): (text: string, before?: T[]) => T[] {
  const single = asFlag(parse);
  return (text, before = []) => [...before, single(text)];
}

/** A port from 1 to 65535. */
export function parsePort(text: string): number {
  return parseWhole(text, 1, 65_535);
}

export function parseWhole(text: string, low: number, high: number): number {
  const value = Number(text);
  if (/^\d{1,10}$/.test(text) && value >= low && value <= high) return value;
  throw new PropagitError(
    "BAD_USAGE",
    `${quote(text)} is not a whole number from ${low} to ${high}`,
  );
}

/** Seconds, also with a fraction, as milliseconds. */
export function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (/^\d{1,6}(\.\d{1,3})?$/.test(text) && seconds > 0) return Math.round(seconds * 1_000);
  throw new PropagitError("BAD_USAGE", `${quote(text)} is not a number of seconds above 0`);
}

export function parsePortRange(text: string): PortRange {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  const low = Number(match?.[1]);
  const high = Number(match?.[2]);
  if (match && low >= 1 && high <= 65_535 && low <= high) return { low, high };
  throw new PropagitError("BAD_USAGE", `${quote(text)} is not a port range like 10000-20000`);
}

/** `NAME=VALUE` for an instance's environment. */
export function parseVariable(text: string): readonly [name: string, value: string] {
  const at = text.indexOf("=");
  const name = text.slice(0, at);
  if (at > 0 && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return [name, text.slice(at + 1)];
  throw new PropagitError("BAD_USAGE", `${quote(text)} is not of the form NAME=VALUE`);
}

/** `NAME=VALUE` for a setting. @throws BAD_SETTING */
export function parseSetting(text: string): readonly [name: string, value: string] {
  const at = text.indexOf("=");
  if (at < 1) {
    throw new PropagitError("BAD_SETTING", `${quote(text)} is not of the form NAME=VALUE`, {
      hint: "write it like LOG=debug; a secret is set with `propagit secrets set`",
    });
  }
  return [parseVariableName(text.slice(0, at)), text.slice(at + 1)];
}

/** @throws BAD_SETTING */
export function parseVariableName(text: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(text)) return text;
  throw new PropagitError("BAD_SETTING", `${quote(text)} cannot be the name of a variable`);
}

export function parseLabelFlag(text: string): readonly [key: string, value: string] {
  const { key, value } = parseLabel(text);
  return [key, value];
}

/** One arm of a split, `COMMIT=WEIGHT`; commits may be branches or tags, so the last `=` counts. */
export function parseShare(text: string): { readonly ref: string; readonly weight: number } {
  const at = text.lastIndexOf("=");
  if (at < 1)
    throw new PropagitError("BAD_WEIGHT", `${quote(text)} is not of the form COMMIT=WEIGHT`);
  const number = text.slice(at + 1);
  const weight = /^\d{1,7}(\.\d{1,6})?%?$/.test(number) ? Number(number.replace("%", "")) : 0;
  if (weight > 0) return { ref: text.slice(0, at), weight };
  throw new PropagitError("BAD_WEIGHT", `the weight in ${quote(text)} is not a number above 0`);
}

/** Commit, branch, tag or number of a release: the hub says whether there is one. */
export function parseRef(text: string): string {
  if (text !== "" && text.length <= refCharsMax) return text;
  const why = text === "" ? "is empty" : `has ${text.length} characters`;
  throw new PropagitError("BAD_USAGE", `the name of a commit ${why}`, {
    hint: `give a full hash, unique prefix, branch or tag of up to ${refCharsMax} characters`,
  });
}

/** As the protocol allows it. */
const refCharsMax = 250;

export function parseAddressFlag(text: string): Address {
  return parseAddress(text);
}

const spanUnitsMs: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A moment in ms since 1970: so long ago (`10m`), or a date (`2026-03-01T12:00`). */
export function parseSince(text: string, now = Date.now()): number {
  const span = /^(\d{1,6})([smhd])$/.exec(text);
  if (span) return Math.max(0, now - Number(span[1]) * (spanUnitsMs[span[2] ?? ""] ?? 0));
  const date = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (date >= 0) return date;
  throw new PropagitError("BAD_USAGE", `${quote(text)} is no moment`, {
    hint: "write it like 30s, 10m, 2h, 1d or 2026-03-01T12:00",
  });
}

/** `SERVICE=N`, or `SERVICE=-` for what the manifest says. */
export function parseScale(text: string): {
  readonly service: string;
  readonly instances?: number;
} {
  const match = /^([^=]+)=(\d{1,4}|-)$/.exec(text);
  const [, service = "", count = ""] = match ?? [];
  const isWanted = count === "-" || Number(count) <= instancesMax;
  if (!match || !isWanted) {
    throw new PropagitError("BAD_USAGE", `${quote(text)} is not of the form SERVICE=N`, {
      hint: `write it like web=3, at most ${instancesMax}, or web=- for what the manifest says`,
    });
  }
  const name = parseServiceName(service);
  return count === "-" ? { service: name } : { service: name, instances: Number(count) };
}

/** As the specification of a service allows it. */
const instancesMax = 1_000;

/** As every error is told; where to find help is said below it anyway. */
function sentence(thrown: unknown): string {
  if (!(thrown instanceof PropagitError)) return String(thrown);
  const isOwnHint = thrown.hint !== errorCatalogue.BAD_USAGE.hint;
  return isOwnHint ? `${thrown.message}\n  ${thrown.hint}` : thrown.message;
}
