/** Answers that send a visitor elsewhere at once. */
import type { HostRoute } from "@propagit/protocol";
import { behindPrefix } from "./path.js";

type Redirect = NonNullable<HostRoute["redirect"]>;

/**
 * Where a redirect leads: `to`, with the rest of the path instead of a star at its end, and with the query.
 *
 *     /old -> https://new.example/*      /old/a/b?c=d -> https://new.example/a/b?c=d
 */
export function locationOf(redirect: Redirect, prefix: string, target: string): string {
  const { rest, query } = behindPrefix(target.startsWith("/") ? target : "/", prefix);
  const { to } = redirect;
  // The rest begins with one slash at most: with two, a path would become another host.
  const place = to.endsWith("/*") ? `${to.slice(0, -2)}${rest === "" ? "/" : rest}` : to;
  return joinQuery(place, query);
}

/** The same place over TLS. @param port of the listener for TLS, when it is not the usual one */
export function httpsLocation(host: string, target: string, port: number | undefined): string {
  const name = host.replace(/:\d*$/, "");
  const where = port === undefined || port === 443 ? name : `${name}:${port}`;
  return `https://${where}${target.startsWith("/") ? target : "/"}`;
}

function joinQuery(place: string, query: string): string {
  if (query.length <= 1) return place;
  const hash = place.indexOf("#");
  const [front, fragment] = hash < 0 ? [place, ""] : [place.slice(0, hash), place.slice(hash)];
  return `${front}${front.includes("?") ? "&" : "?"}${query.slice(1)}${fragment}`;
}
