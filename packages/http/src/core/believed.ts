/**
 * The visitor behind trusted proxies: their lists are read from the right, where the nearest one wrote, until
 * somebody is not trusted any more.
 *
 *     X-Forwarded-For: 1.1.1.1, 203.0.113.7, 10.0.0.2     connection from 10.0.0.1; trusted: 10.0.0.0/8
 *                      (his word)  visitor <── trusted <── trusted
 */
import { headerOf } from "./fields.js";
import type { VisitorConnection } from "./forwarding.js";
import { isAddress, type NetworkList } from "./networks.js";
import type { RequestHead } from "./request-head.js";

/** A list that grows without end is no list of proxies. */
const hopsMax = 32;

export function believedVisitor(
  bytes: Buffer,
  head: RequestHead,
  connection: VisitorConnection,
  trusted: NetworkList,
): VisitorConnection {
  const forwarded = headerOf(bytes, head, "forwarded");
  const list = headerOf(bytes, head, "x-forwarded-for") ?? nodesOf(forwarded);
  const proto = headerOf(bytes, head, "x-forwarded-proto") ?? lastProtoOf(forwarded);
  const said = proto?.split(",").at(-1)?.trim().toLowerCase();
  return {
    ...connection,
    address: nearestStranger(list, trusted) ?? connection.address,
    isSecure: said === "https" || (said !== "http" && connection.isSecure),
  };
}

/** The first from the right who is not trusted; the leftmost when all are; undefined when there is no list. */
function nearestStranger(list: string | undefined, trusted: NetworkList): string | undefined {
  if (list === undefined) return undefined;
  let nearest: string | undefined;
  for (const entry of list.split(",").slice(-hopsMax).toReversed()) {
    const address = addressOf(entry.trim());
    // `unknown`, or something hidden: nothing beyond it can be trusted.
    if (address === undefined) return nearest;
    nearest = address;
    if (!trusted.has(address)) return nearest;
  }
  return nearest;
}

/** An entry's address: with or without a port, IPv6 with or without brackets. */
function addressOf(entry: string): string | undefined {
  const bracketed = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(entry)?.[1];
  const withPort = /^([\d.]+):\d{1,5}$/.exec(entry)?.[1];
  const address = bracketed ?? withPort ?? entry;
  return isAddress(address) ? address : undefined;
}

/** The `for` nodes of a Forwarded field, as a list. */
function nodesOf(forwarded: string | undefined): string | undefined {
  if (forwarded === undefined) return undefined;
  return forwarded
    .split(",")
    .map((element) => parameterOf(element, "for") ?? "unknown")
    .join(", ");
}

function lastProtoOf(forwarded: string | undefined): string | undefined {
  return parameterOf(forwarded?.split(",").at(-1) ?? "", "proto");
}

/** Of `for="[::1]:80";proto=http`; values that need escapes are none of ours. */
function parameterOf(element: string, name: string): string | undefined {
  for (const pair of element.split(";")) {
    const [key = "", value = ""] = pair.split("=", 2);
    if (key.trim().toLowerCase() === name) return value.trim().replace(/^"(.*)"$/, "$1");
  }
  return undefined;
}
