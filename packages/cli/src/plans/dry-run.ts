/** `--dry-run` of commands that change the cluster: what `propagit plan` shows of the same change. */
import type { PlannedChange } from "@propagit/protocol";
import type { Conversation } from "@propagit/runtime";
import type { Command } from "commander";
import type { HubFlags } from "../hub-call.js";

export type ChangeOf<K extends PlannedChange["kind"]> = Extract<PlannedChange, { kind: K }>;

export interface DryRunFlags extends HubFlags {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function withDryRunFlag(command: Command): Command {
  return command.option("--dry-run", "only show what it would do, as `propagit plan`");
}

/** @param change of a session, when it hides something under the session's key */
export async function showDryRun(
  change: PlannedChange | ((hub: Conversation) => PlannedChange),
  flags: DryRunFlags,
): Promise<void> {
  const { showChange } = await import("./show-change.js");
  await showChange(change, flags, "leave --dry-run out");
}
