/**
 * What a drone remembers, as text for the disk and back. It has the shapes in which the hub told it, so one
 * check serves both; settings are hidden.
 */
import {
  check,
  methods,
  parseJson,
  tellings,
  variablesSchema,
  type Variables,
} from "@propagit/protocol";
import type { Remembered, RememberedLease, Resting, Specified } from "../world.js";

/** Of the file; a drone that finds another one begins with nothing and asks its hub. */
const format = 1;

/** Hides a text by the drone's key, and shows it again; undefined when it was hidden by another key. */
export interface Hider {
  readonly hide: (text: string) => string;
  readonly show: (hidden: string) => string | undefined;
}

export function encodeDesire(remembered: Remembered, { hide }: Hider): string {
  const { joined, assignments, keep, specifications, resting } = remembered;
  const { drone: name, hub, registry, timeoutMs, ways } = joined;
  return JSON.stringify({
    format,
    joined: { name, registry, timeoutMs, ...(hub !== undefined && { hub }), ...(ways && { ways }) },
    told: { revision: 0, assignments, keep },
    specifications: specifications.map(({ config, ...specified }) => ({
      ...specified,
      config: hide(JSON.stringify(config)),
    })),
    resting,
  });
}

export interface Decoded {
  readonly remembered: Remembered;
  /** How many deployments could not be read, as after a change of the key; the hub is asked again. */
  readonly unread: number;
}

/** Undefined when it is damaged or of another format. */
export function decodeDesire(text: string, hider: Hider): Decoded | undefined {
  const stored = asObject(parseJson(text));
  if (stored?.["format"] !== format) return undefined;
  const joined = check(methods["hub.join"].result, stored["joined"]);
  const told = check(tellings["drone.assign"], stored["told"]);
  if (!joined.ok || !told.ok) return undefined;
  const { name: drone, hub, registry, timeoutMs = 0, ways } = joined.value;
  const written = asList(stored["specifications"]);
  const specifications = written.flatMap((one) => specified(one, hider));
  const remembered = {
    joined: { drone, hub, registry, timeoutMs, ...(ways && { ways }) },
    assignments: told.value.assignments,
    keep: told.value.keep,
    specifications,
    resting: asList(stored["resting"]).filter(isResting),
  };
  return { remembered, unread: written.length - specifications.length };
}

export function decodeLease(text: string): RememberedLease | undefined {
  const { place, ttlMs, lease } = asObject(parseJson(text)) ?? {};
  if (typeof place !== "string" || typeof ttlMs !== "number") return undefined;
  return typeof lease === "string" && /^[0-9a-f]{32}$/.test(lease)
    ? { place, ttlMs, lease }
    : undefined;
}

function specified(stored: unknown, { show }: Hider): Specified[] {
  const { id, ...rest } = asObject(stored) ?? {};
  const checked = check(methods["hub.specification"].result, rest);
  if (typeof id !== "string" || !checked.ok) return [];
  const config = readVariables(show(checked.value.config));
  return config ? [{ ...checked.value, id, config }] : [];
}

function readVariables(text: string | undefined): Variables | undefined {
  const checked = check(variablesSchema, text === undefined ? undefined : parseJson(text));
  return checked.ok ? checked.value : undefined;
}

function isResting(stored: unknown): stored is Resting {
  const { deployment, service, slot, release, outcome, reason, lastLines } = asObject(stored) ?? {};
  const texts = [deployment, service, reason, ...asList(lastLines)];
  return (
    texts.every((text) => typeof text === "string") &&
    [slot, release].every((number) => Number.isSafeInteger(number)) &&
    (outcome === "done" || outcome === "failed") &&
    Array.isArray(lastLines)
  );
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as Record<string, unknown>) : undefined;
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
