/** Values of the proxy's flags; bad ones are refused with what a good one looks like. */
import { availableParallelism } from "node:os";
import { isNetwork, PropagitError, quote } from "@propagit/protocol";
import { parseWhole } from "./flags.js";

/** More threads than cores gain nothing; beyond that it is a typing error. */
const workersMax = 256;

/** `4`, or `auto` for one thread for each core. */
export function parseWorkers(text: string): number {
  return text === "auto" ? availableParallelism() : parseWhole(text, 1, workersMax);
}

/** `10.0.0.0/8,192.0.2.7`: addresses and networks. */
export function parseNetworks(text: string): readonly string[] {
  const networks = text.split(",").map((network) => network.trim());
  const wrong = networks.find((network) => !isNetwork(network));
  if (wrong === undefined) return networks;
  throw new PropagitError("BAD_USAGE", `${quote(wrong)} is no address or network`, {
    hint: "write it like 10.0.0.0/8,192.0.2.7,2001:db8::/32",
  });
}

/** Percent, also with a fraction. */
export function parsePercent(text: string): number {
  const percent = Number(text.replace(/%$/, ""));
  if (/^\d{1,3}(\.\d{1,6})?%?$/.test(text) && percent <= 100) return percent;
  throw new PropagitError("BAD_USAGE", `${quote(text)} is not a percentage from 0 to 100`);
}

const spanUnitsMs: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `30s`, `10m`, `2h`, as milliseconds. */
export function parseSpan(text: string): number {
  const [, digits, unit = ""] = /^(\d{1,6}(?:\.\d{1,3})?)([smhd])?$/.exec(text) ?? [];
  const ms = Math.round(Number(digits) * (spanUnitsMs[unit] ?? 0));
  if (ms > 0) return ms;
  const why = digits !== undefined && unit === "" ? "has no unit" : "is no span of time above 0";
  throw new PropagitError("BAD_USAGE", `${quote(text)} ${why}`, {
    hint: "write it like 30s, 10m or 2h",
  });
}

const byteUnits: Readonly<Record<string, number>> = {
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
};

/** `100MB`, or `100MiB` as tables have it. */
export function parseBytes(text: string): number {
  const [, digits, unit = ""] = /^(\d{1,6}(?:\.\d{1,3})?)(Ki?B|Mi?B|Gi?B)$/i.exec(text) ?? [];
  const bytes = Math.round(Number(digits) * (byteUnits[unit.toUpperCase()] ?? 0));
  if (bytes > 0) return bytes;
  throw new PropagitError("BAD_USAGE", `${quote(text)} is no size`, {
    hint: "write it like 500KB, 100MB or 1GB",
  });
}
