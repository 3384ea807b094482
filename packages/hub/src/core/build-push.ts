/** What a drone may push: the output of a build, once, beside the commit that it was made from. */
import type { RefChange } from "./ref-change.js";

const buildRef = /^refs\/propagit\/builds\/([0-9a-f]{40}|[0-9a-f]{64})-[0-9a-f]{16}$/;

/**
 * @param parents of what is pushed, by its id
 * @returns why it is refused, a line for each reason; nothing when it may be
 */
export function judgeBuildPush(
  changes: readonly RefChange[],
  parents: ReadonlyMap<string, string>,
): readonly string[] {
  return changes.flatMap(({ ref, oldId, newId }) => {
    const commit = buildRef.exec(ref)?.[1];
    if (commit === undefined)
      return ["error: a drone may fetch, and push what it built; nothing else"];
    if (oldId !== undefined || newId === undefined) {
      return [`error: ${ref} is there already, and builds are never changed`];
    }
    if (parents.get(newId) === commit) return [];
    return [`error: ${ref} does not come from the commit that it names`];
  });
}
