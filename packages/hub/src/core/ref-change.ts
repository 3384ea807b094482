/** What a push did to refs, in words. */
import { shortCommit } from "@propagit/protocol";
import type { NewEvent } from "./rows.js";

export interface RefChange {
  readonly ref: string;
  /** Undefined: the ref is new, or was given in a way that we did not understand. */
  readonly oldId: string | undefined;
  /** Undefined: the ref was deleted. */
  readonly newId: string | undefined;
}

/** Refs named in one event; more are counted. */
const refsShownMax = 10;

export function describePush(push: {
  readonly repo: string;
  readonly changes: readonly RefChange[];
  readonly by: string;
}): NewEvent {
  const { repo, changes, by } = push;
  const shown = changes.slice(0, refsShownMax).map(describeChange).join(", ");
  const more = changes.length > refsShownMax ? ` and ${changes.length - refsShownMax} more` : "";
  const commit = changes.find(({ ref, newId }) => ref.startsWith("refs/heads/") && newId)?.newId;
  const text = `${by} pushed to ${repo}: ${shown}${more}`;
  return { kind: "pushed", repo, ...(commit && { commit }), text: text.slice(0, 2_000) };
}

function describeChange({ ref, oldId, newId }: RefChange): string {
  const name = ref.replace(/^refs\/(?:heads\/)?/, "").slice(0, 150);
  if (!newId) return `${name} deleted`;
  if (!oldId) return `${name} is new at ${shortCommit(newId)}`;
  return `${name} ${shortCommit(oldId)} → ${shortCommit(newId)}`;
}
