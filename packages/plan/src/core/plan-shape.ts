/** A plan as it is written, and as it is carried out. */
import { quote } from "@propagit/protocol";
import {
  described,
  list,
  mapped,
  object,
  placed,
  plainOf,
  record,
  refuseKind,
  text,
  whole,
  withDefault,
  type Placed,
  type Problems,
  type Shape,
} from "@propagit/shapes";
import type { Basis, CodePlace, Plan, SecretPlace, Stage } from "../plan.js";
import { stagesMax, tasksMax } from "./plan-limits.js";
import { commitHash, environmentName, repoName, title } from "./plan-words.js";
import { placedStage, stageShape, type StageParts, type UnplacedStage } from "./stage-shape.js";

const revisionNames = {
  pattern: "^[^\\u0000-\\u001f]{1,300}$",
  why: "cannot be the name of a part of the state",
  max: 100_000,
};

const fileNames = {
  pattern: "^[^\\u0000]{1,4096}$",
  why: "is no path of a file",
  max: 100_000,
};

const sourceFile = object(
  {
    bytes: described("Its length.", whole(0, Number.MAX_SAFE_INTEGER)),
    sha256: described(
      "Of all its bytes.",
      text({ pattern: "^[0-9a-f]{64}$", why: "is no SHA-256: 64 characters of 0-9 and a-f" }),
    ),
  },
  ["bytes", "sha256"],
);

const basis: Shape<Basis> = mapped(
  object(
    {
      revisions: described(
        "Revisions of the parts of the state that were looked at, by name.",
        record(revisionNames, whole(0, Number.MAX_SAFE_INTEGER)),
      ),
      at: described("When it was made, in ms since 1970.", whole(0, Number.MAX_SAFE_INTEGER)),
      files: described(
        "What files of this machine held that it brings, by their paths (of none).",
        record(fileNames, sourceFile),
      ),
    },
    ["revisions", "at"],
  ),
  ({ revisions, at, files }) => ({
    revisions: valuesOf(revisions),
    at,
    ...(files && { files: valuesOf(files) }),
  }),
);

function valuesOf<T>(entries: ReadonlyMap<string, { readonly value: T }>): Record<string, T> {
  return Object.fromEntries([...entries].map(([name, { value }]) => [name, value]));
}

const code: Shape<CodePlace> = object(
  {
    repo: described("A repository.", repoName),
    commit: described("One of its commits, whose propagit.config has the commands.", commitHash),
  },
  ["repo", "commit"],
);

/** Whoever made the plan reads it, and nobody else. */
const request: Shape<NonNullable<Plan["request"]>> = {
  schema: { type: "object" },
  read(node, where, problems) {
    if (node.kind !== "map") return refuseKind(node, where, { wanted: "a map", problems });
    return plainOf(request, node) as NonNullable<Plan["request"]>;
  },
};
const secretName = text({
  wanted: "the name of a setting",
  max: 200,
  pattern: "^[A-Z][A-Z0-9_]*$",
  why: "is not the name of a setting such as SLACK_URL",
});

const secrets: Shape<SecretPlace> = object(
  {
    repo: described("A repository.", repoName),
    environment: withDefault(described("One of its environments.", environmentName), "production"),
    names: described("Settings of it, which a task names as $NAME.", list(secretName, 100)),
  },
  ["repo", "names"],
);

/** @param parts see stage-shape.ts */
export function planShape(parts: StageParts): Shape<Plan> {
  return planMap(stageShape(parts));
}

/** @param stage by itself, as the published schema says it once */
export function planMap(stage: Shape<UnplacedStage>): Shape<Plan> {
  const stages = list(placed(stage), stagesMax);
  return mapped(
    object(
      {
        name: described("One line, shown wherever the plan is.", title),
        stages: described("In order; each begins when the one before has ended.", stages),
        rollback: described(
          "What puts it back (made from what its tasks did).",
          object({ stages: described("As those of the plan.", stages) }, ["stages"]),
        ),
        basis: described("The state it was made from; refused when that has moved (any).", basis),
        request: described("The change that it was made of, for --rebase (none).", request),
        code: described("Where commands come from that are not propagit's own (nowhere).", code),
        secrets: described("Settings at the hub that tasks may use as secrets (none).", secrets),
      },
      ["name", "stages"],
    ),
    ({ rollback, stages: written, ...said }, at, _, problems): Plan => {
      const back = rollback?.stages ?? [];
      checkNames([...written, ...back], problems);
      const all = [...written, ...back].map(({ value }, index) => placedStage(value, index + 1));
      const tasks = tasksOf(all);
      if (tasks > tasksMax)
        problems.add(at, `has ${tasks} tasks; at most ${tasksMax} are possible`);
      return {
        ...said,
        stages: all.slice(0, written.length),
        ...(rollback && { rollback: all.slice(written.length) }),
      };
    },
  );
}

/** By their names people know them in what happens. */
function checkNames(stages: readonly Placed<UnplacedStage>[], problems: Problems): void {
  const names = new Set<string>();
  for (const { value, at } of stages) {
    if (names.has(value.name)) problems.add(at, `there is a stage ${quote(value.name)} before`);
    names.add(value.name);
  }
}

function tasksOf(stages: readonly Stage[]): number {
  const lines = stages.flatMap((stage) => stage.lines);
  return lines.reduce((sum, line) => sum + line.length, 0);
}
