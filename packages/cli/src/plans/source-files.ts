/**
 * Files of this machine that a plan brings: what they hold is written down with the plan, so that it brings that and
 * nothing else when it is carried out later.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { filesIn, type Commands, type Plan, type SourceFile } from "@propagit/plan";
import { PropagitError } from "@propagit/protocol";
import { errnoOf } from "@propagit/runtime";
import { formatNames } from "../output/quantity.js";

/** With what its files hold now; one that is not there yet is made by the plan itself, or refused by its task. */
export async function withFiles({
  plan,
  commands,
}: {
  readonly plan: Plan;
  readonly commands: Commands;
}): Promise<Plan> {
  const { files: _, ...basis } = plan.basis ?? { revisions: {}, at: Date.now() };
  const found: [string, SourceFile][] = [];
  for (const path of filesIn(plan, commands)) {
    const held = await heldBy(path);
    if (held) found.push([path, held]);
  }
  const isBare = plan.basis === undefined && found.length === 0;
  if (isBare) return plan;
  return {
    ...plan,
    basis: found.length > 0 ? { ...basis, files: Object.fromEntries(found) } : basis,
  };
}

/** @throws PLAN_MOVED when a file holds something else than it did when the plan was written down */
export async function refuseChangedFiles(
  { name, basis }: Pick<Plan, "name" | "basis">,
  file: string,
): Promise<void> {
  const changes: string[] = [];
  for (const [path, before] of Object.entries(basis?.files ?? {})) {
    const now = await heldBy(path);
    if (!now) changes.push(`${path} is gone`);
    else if (now.bytes !== before.bytes || now.sha256 !== before.sha256) {
      changes.push(`${path} holds something else`);
    }
  }
  if (changes.length === 0) return;
  throw new PropagitError(
    "PLAN_MOVED",
    `what "${name}" brings has changed since it was written down: ${formatNames(changes, 5)}`,
    { hint: `look at it, and write it down as it is now: propagit plan ${file} --save ${file}` },
  );
}

/** Undefined: there is no such file. @throws BAD_USAGE when it cannot be read */
async function heldBy(path: string): Promise<SourceFile | undefined> {
  try {
    if (!(await stat(path)).isFile()) return undefined;
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    return { bytes, sha256: hash.digest("hex") };
  } catch (thrown) {
    const reason = errnoOf(thrown) ?? String(thrown);
    if (reason === "ENOENT") return undefined;
    throw new PropagitError("BAD_USAGE", `${path} cannot be read: ${reason}`, { cause: thrown });
  }
}
