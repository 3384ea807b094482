/** Host names in a manifest: `www.example.com/shop`, or by name with what is special there. */
import {
  findHostProblem,
  hostNamePattern,
  isRedirectTarget,
  routePathPattern,
  type HostRoute,
} from "@propagit/protocol";
import {
  described,
  isNull,
  mapped,
  object,
  orJust,
  orShort,
  parsed,
  placed,
  shortFor,
  text,
  yesNo,
  type Located,
  type Placed,
  type Result,
  type Shape,
} from "@propagit/shapes";
import { ruleFields, rulesOf } from "./rules.js";

const pathText = text({
  wanted: "a path",
  max: 1_000,
  pattern: routePathPattern,
  why: "is not a path: it begins with `/`, without spaces",
});

const statuses = [301, 302, 307, 308] as const;
type Status = (typeof statuses)[number];
const status: Shape<Status> = parsed(
  "301, 302, 307 or 308",
  { enum: [...statuses] },
  ({ value }): Result<Status> => {
    const known = statuses.find((one) => one === value);
    return known === undefined
      ? { ok: false, why: "is none of 301, 302, 307 and 308" }
      : { ok: true, value: known };
  },
);
const redirectTarget: Shape<string> = parsed(
  "an URL",
  { type: "string", pattern: "^https?://[!-~]+$", maxLength: 2_000 },
  ({ source }) =>
    isRedirectTarget(source) && source.length <= 2_000
      ? { ok: true, value: source }
      : { ok: false, why: "is not an URL such as https://www.example.com/*" },
);
/** Methods and bodies survive it, and browsers ask again the next time: the one that does least harm. */
const redirectStatusDefault: Status = 307;
const redirect: Shape<NonNullable<HostRoute["redirect"]>> = mapped(
  orJust(
    object(
      {
        to: described(
          "The URL; with `/*` at its end, the rest of the path follows.",
          redirectTarget,
        ),
        status: described("301 and 308 are remembered by browsers (307).", status),
      },
      ["to"],
    ),
    "to",
  ),
  ({ to, status: code }) => ({ to, status: code ?? redirectStatusDefault }),
);

const routeMap = object(
  {
    host: described(
      "The host name that visitors use, or `*.` and what it ends with.",
      text({ wanted: "a host name", max: 253, pattern: hostNamePattern }),
    ),
    path: described("Only what begins with this path (everything).", pathText),
    service: described(
      "The service that answers.",
      placed(text({ wanted: "a service's name", max: 63 })),
    ),
    rewrite: described("What the app gets in place of `path` (it stays).", pathText),
    strip: described("true: `path` is taken off before the app gets it.", yesNo),
    redirect: described("Visitors are sent to this URL.", redirect),
    ...ruleFields,
  },
  ["host"],
);

/** A route and where the service stands that it names. */
export interface WrittenRoute {
  readonly route: HostRoute;
  readonly service: Placed<string> | undefined;
}

/** `www.example.com`, `www.example.com/api`, or by name. */
export const route: Shape<Placed<WrittenRoute>> = placed(
  mapped(
    orShort(routeMap, { type: "string" }, spelledOut),
    (written, at, where, problems): WrittenRoute | undefined => {
      const { host, path: below, service: named, rewrite, strip, redirect: to, ...rest } = written;
      if (strip === true && rewrite !== undefined) {
        problems.add(
          at,
          `\`${where}\` has both \`strip\` and \`rewrite\`; \`strip\` is \`rewrite: /\``,
        );
        return undefined;
      }
      if (strip === true && below === undefined) {
        problems.add(at, `\`${where}\` has \`strip\`, but no \`path\` that could be taken off`);
        return undefined;
      }
      const becomes = strip === true ? "/" : rewrite;
      const rules = rulesOf(rest);
      const made: HostRoute = {
        host: host.toLowerCase(),
        ...(below !== undefined && below !== "/" && { path: below }),
        ...(named && { service: named.value }),
        ...(becomes !== undefined && { rewrite: becomes }),
        ...(to && { redirect: to }),
        ...(Object.keys(rules).length > 0 && { rules }),
      };
      const problem = findHostProblem(made);
      if (problem === undefined) return { route: made, service: named };
      problems.add(at, `\`${where}\`: ${problem}`);
      return undefined;
    },
  ),
);

function spelledOut(node: Located): Located {
  if (node.kind !== "scalar" || isNull(node)) return node;
  const slash = node.source.indexOf("/");
  if (slash < 0) return shortFor("host", node);
  const part = (value: string) => ({ ...node, value, source: value });
  const host = shortFor("host", part(node.source.slice(0, slash)));
  const rest = shortFor("path", part(node.source.slice(slash)));
  return { ...host, entries: new Map([...host.entries, ...rest.entries]) };
}
