/**
 * Every method that can be called in a session: what goes in, what comes out, and what comes on the
 * way (`part`). Each has a golden file in `test/golden`, and changes only together with the version of the
 * protocol, or by an optional field.
 *
 * `cluster` methods need the secret (or a server without one); `open` ones also take a token.
 */
import type { Static, TSchema } from "typebox";
import { droneMethods, droneTellings } from "./drone-methods.js";
import { hubMethods, hubTellings } from "./hub-methods.js";
import { proxyMethods } from "./proxy-methods.js";
import { registryMethods } from "./registry-methods.js";
import { relayTellings } from "./relay.js";

export const methods = {
  ...hubMethods,
  ...droneMethods,
  ...proxyMethods,
  ...registryMethods,
} as const;

/** What is told without an answer. */
export const tellings = { ...hubTellings, ...droneTellings, ...relayTellings } as const;

export type MethodName = keyof typeof methods;
export type Params<M extends MethodName> = Static<(typeof methods)[M]["params"]>;
export type Result<M extends MethodName> = Static<(typeof methods)[M]["result"]>;
export type Part<M extends MethodName> = (typeof methods)[M] extends {
  part: infer P extends TSchema;
}
  ? Static<P>
  : never;
export type TellingName = keyof typeof tellings;
export type Telling<T extends TellingName> = Static<(typeof tellings)[T]>;

export function isMethod(method: string): method is MethodName {
  return Object.hasOwn(methods, method);
}

export function isTelling(method: string): method is TellingName {
  return Object.hasOwn(tellings, method);
}
