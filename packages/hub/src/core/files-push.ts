/** What may be pushed into the repository of files: a new commit, under a name that says when, and nothing else. */
import { filesRefs } from "@propagit/protocol";
import type { RefChange } from "./ref-change.js";

const incomingRef = new RegExp(`^${filesRefs}/(\\d{10,12})-([0-9a-f]{40}|[0-9a-f]{64})$`);

/** How long what came in is held before somebody says what it is for; a command does so at once. */
const incomingMsMax = 60 * 60_000;

/** @returns why it is refused, a line for each reason; nothing when it may be */
export function judgeFilesPush(changes: readonly RefChange[]): readonly string[] {
  return changes.flatMap(({ ref, oldId, newId }) => {
    const commit = incomingRef.exec(ref)?.[2];
    if (commit !== undefined && oldId === undefined && newId === commit) return [];
    return [
      "error: this repository belongs to `propagit files push`, which alone writes to it",
      "hint: push code to a repository of another name",
    ];
  });
}

/** Refs of pushes that nobody has come back for. */
export function expiredIncoming(refs: readonly string[], now: number): readonly string[] {
  return refs.filter((ref) => {
    const [, seconds] = incomingRef.exec(ref) ?? [];
    return seconds !== undefined && Math.abs(now - Number(seconds) * 1_000) > incomingMsMax;
  });
}
