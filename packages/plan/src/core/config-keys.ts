/**
 * Paths to keys of a configuration, from a flag and from the name of an environment variable.
 *
 *     --set service.web-frontend.port=8080
 *     PROPAGIT_CONFIG_SERVICE__WEB_FRONTEND__PORT=8080
 *
 * A variable's name has neither small letters nor dashes, so its words mean the key that is written like them but
 * for those.
 */
import { isNull, type Located, type LocatedMap, type Shape } from "@propagit/shapes";

export const variablePrefix = "PROPAGIT_CONFIG_";

const pathMax = 20;
const keyPattern = /^[^\s.=]{1,200}$/;

/** `service.web.port` as its keys; undefined when it is none. */
export function pathOf(text: string): readonly string[] | undefined {
  const keys = text.split(".");
  return keys.length <= pathMax && keys.every((key) => keyPattern.test(key)) ? keys : undefined;
}

export interface VariableContext {
  readonly root: LocatedMap;
  /** Of what the generator reads; absent while it is not known. */
  readonly shape: Shape<unknown> | undefined;
}

export type VariablePath =
  | { readonly kind: "path"; readonly path: readonly string[] }
  | { readonly kind: "refused"; readonly why: string };

/** @param name with its prefix */
export function pathOfVariable(name: string, { root, shape }: VariableContext): VariablePath {
  const path: string[] = [];
  let node: Located | undefined = root;
  let below: Shape<unknown> | undefined = shape;
  for (const word of name.slice(variablePrefix.length).split("__")) {
    if (word === "" || path.length >= pathMax) {
      return { kind: "refused", why: "has no key between two of its `__`" };
    }
    const keys = new Set(below?.keys);
    if (node?.kind === "map")
      for (const [key, { value }] of node.entries) if (!isNull(value)) keys.add(key);
    const fitting = [...keys].filter((key) => wordOf(key) === wordOf(word));
    if (fitting.length > 1) {
      return {
        kind: "refused",
        why: `may mean ${fitting.map((key) => `\`${key}\``).join(" or ")}`,
      };
    }
    const key: string = fitting[0] ?? word.toLowerCase();
    path.push(key);
    node = node?.kind === "map" ? node.entries.get(key)?.value : undefined;
    below = below?.child?.(key);
  }
  return { kind: "path", path };
}

function wordOf(key: string): string {
  return key.toLowerCase().replaceAll(/[-_]/g, "");
}
