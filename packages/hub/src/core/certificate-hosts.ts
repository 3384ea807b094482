/** For which hosts an authority is asked: those said by hand, and those of routes that are allowed. */
import type { AcmeRow, CertificateRow } from "./certificate-rows.js";

/** RFC 1035: 253 characters, labels of up to 63; two of them, since no authority signs `localhost`. */
const hostPattern =
  /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export interface HostSources {
  readonly acme: Pick<AcmeRow, "hosts" | "allow">;
  /** Host names of routes, exact and wildcard ones. */
  readonly routed: Iterable<string>;
  readonly certificates: Iterable<Pick<CertificateRow, "names" | "source" | "notAfter">>;
}

/** Sorted, each once. What was got elsewhere and is good still needs no asking. */
export function wantedHosts(sources: HostSources, now: number): readonly string[] {
  const { acme, routed, certificates } = sources;
  const wanted = new Set(acme.hosts);
  for (const host of routed) {
    const name = host.toLowerCase();
    if (canBeOrdered(name) && isAllowed(acme.allow, name)) wanted.add(name);
  }
  const covered = new Set<string>();
  for (const { source, names, notAfter } of certificates) {
    if (source === "file" && notAfter > now) names.forEach((name) => covered.add(name));
  }
  return [...wanted].filter((host) => !isCovered(covered, host)).sort();
}

/** Whether an authority can be asked for it: no wildcard, which HTTP cannot prove, and no address. */
export function canBeOrdered(host: string): boolean {
  return hostPattern.test(host) && !/^[0-9.]+$/.test(host);
}

/** @param patterns a host, `*.example.com` for all below it, or `*` */
export function isAllowed(patterns: readonly string[], host: string): boolean {
  return patterns.some((pattern) => {
    if (pattern === "*" || pattern === host) return true;
    return pattern.startsWith("*.") && host.endsWith(pattern.slice(1));
  });
}

function isCovered(names: ReadonlySet<string>, host: string): boolean {
  return names.has(host) || names.has(`*${host.slice(host.indexOf("."))}`);
}
