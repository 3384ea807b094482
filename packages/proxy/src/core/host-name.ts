/**
 * What a Host header asks for.
 *
 *     webapp.localhost:8000           repository `webapp` in production
 *     staging--webapp.localhost       the same in environment `staging`
 *     40548da--webapp.localhost       commit 40548da of it, whoever the visitor is
 *     my.app.example.com              repository `my.app`, or else `my`: names may hold dots
 *
 * Without a domain the longest name that is a repository counts, so that `webapp.anything` works; with
 * one, only what stands in front of it. What stands before `--` is looked up: an environment of that name
 * comes before a commit that begins so.
 */
export type HostName =
  | {
      readonly kind: "name";
      /** All of it, lower-case, as manifests name hosts. */
      readonly host: string;
      /** Repository names that fit, lower-case, the first one known counts. */
      readonly candidates: readonly string[];
      /** An environment, or a commit's first characters, lower-case. */
      readonly prefix?: string;
    }
  /** Well-formed, but names no repository whatever is deployed; a manifest may name it. */
  | { readonly kind: "foreign"; readonly host?: string; readonly reason: string }
  | { readonly kind: "malformed"; readonly reason: string };

/** RFC 1035: 253 characters for a name; the rest is the port. */
const hostCharsMax = 260;
const hostPattern = /^([A-Za-z0-9_][A-Za-z0-9._-]*)(?::\d{0,5})?$/;
const ipv6Pattern = /^\[[0-9A-Fa-f:.]+\](?::\d{0,5})?$/;
const ipv4Pattern = /^\d{1,3}(?:\.\d{1,3}){3}$/;

export function parseHostName(host: string | undefined, domain?: string): HostName {
  if (!host) return { kind: "foreign", reason: "the request names no host" };
  if (host.length > hostCharsMax) return { kind: "malformed", reason: "the host name is too long" };
  if (ipv6Pattern.test(host)) return address;
  const name = hostPattern.exec(host)?.[1]?.toLowerCase().replace(/\.$/, "");
  if (name === undefined) return { kind: "malformed", reason: "the host name is malformed" };
  if (ipv4Pattern.test(name)) return address;
  return readName(name, domain?.toLowerCase().replace(/^\.|\.$/g, ""));
}

const commitPrefixPattern = /^[0-9a-f]{7,64}$/;

/** Whether what stands before `--` can be the beginning of a commit. */
export function isCommitPrefix(prefix: string): boolean {
  return commitPrefixPattern.test(prefix);
}

const address: HostName = { kind: "foreign", reason: "an address names no repository" };

function readName(host: string, domain: string | undefined): HostName {
  const rest = domain ? inFrontOf(host, domain) : host;
  if (rest === undefined) return { kind: "foreign", host, reason: `it is not below ${domain}` };
  // In the first label only: a domain may hold `--` as well, as all that are not ASCII do. The last one
  // counts, since no repository's name holds any.
  const label = rest.split(".", 1)[0] ?? "";
  const at = label.lastIndexOf("--");
  if (at < 0) return { kind: "name", host, candidates: candidatesOf(rest, domain) };
  const prefix = rest.slice(0, at);
  return { kind: "name", host, candidates: candidatesOf(rest.slice(at + 2), domain), prefix };
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
