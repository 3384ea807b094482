/**
 * What a Host header asks for.
 *
 *     webapp.localhost:8000           the route of repository `webapp`
 *     40548da--webapp.localhost       commit 40548da of it, whoever the visitor is
 *     my.app.example.com              repository `my.app`, or else `my`: names may hold dots
 *
 * Without a domain the longest name that is a repository counts, so that `webapp.anything` works; with
 * one, only what stands in front of it.
 */
export type HostName =
  | {
      readonly kind: "name";
      /** Repository names that fit, lower-case, the first one known counts. */
      readonly candidates: readonly string[];
      /** The commit's first characters, lower-case. */
      readonly commitPrefix?: string;
    }
  /** Well-formed, but names no repository whatever is deployed. */
  | { readonly kind: "foreign"; readonly reason: string }
  | { readonly kind: "malformed"; readonly reason: string };

/** RFC 1035: 253 characters for a name; the rest is the port. */
const hostCharsMax = 260;
const hostPattern = /^([A-Za-z0-9_][A-Za-z0-9._-]*)(?::\d{0,5})?$/;
const ipv6Pattern = /^\[[0-9A-Fa-f:.]+\](?::\d{0,5})?$/;
const ipv4Pattern = /^\d{1,3}(?:\.\d{1,3}){3}$/;
const commitPrefixPattern = /^[0-9a-f]{7,64}$/;

export function parseHostName(host: string | undefined, domain?: string): HostName {
  if (!host) return { kind: "foreign", reason: "the request names no host" };
  if (host.length > hostCharsMax) return { kind: "malformed", reason: "the host name is too long" };
  if (ipv6Pattern.test(host)) return address;
  const name = hostPattern.exec(host)?.[1]?.toLowerCase().replace(/\.$/, "");
  if (name === undefined) return { kind: "malformed", reason: "the host name is malformed" };
  if (ipv4Pattern.test(name)) return address;
  return readName(name, domain?.toLowerCase().replace(/^\.|\.$/g, ""));
}

const address: HostName = { kind: "foreign", reason: "an address names no repository" };

function readName(name: string, domain: string | undefined): HostName {
  const rest = domain ? inFrontOf(name, domain) : name;
  if (rest === undefined) return { kind: "foreign", reason: `it is not below ${domain}` };
  const at = rest.indexOf("--");
  if (at < 0) return { kind: "name", candidates: candidatesOf(rest, domain) };
  const commitPrefix = rest.slice(0, at);
  if (!commitPrefixPattern.test(commitPrefix)) {
    return { kind: "foreign", reason: "what stands before `--` is not a commit" };
  }
  return { kind: "name", candidates: candidatesOf(rest.slice(at + 2), domain), commitPrefix };
}

function inFrontOf(name: string, domain: string): string | undefined {
  return name.endsWith(`.${domain}`) ? name.slice(0, -domain.length - 1) : undefined;
}

/** `a.b.c` is `a.b.c`, `a.b` or `a`. */
function candidatesOf(name: string, domain: string | undefined): readonly string[] {
  if (domain) return [name];
  const labels = name.split(".");
  return labels.map((_, index) => labels.slice(0, labels.length - index).join("."));
}
