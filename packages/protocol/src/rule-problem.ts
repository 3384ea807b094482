/** What the schema of `Rules` cannot say: rules that no proxy could keep, and why. */
import type { HeaderEdits, Rules } from "./rules.js";
import type { HostRoute } from "./specification.js";

/** A rule that cannot be, and why; the sentence goes on after the rule's name. */
export interface RuleProblem {
  readonly rule: keyof Rules;
  readonly why: string;
}

/**
 * Headers that say how long a message is, to whom a connection belongs or who sent a request: a rule that
 * changed one could make two parties read one message differently.
 */
const untouchable: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "forwarded",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "via",
  "x-propagit-commit",
  "x-propagit-pin",
  "x-propagit-variant",
]);
const untouchablePrefix = "x-forwarded-";

/** The first rule that cannot be kept; undefined when all can. */
export function findRuleProblem(rules: Rules): RuleProblem | undefined {
  for (const rule of ["allow", "deny"] as const) {
    const wrong = rules[rule]?.find((network) => !isNetwork(network));
    if (wrong !== undefined)
      return { rule, why: `has ${JSON.stringify(wrong)}, which is no network` };
  }
  for (const rule of ["requestHeaders", "answerHeaders"] as const) {
    const name = untouchableHeader(rule, rules[rule]);
    if (name !== undefined) return { rule, why: `cannot change ${name}: the proxy itself says it` };
  }
  const { rate, visitor, users } = rules;
  if (rate && (rate.by === "header") !== (rate.header !== undefined)) {
    return { rule: "rate", why: "counts by a header exactly when it names one" };
  }
  if (visitor && visitor.header === undefined && visitor.cookie === undefined) {
    return { rule: "visitor", why: "names neither a header nor a cookie" };
  }
  const names = (users ?? []).map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined ? undefined : { rule: "users", why: `has ${twice} twice` };
}

/**
 * The first header that such a rule may not change; undefined when it may change all that it names. What the
 * app gets to see as its host may be set, to the name of one.
 */
export function untouchableHeader(
  rule: "requestHeaders" | "answerHeaders",
  edits: HeaderEdits | undefined,
): string | undefined {
  const set = Object.entries(edits?.set ?? {}).map(([name, value]) => ({ name, value }));
  const removed = (edits?.remove ?? []).map((name) => ({ name, value: "" }));
  const wrong = [...set, ...removed].find(({ name, value }) => {
    const lower = name.toLowerCase();
    if (rule === "requestHeaders" && lower === "host") return !isHostHeader(value);
    return untouchable.has(lower) || lower.startsWith(untouchablePrefix);
  });
  return wrong?.name;
}

/** Why a host name and its path cannot be; undefined when they can. */
export function findHostProblem(route: HostRoute): string | undefined {
  const { host, path, service, rewrite, redirect } = route;
  if (!hostPattern.test(host)) return `${JSON.stringify(host)} is not a host name`;
  if (path !== undefined && !isPath(path)) return `${JSON.stringify(path)} is not a path`;
  const spelling = path === undefined ? undefined : findSpellingProblem(path);
  if (spelling !== undefined) return spelling;
  if (rewrite !== undefined && !isPath(rewrite)) return `${JSON.stringify(rewrite)} is not a path`;
  if (redirect && !isRedirectTarget(redirect.to)) {
    return `${JSON.stringify(redirect.to)} is not an http or https URL`;
  }
  if (redirect && (service !== undefined || rewrite !== undefined)) {
    return "a redirect needs no service and no rewrite: it is answered at once";
  }
  return undefined;
}

const label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
/** Exact, or everything one or more labels below: `*.example.com`. */
export const hostNamePattern = `^(?=.{1,253}$)(?:\\*\\.)?${label}(?:\\.${label})*$`;
const hostPattern = new RegExp(hostNamePattern);
/** Of visible ASCII; what is beyond it is percent-encoded. */
export const routePathPattern = "^/[!-~]*$";
const twistedPath = /\/\/|\/\.{1,2}(?:\/|$)|[;\\]|%(?:2e|2f|3b|5c)/i;
/** Escapes; and what looks like the beginning of one and is none. */
const escapes = /%(?:[0-9a-f]{2})?/gi;
const pathExpression = new RegExp(routePathPattern);

/** Proxies compare paths in their plainest form; two spellings of one place would both be taken for free. */
function findSpellingProblem(path: string): string | undefined {
  const what = `${JSON.stringify(path)} could be written in another way`;
  if (twistedPath.test(path)) {
    return `${what}: write it without empty segments, \`.\`, \`..\`, \`;\` or \`\\\``;
  }
  const plain = path.replaceAll(escapes, plainEscape);
  return plain === path ? undefined : `${what}: write it as ${JSON.stringify(plain)}`;
}

/** Only what cannot stand in a path as it is stays escaped, in capitals (RFC 3986, section 6.2.2). */
function plainEscape(escape: string): string {
  if (escape === "%") return "%25";
  const char = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
  return /[!-~]/.test(char) && !/[%?#]/.test(char) ? char : escape.toUpperCase();
}

function isPath(path: string): boolean {
  return pathExpression.test(path) && !/[?#]/.test(path);
}

/** Into a header and never anything else: no spaces, no control characters. */
export function isRedirectTarget(to: string): boolean {
  return /^https?:\/\/[!-~]+$/.test(to) && URL.canParse(to);
}

function isHostHeader(value: string): boolean {
  const [, host = ""] = /^([^:]+)(?::\d{1,5})?$/.exec(value) ?? [];
  return hostPattern.test(host) && !host.startsWith("*");
}

/** `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`. */
export function isNetwork(text: string): boolean {
  const [address = "", prefix, ...more] = text.split("/");
  if (more.length > 0) return false;
  const bitsMax = isIpv4(address) ? 32 : isIpv6(address) ? 128 : -1;
  if (prefix === undefined) return bitsMax > 0;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= bitsMax;
}

function isIpv4(text: string): boolean {
  const parts = text.split(".");
  // A zero in front would be octal for some and not for others.
  return (
    parts.length === 4 &&
    parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)
  );
}

function isIpv6(text: string): boolean {
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  // Only the very end may be written as IPv4: `::ffff:1.2.3.4`, not `1.2.3.4::`.
  const last = halves.at(-1) === "" ? "" : (groups.at(-1) ?? "");
  const isMapped = last.includes(".");
  const hex = isMapped ? groups.slice(0, -1) : groups;
  if (isMapped && !isIpv4(last)) return false;
  if (!hex.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return false;
  const count = hex.length + (isMapped ? 2 : 0);
  return halves.length === 2 ? count < 8 : count === 8;
}
