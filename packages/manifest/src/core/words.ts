/** Shapes of the small things that a manifest is made of. */
import {
  parseSelector,
  reservedVariables,
  toPropagitError,
  type Selector,
} from "@propagit/protocol";
import {
  mapOr,
  mapped,
  object,
  parsed,
  record,
  text,
  verbatim,
  whole,
  type Offset,
  type Placed,
  type Problems,
  type Result,
  type Shape,
} from "@propagit/shapes";
import { portNameDefault } from "./defaults.js";

export const serviceName = {
  pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
  why: "cannot be a service's name: 1 to 63 letters, digits, `.`, `_` or `-`, beginning with a letter or digit",
  max: 100,
};

/** It becomes the first part of a host name, before `--`; as hex digits it would look like a commit. */
export const environmentName = {
  pattern: "^(?!.*--)(?![0-9a-f]{7,}$)[a-z0-9](?:[a-z0-9-]{0,28}[a-z0-9])?$",
  why: "cannot be an environment's name: 1 to 30 small letters, digits or `-`, without `--`, not like a commit's hash",
  max: 50,
};

/** Which drones: `role=web, zone in (a,b), !gpu`. */
export const selector: Shape<Selector> = mapped(
  text({ wanted: "a label selector", max: 1_000 }),
  (value, at, where, problems) => attempt(() => parseSelector(value), { at, where, problems }),
);

export const variables: Shape<Readonly<Record<string, string>>> = mapped(
  record(
    {
      pattern: "^(?!__proto__$)[A-Za-z_][A-Za-z0-9_]{0,127}$",
      why: "cannot be a variable's name: letters, digits and `_`, not beginning with a digit",
      max: 500,
    },
    verbatim(32_768),
  ),
  (values, _, where, problems) => {
    for (const [name, { at }] of values) {
      if (reservedVariables.has(name))
        problems.add(at, `\`${where}.${name}\` is set by propagit itself`);
    }
    return Object.fromEntries([...values].map(([name, { value }]) => [name, value]));
  },
);

/** A path below the commit's folder. */
export function path(wanted: string): Shape<string> {
  return mapped(text({ wanted, max: 1_000 }), (value, at, where, problems) => {
    const why = pathProblem(value);
    if (why === undefined) return value;
    problems.add(at, `\`${where}\` ${why}`);
    return undefined;
  });
}

function pathProblem(value: string): string | undefined {
  if (value.startsWith("/") || value.startsWith("~")) {
    return "is not below the commit's folder; leave the beginning out";
  }
  if (value.includes("\\")) return "has a backslash in it; write paths with `/`";
  return value.split("/").includes("..") ? "leads out of the commit's folder" : undefined;
}

/** The drone chooses the number where none is given. */
interface NamedPort {
  readonly name: string;
  readonly port?: number;
}

function portOr<const W extends string>(
  wanted: string,
  ...others: readonly W[]
): Shape<number | W> {
  const number = { type: "integer", minimum: 1, maximum: 65_535 };
  return parsed(
    wanted,
    { anyOf: [number, { enum: [...others] }] },
    ({ value }): Result<number | W> => {
      const word = others.find((one) => one === value);
      if (word !== undefined) return { ok: true, value: word };
      const fits = typeof value === "number" && Number.isInteger(value);
      return fits && value >= 1 && value <= 65_535
        ? { ok: true, value }
        : { ok: false, why: `is not ${wanted}` };
    },
  );
}

const namedPorts = record(
  {
    pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
    why: "cannot be a port's name: letters, digits, `.`, `_` or `-`",
    max: 16,
  },
  portOr("a port or `auto`", "auto"),
);

/** `none`, `auto`, a number, or several by name. */
export const ports: Shape<readonly NamedPort[]> = mapped(
  mapOr(namedPorts, portOr("a port, `auto`, `none` or ports by name", "auto", "none")),
  (value, at, where, problems): readonly NamedPort[] => {
    if (value === "none") return [];
    if (value === "auto") return [{ name: portNameDefault }];
    if (typeof value === "number") return [{ name: portNameDefault, port: value }];
    return portsByName(value, { at, where, problems });
  },
);

interface Place {
  readonly at: Offset;
  readonly where: string;
  readonly problems: Problems;
}

function portsByName(
  value: ReadonlyMap<string, Placed<number | "auto">>,
  { at, where, problems }: Place,
): readonly NamedPort[] {
  if (value.size === 0) problems.add(at, `\`${where}\` names no port; write \`none\``);
  const variables = new Map<string, string>();
  for (const [name, { at: nameAt }] of value) {
    const variable = name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_");
    const other = variables.get(variable);
    if (other !== undefined) {
      problems.add(nameAt, `\`${where}.${name}\` and \`${other}\` would both be PORT_${variable}`);
    }
    variables.set(variable, name);
  }
  return [...value].map(([name, { value: port }]) =>
    typeof port === "number" ? { name, port } : { name },
  );
}

/** How many: `2` on each matching drone, or `3 total`. */
export const instances = mapped(
  mapOr(
    object({ total: whole(0, 1_000), perDrone: whole(0, 1_000) }),
    parsed(
      "a number, `N total` or `N per drone`",
      { anyOf: [{ type: "integer", minimum: 0, maximum: 1_000 }, { type: "string" }] },
      ({ source }): Result<Instances> => {
        const match = /^(\d{1,4})(?: +(total|per drone))?$/.exec(source);
        const count = Number(match?.[1]);
        if (!match || count > 1_000) {
          return { ok: false, why: "is not a number up to 1000, `3 total` or `2 per drone`" };
        }
        return { ok: true, value: { count, per: match[2] === "total" ? "total" : "drone" } };
      },
    ),
  ),
  (value, at, where, problems): Instances | undefined => {
    if ("count" in value) return value;
    const { total, perDrone } = value;
    if ((total === undefined) === (perDrone === undefined)) {
      problems.add(at, `\`${where}\` has either \`total\` or \`perDrone\``);
      return undefined;
    }
    return total === undefined
      ? { count: perDrone ?? 0, per: "drone" }
      : { count: total, per: "total" };
  },
);

interface Instances {
  readonly count: number;
  readonly per: "drone" | "total";
}

function attempt<T>(parse: () => T, { at, where, problems }: Place): T | undefined {
  try {
    return parse();
  } catch (thrown) {
    const { message, hint } = toPropagitError(thrown);
    problems.add(at, `\`${where}\`: ${message}; ${hint}`);
    return undefined;
  }
}
