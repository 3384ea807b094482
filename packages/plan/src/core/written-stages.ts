/** Changes of a plan as it was written, before it is read: what is wrong afterwards still has its place in the file. */
import { mapAt, type Located, type LocatedMap } from "@propagit/shapes";

/** With what becomes of each stage, those of its rollback too; as it is where it is no plan. */
export function withStages(root: Located, change: (stage: Located) => readonly Located[]): Located {
  const each = (stages: Located): Located =>
    stages.kind === "list" ? { ...stages, items: stages.items.flatMap(change) } : stages;
  const rollback = (node: Located) => changedAt(node, "stages", each);
  return changedAt(changedAt(root, "stages", each), "rollback", rollback);
}

/** All of a plan, those of its rollback behind its own. */
export function stagesIn(root: Located): readonly Located[] {
  const own = valueAt(root, "stages");
  const back = valueAt(valueAt(root, "rollback"), "stages");
  return [own, back].flatMap((stages) => (stages?.kind === "list" ? stages.items : []));
}

/** Its tasks as they are written: one, or a list that is done in turn. */
export function linesIn(stage: Located): readonly Located[] {
  const tasks = valueAt(stage, "tasks");
  return tasks?.kind === "list" ? tasks.items : [];
}

export function tasksIn(line: Located): readonly Located[] {
  return line.kind === "list" ? line.items : [line];
}

/** The text of that key of a map; undefined when it is none. */
export function textAt(node: Located, key: string): string | undefined {
  const value = valueAt(node, key);
  return value?.kind === "scalar" && typeof value.value === "string" ? value.value : undefined;
}

/** As `textAt`, of one text or a list of them. */
export function textsAt(node: Located, key: string): readonly string[] {
  const value = valueAt(node, key);
  const items = value?.kind === "list" ? value.items : [value];
  return items.flatMap((item) =>
    item?.kind === "scalar" && item.value !== null ? [item.source] : [],
  );
}

function valueAt(node: Located | undefined, key: string): Located | undefined {
  return node?.kind === "map" ? node.entries.get(key)?.value : undefined;
}

/** The same map with another value there; as it is where it has none. */
export function changedAt(
  node: Located,
  key: string,
  change: (value: Located) => Located,
): Located {
  const entry = node.kind === "map" ? node.entries.get(key) : undefined;
  if (node.kind !== "map" || !entry) return node;
  const entries: LocatedMap["entries"] = new Map(node.entries).set(key, {
    ...entry,
    value: change(entry.value),
  });
  return mapAt(node.at, entries);
}
