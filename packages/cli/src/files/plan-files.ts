/**
 * What a push would do, before it is one: the plan that the hub makes of it, and what each drone says would change
 * there. Only what there is goes to the hub, and no content, unless the plan is written down to be carried out.
 *
 *     files --read--> commit, manifest --hub.plan-make--> drones compare --> plan
 */
import type { FilesOutcome, FilesPart } from "@propagit/protocol";
import { findHubAccess, type HubFlags } from "../hub-call.js";
import type { ChangeOf } from "../plans/dry-run.js";
import { madePlan, type MadePlan } from "../plans/show-change.js";
import {
  checkTarget,
  readFiles,
  type FilesPush,
  type FilesResult,
  type FilesWatch,
} from "./push.js";

export interface PlannedFiles extends FilesResult {
  readonly made: MadePlan;
}

export interface FilesPlanWish {
  readonly flags: HubFlags;
  /** It may be carried out later: the hub needs what is in the files. */
  readonly isKept: boolean;
}

/** @throws as the push itself, but for what drones refuse, which is told */
export async function plannedFiles(
  push: FilesPush,
  { flags, isKept }: FilesPlanWish,
  watch: FilesWatch,
): Promise<PlannedFiles> {
  const { target, path, replace, force } = push;
  await checkTarget(target, flags);
  const { commit, manifest, files, bytes } = await readFiles(push, findHubAccess(flags), watch, {
    destination: isKept ? path : `${path} (dry run)`,
    manifestOnly: !isKept,
  });
  const drones: FilesOutcome[] = [];
  const onFiles = (part: FilesPart) => {
    if ("outcome" in part) {
      drones.push(part);
      watch.ended(part);
    } else {
      const { drone, ...progress } = part;
      watch.progress(drone, progress);
    }
  };
  const change: ChangeOf<"files"> = {
    kind: "files",
    target,
    path,
    commit,
    ...(manifest !== undefined && { manifest }),
    replace,
    force,
  };
  const made = await madePlan(change, flags, onFiles);
  const sorted = drones.toSorted((left, right) => (left.drone < right.drone ? -1 : 1));
  return { commit, files, bytes, drones: sorted, made };
}
