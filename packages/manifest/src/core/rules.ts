/**
 * Rules of traffic as people write them, in `traffic:`, beside a host in `routes:` and on the command line:
 * `rate: 100/s`, `maxBody: 10MB`, `timeouts: { head: 30s }`.
 *
 * Two things can only be said by hand: a pause, which is of a moment, and users with passwords, which do
 * not belong into a repository.
 */
import { headerNamePattern, isNetwork, untouchableHeader, type Rules } from "@propagit/protocol";
import {
  choice,
  described,
  duration,
  mapped,
  object,
  oneOrMany,
  orJust,
  parsed,
  percent,
  record,
  size,
  text,
  verbatim,
  whole,
  yesNo,
  type Placed,
  type Result,
  type Shape,
  type ValueOf,
} from "@propagit/shapes";

const headerName = text({
  wanted: "a header's name",
  max: 100,
  pattern: headerNamePattern,
  why: "is not a header's name",
});
const cookieName = text({
  wanted: "a cookie's name",
  max: 100,
  pattern: headerNamePattern,
  why: "is not a cookie's name",
});

const network: Shape<string> = parsed(
  "an address or a network",
  { type: "string", maxLength: 64 },
  ({ source }) =>
    isNetwork(source)
      ? { ok: true, value: source }
      : { ok: false, why: "is not an address or a network such as 10.0.0.0/8" },
);
const networks = oneOrMany(network, 1_000);

const ratePattern = /^(\d{1,9}(?:\.\d{1,3})?)\/(s|m|h)$/;
const secondsOf = { s: 1, m: 60, h: 3_600 } as const;
const perSecondMax = 1_000_000;
const perSecond: Shape<number> = parsed(
  "a rate such as 100/s",
  { type: "string", pattern: ratePattern.source },
  ({ source }): Result<number> => {
    const [, count, unit] = ratePattern.exec(source) ?? [];
    const value = Number(count) / secondsOf[(unit ?? "s") as keyof typeof secondsOf];
    if (value > 0 && value <= perSecondMax) return { ok: true, value };
    return { ok: false, why: "is not a rate such as 100/s, 600/m or 1000/h" };
  },
);
const rate: Shape<NonNullable<Rules["rate"]>> = mapped(
  orJust(
    object(
      {
        limit: described("Requests in a time: 100/s, 600/m, 1000/h.", perSecond),
        burst: described(
          "How many may come at once (as many as in a second).",
          whole(1, 10_000_000),
        ),
        by: described(
          "Counted for each address or visitor (address).",
          choice("address", "visitor"),
        ),
        header: described("Counted for each value of this header.", headerName),
      },
      ["limit"],
    ),
    "limit",
  ),
  ({ limit, burst, by, header }, at, where, problems) => {
    if (by !== undefined && header !== undefined) {
      problems.add(at, `\`${where}\` has both \`by\` and \`header\`; it counts by one of them`);
      return undefined;
    }
    return {
      perSecond: limit,
      burst: burst ?? Math.max(1, Math.ceil(limit)),
      ...(header === undefined ? { by: by ?? "address" } : { by: "header", header }),
    };
  },
);

const timeouts: Shape<NonNullable<Rules["timeouts"]>> = mapped(
  object({
    connect: described("To connect to an instance.", duration(undefined, 1)),
    head: described("From the end of a request to the head of its answer.", duration(undefined, 1)),
    idle: described("Longest silence within a body or a websocket.", duration(undefined, 1)),
  }),
  ({ connect, head, idle }) => ({
    ...(connect !== undefined && { connectMs: connect }),
    ...(head !== undefined && { headMs: head }),
    ...(idle !== undefined && { idleMs: idle }),
  }),
);

/** As much more as a struggling app has to bear; Envoy's default (`budget_percent`). */
const budgetPercentDefault = 20;
const attempts = described("On other instances, for requests that may be repeated.", whole(0, 10));
const retries: Shape<NonNullable<Rules["retries"]>> = mapped(
  orJust(
    object({ attempts, budget: described("Retries per 100 requests, at most (20%).", percent) }, [
      "attempts",
    ]),
    "attempts",
  ),
  ({ attempts: most, budget }) => ({
    attempts: most,
    budgetPercent: budget ?? budgetPercentDefault,
  }),
);

const visitor: Shape<NonNullable<Rules["visitor"]>> = mapped(
  object({
    header: described("Header that names the visitor; looked at first.", headerName),
    cookie: described("Cookie of the app that names the visitor.", cookieName),
  }),
  (names, at, where, problems) => {
    if (names.header !== undefined || names.cookie !== undefined) return { ...names };
    problems.add(at, `\`${where}\` names neither a \`header\` nor a \`cookie\``);
    return undefined;
  },
);

/** Ten years, as `preload` lists like it long. */
const hstsMsMax = 3_650 * 86_400_000;
const hsts: Shape<NonNullable<Rules["hsts"]>> = mapped(
  orJust(
    object(
      {
        maxAge: described("How long browsers remember it: 365d.", duration(hstsMsMax)),
        includeSubdomains: described("Also for every host below it (false).", yesNo),
        preload: described("May be put into lists that browsers come with (false).", yesNo),
      },
      ["maxAge"],
    ),
    "maxAge",
  ),
  ({ maxAge, ...others }) => ({ maxAgeSeconds: Math.floor(maxAge / 1_000), ...others }),
);

const maintenanceText = text({ wanted: "a text or HTML", max: 100_000 });
const maintenance: Shape<NonNullable<Rules["maintenance"]>> = mapped(
  orJust(
    object(
      {
        text: described("What visitors see; HTML when it begins with `<`.", maintenanceText),
        retryAfter: described("When to come back, for programs.", duration()),
      },
      ["text"],
    ),
    "text",
  ),
  ({ text: shown, retryAfter }) => ({
    text: shown,
    ...(retryAfter !== undefined && { retryAfterSeconds: Math.ceil(retryAfter / 1_000) }),
  }),
);

const valuePattern = /^[\t\x20-\x7e\x80-\xff]*$/;
const headerNames = {
  pattern: headerNamePattern,
  why: "is not a header's name",
  max: 50,
};
function headerEdits(
  rule: "requestHeaders" | "answerHeaders",
): Shape<NonNullable<Rules[typeof rule]>> {
  const fields = {
    set: described(
      "Headers with their values, in place of what is there.",
      record(headerNames, verbatim(4_096)),
    ),
    remove: described("Names of headers that are taken away.", oneOrMany(headerName, 50)),
  };
  return mapped(object(fields), ({ set, remove = [] }, at, where, problems) => {
    const values = set ?? new Map<string, Placed<string>>();
    for (const [name, { value, at: nameAt }] of values) {
      if (valuePattern.test(value)) continue;
      problems.add(nameAt, `\`${where}.set.${name}\` has characters that no header can have`);
    }
    const edits = {
      ...(values.size > 0 && {
        set: Object.fromEntries([...values].map(([name, { value }]) => [name, value])),
      }),
      ...(remove.length > 0 && { remove: [...remove] }),
    };
    const wrong = untouchableHeader(rule, edits);
    if (wrong !== undefined) {
      const place = values.get(wrong)?.at ?? at;
      problems.add(place, `\`${where}\` cannot change ${wrong}: the proxy itself says it`);
    }
    return edits;
  });
}

/** What can be said in a repository. */
export const ruleFields = {
  maintenance: described("Every request is answered with 503 and this page.", maintenance),
  allow: described("Only visitors of these addresses and networks may come (all).", networks),
  deny: described("Visitors of these may not, whatever `allow` says.", networks),
  pins: described("Whether X-Propagit-Commit and ?propagit= pin a visitor (false).", yesNo),
  maxBody: described("Largest body of a request: 10MB.", size),
  rate: described("More requests than this are answered with 429.", rate),
  timeouts: described("How long an app may take.", timeouts),
  retries: described("How often a request is tried again on another instance.", retries),
  visitor: described("Where the app names its visitors (a cookie of the proxy's own).", visitor),
  stickyInstance: described("Whether a visitor stays with one instance (false).", yesNo),
  slowStart: described("A new instance gets its full part of the load after this.", duration()),
  httpsOnly: described("Plain requests are redirected to https (false).", yesNo),
  hsts: described("Browsers are told to come by https only: 365d.", hsts),
  requestHeaders: described("Changes of what the app gets.", headerEdits("requestHeaders")),
  answerHeaders: described("Changes of what the visitor gets.", headerEdits("answerHeaders")),
};
type RuleFields = typeof ruleFields;
export type WrittenRules = { readonly [K in keyof RuleFields]?: ValueOf<RuleFields[K]> };

/** Rules of one environment. */
export const rulesShape: Shape<Rules> = mapped(object(ruleFields), rulesOf);

/** Written ones as proxies take them; what was not written is absent. */
export function rulesOf({ maxBody, slowStart, allow, deny, ...others }: WrittenRules): Rules {
  return {
    ...others,
    ...(allow && { allow: [...allow] }),
    ...(deny && { deny: [...deny] }),
    ...(maxBody !== undefined && { bodyBytesMax: maxBody }),
    ...(slowStart !== undefined && { slowStartMs: slowStart }),
  };
}

/** Which part of the rules a written word is about. */
const ruleOfWord = { maxBody: "bodyBytesMax", slowStart: "slowStartMs" } as const;

/** What `sticky-instance` or `maxBody` means; undefined when there is no such rule. */
export function ruleNamed(word: string): keyof Rules | undefined {
  const key = camelCase(word);
  if (!Object.hasOwn(ruleFields, key)) return undefined;
  return key in ruleOfWord
    ? ruleOfWord[key as keyof typeof ruleOfWord]
    : (key as Exclude<keyof RuleFields, keyof typeof ruleOfWord>);
}

/** As a manifest calls it: `maxBody` for `bodyBytesMax`. */
export function wordOfRule(rule: keyof Rules): string {
  const [word] = Object.entries(ruleOfWord).find(([, named]) => named === rule) ?? [];
  return word ?? rule;
}

export const ruleWords: readonly string[] = Object.keys(ruleFields);

export function camelCase(word: string): string {
  return word.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
