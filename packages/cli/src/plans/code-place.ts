/** Where a hub and its drones find a project's own commands: the commit whose propagit.config has them. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { hubCommands } from "@propagit/hub";
import { foreignNames, projectFiles, type CodePlace, type Plan } from "@propagit/plan";
import { parseCommitHash, parseRepoName, PropagitError, shortCommit } from "@propagit/protocol";
import { formatNames } from "../output/quantity.js";
import type { Planned } from "./planned.js";

const run = promisify(execFile);

/**
 * The plan, with the place of its commands when some are the project's own.
 *
 * @param asked `REPO` at the hub, whose commit is the one that is checked out here, or `REPO@COMMIT`
 * @throws BAD_PLAN when it is not said where they are; BAD_USAGE when what is here was not committed
 */
export async function withCode({ plan, folder }: Planned, asked?: string): Promise<Plan> {
  const own = foreignNames(plan, hubCommands);
  if (own.length === 0 || (plan.code && asked === undefined)) return plan;
  if (asked !== undefined) return { ...plan, code: await placeOf(asked, folder) };
  const names = formatNames(own);
  throw new PropagitError("BAD_PLAN", `the plan uses the project's own ${names}`, {
    hint: "push the project to the hub and say as what: propagit apply … --code REPO; or carry the plan out from here: --local",
  });
}

async function placeOf(asked: string, folder: string): Promise<CodePlace> {
  const [repo = "", commit] = asked.split("@");
  const name = parseRepoName(repo);
  return { repo: name, commit: parseCommitHash(commit ?? (await headOf(folder))) };
}

/** The commit that is checked out, when its propagit.config is the one that was read. */
async function headOf(folder: string): Promise<string> {
  const git = async (...words: readonly string[]) =>
    (await run("git", ["-C", folder, ...words])).stdout.trim();
  try {
    const [head, prefix] = [
      await git("rev-parse", "HEAD"),
      await git("rev-parse", "--show-prefix"),
    ];
    if (prefix !== "") throw notThere(`${folder} is not the top of its repository`);
    const changed = await git("status", "--porcelain", "--", ...projectFiles);
    if (changed === "") return head;
    throw notThere(`the propagit.config in ${folder} is not the one of ${shortCommit(head)}`);
  } catch (thrown) {
    if (thrown instanceof PropagitError) throw thrown;
    throw notThere(`${folder} is no commit of a git repository`, thrown);
  }
}

function notThere(why: string, cause?: unknown): PropagitError {
  return new PropagitError("BAD_USAGE", why, {
    hint: "commit and push it, or name a commit that has the commands: --code REPO@COMMIT",
    ...(cause !== undefined && { cause }),
  });
}
