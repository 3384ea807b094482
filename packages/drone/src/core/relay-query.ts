/**
 * How relays say who they are when they connect, so that one that is asked by itself notices: their ids, and
 * those of relays that came to them, in the address that is asked for.
 */

/** Longer chains are refused by their length; what is more is not a relay's. */
const relaysMax = 64;

export function withRelays(ids: readonly string[]): string {
  return `relays=${ids.slice(0, relaysMax).join(".")}`;
}

export function readRelays(query: string): readonly string[] {
  const said = new URLSearchParams(query).get("relays") ?? "";
  const ids = said.split(".").slice(0, relaysMax);
  return ids.filter((id) => /^[0-9a-f]{16}$/.test(id));
}
