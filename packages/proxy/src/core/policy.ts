/**
 * Rules made ready: compiled once when they change, asked for every request. What a host name says wins over
 * what its environment says, key by key. What is counted (rates, retries) goes on over a change of other rules.
 */
import { NetworkList, type Edits, type Timeouts } from "@propagit/http";
import type { Rules } from "@propagit/protocol";
import {
  callerHeader,
  commitHeader,
  compileHeaderEdits,
  hostEdit,
  line,
  neverFromVisitors,
  pinHeader,
  withLines,
} from "./edits.js";
import { seedOf } from "./hash.js";
import { RateLimiter } from "./rate-limit.js";
import { RetryBudget } from "./retry-budget.js";

export interface Policy {
  /** Whether anything is to be asked before a request is sent anywhere. */
  readonly hasGate: boolean;
  readonly httpsOnly: boolean;
  readonly allow?: NetworkList;
  readonly deny?: NetworkList;
  readonly maintenance?: Rules["maintenance"];
  readonly pause?: Rules["pause"];
  /** Hashes by name. */
  readonly users?: ReadonlyMap<string, string>;
  /** Checked for names that nobody has: as dear as those of `users`, and of no password. */
  readonly decoyHash?: string;
  readonly rate?: Rate;
  readonly pins: boolean;
  readonly bodyBytesMax?: number;
  readonly timeouts?: Timeouts;
  readonly retries: Retries;
  readonly visitor?: { readonly header?: string; readonly cookie?: string };
  readonly stickyInstance: boolean;
  readonly slowStartMs: number;
  /** What the app gets to see as its host, when a rule says so. */
  readonly host?: string;
  readonly requestEdits: Edits;
  /** @param commit empty: unknown */
  answerEdits(commit: string, isSecure: boolean): Edits;
}

export interface Rate {
  readonly rule: RateRule;
  readonly by: RateRule["by"];
  /** Lower-case. */
  readonly header?: string;
  readonly limiter: RateLimiter;
}

interface Retries {
  readonly attempts: number;
  readonly budgetPercent: number;
  readonly budget: RetryBudget;
}

type RateRule = NonNullable<Rules["rate"]>;

export interface PolicyParts {
  readonly rules: Rules;
  /** Of the environment, for a host name's own. */
  readonly parent?: { readonly rules: Rules; readonly policy: Policy };
  /** The same policy before the change. */
  readonly former?: Policy;
  /** Unknown to visitors. */
  readonly secret: string;
}

/** Without a rule: two other endpoints are tried, for a fifth of the requests at most; both as in other proxies. */
const attemptsDefault = 2;
const budgetPercentDefault = 20;

export function compilePolicy({ rules: own, parent, former, secret }: PolicyParts): Policy {
  const rules: Rules = { ...parent?.rules, ...own };
  const rate = own.rate ? rateOf(own.rate, former, secret) : parent?.policy.rate;
  const hasOwnRetries = own.retries !== undefined || !parent;
  const policy = {
    httpsOnly: rules.httpsOnly ?? false,
    ...(rules.allow && { allow: NetworkList.parseValid(rules.allow) }),
    ...(rules.deny && { deny: NetworkList.parseValid(rules.deny) }),
    ...(rules.maintenance && { maintenance: rules.maintenance }),
    ...(rules.pause && { pause: rules.pause }),
    ...usersOf(rules),
    ...(rate && { rate }),
    pins: rules.pins ?? false,
    ...(rules.bodyBytesMax !== undefined && { bodyBytesMax: rules.bodyBytesMax }),
    ...(rules.timeouts && { timeouts: rules.timeouts }),
    retries: hasOwnRetries ? retriesOf(own.retries, former) : parent.policy.retries,
    ...(rules.visitor && { visitor: visitorNames(rules.visitor) }),
    stickyInstance: rules.stickyInstance ?? false,
    slowStartMs: rules.slowStartMs ?? 0,
    ...headersOf(rules),
  };
  return { hasGate: hasGate(policy), ...policy };
}

/** For what no rule says anything of. */
export function defaultPolicy(secret: string): Policy {
  return compilePolicy({ rules: {}, secret });
}

function hasGate(policy: Omit<Policy, "hasGate">): boolean {
  const { httpsOnly, allow, deny, maintenance, pause, users, rate } = policy;
  return httpsOnly || [allow, deny, maintenance, pause, users, rate].some(Boolean);
}

function usersOf({ users }: Rules): Pick<Policy, "users" | "decoyHash"> {
  if (!users) return {};
  const [first] = users;
  const decoyHash = first?.hash.replace(/[^$]*$/, (key) => "A".repeat(key.length));
  return {
    users: new Map(users.map(({ name, hash }) => [name, hash])),
    ...(decoyHash !== undefined && { decoyHash }),
  };
}

function rateOf(rule: RateRule, former: Policy | undefined, secret: string): Rate {
  const { by, header } = rule;
  const known = former?.rate;
  const isSame =
    known?.rule.perSecond === rule.perSecond &&
    known.rule.burst === rule.burst &&
    known.by === by &&
    known.rule.header === header;
  if (isSame) return known;
  const limiter = new RateLimiter(rule, seedOf(secret, "rate"));
  return { rule, by, ...(header !== undefined && { header: header.toLowerCase() }), limiter };
}

function retriesOf(rule: Rules["retries"], former: Policy | undefined): Retries {
  const { attempts = attemptsDefault, budgetPercent = budgetPercentDefault } = rule ?? {};
  const isSame = former?.retries.budgetPercent === budgetPercent;
  const budget = isSame ? former.retries.budget : new RetryBudget(budgetPercent);
  return { attempts, budgetPercent, budget };
}

function visitorNames({
  header,
  cookie,
}: NonNullable<Rules["visitor"]>): NonNullable<Policy["visitor"]> {
  return {
    ...(header !== undefined && { header: header.toLowerCase() }),
    ...(cookie !== undefined && { cookie }),
  };
}

function headersOf(rules: Rules): Pick<Policy, "host" | "requestEdits" | "answerEdits"> {
  const host = hostEdit(rules.requestHeaders);
  // A password that we checked is ours: an app could only take it for one of its own.
  const ours = [...neverFromVisitors, ...(rules.users ? ["authorization"] : [])];
  const hsts = hstsOf(rules.hsts);
  const plain = rules.answerHeaders
    ? compileHeaderEdits(rules.answerHeaders, oursInAnswers)
    : usualAnswerEdits;
  const secure = hsts === undefined ? plain : replaced(plain, "strict-transport-security", hsts);
  return {
    ...(host !== undefined && { host }),
    requestEdits:
      rules.requestHeaders || rules.users
        ? compileHeaderEdits(rules.requestHeaders, ours)
        : usualRequestEdits,
    answerEdits: answersByCommit(plain, secure),
  };
}

/** Most routes say nothing of headers: these are made once for all of them. */
const oursInAnswers = [commitHeader, pinHeader, callerHeader];
const usualRequestEdits = compileHeaderEdits(undefined, neverFromVisitors);
const usualAnswerEdits = compileHeaderEdits(undefined, oursInAnswers);

/** Commits whose lines are kept ready for one policy; beyond that they are made anew. */
const readyMax = 200;

function answersByCommit(plain: Edits, secure: Edits): Policy["answerEdits"] {
  let ready: Map<string, Edits> | undefined;
  // The last one is nearly always the next one, too.
  let last: Edits | undefined;
  let lastCommit = "";
  let wasSecure = false;
  return (commit, isSecure) => {
    if (last && lastCommit === commit && wasSecure === isSecure) return last;
    const key = isSecure ? `${commit} tls` : commit;
    ready ??= new Map();
    last = ready.get(key) ?? withCommit(isSecure ? secure : plain, commit);
    if (ready.size >= readyMax) ready.clear();
    ready.set(key, last);
    lastCommit = commit;
    wasSecure = isSecure;
    return last;
  };
}

function withCommit(edits: Edits, commit: string): Edits {
  return commit === "" ? edits : withLines(edits, line(commitHeader, commit));
}

function replaced(edits: Edits, name: string, value: string): Edits {
  const dropped = new Set([...edits.dropped, name]);
  return { lines: edits.lines + line(name, value), dropped };
}

/** RFC 6797, section 6.1. */
function hstsOf(rule: Rules["hsts"]): string | undefined {
  if (!rule) return undefined;
  const { maxAgeSeconds, includeSubdomains = false, preload = false } = rule;
  const parts = [
    `max-age=${maxAgeSeconds}`,
    ...(includeSubdomains ? ["includeSubDomains"] : []),
    ...(preload ? ["preload"] : []),
  ];
  return parts.join("; ");
}
