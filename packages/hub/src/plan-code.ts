/** A project's own commands in plans: what the hub can say of them without running anything of the project. */
import { PropagitError, parseCommitHash, parseRepoName, shortCommit } from "@propagit/protocol";
import {
  foreignNames,
  OpenCommands,
  projectFiles,
  readPlan,
  type CodePlace,
  type Commands,
  type Plan,
  type PlanText,
} from "@propagit/plan";
import type { Repositories } from "./world.js";

/** Of a plan that says nowhere where its commands are, all are known, with their places and the nearest names. */
const saysCode = /\bcode\b["']?\s*:/;

/**
 * A plan whose commands may be a project's own when it says where those are. Their arguments were checked by whoever
 * made the plan, and are checked again by whoever carries them out.
 *
 * @throws BAD_PLAN; NO_COMMIT and others when there is no such place
 */
export async function readPlanWithCode(
  source: PlanText,
  commands: Commands,
  repositories: Pick<Repositories, "resolve" | "read">,
): Promise<Plan> {
  if (!saysCode.test(source.text)) return readPlan(source, commands);
  const plan = readPlan(source, new OpenCommands(commands));
  if (foreignNames(plan, commands).length === 0) return plan;
  if (!plan.code) return readPlan(source, commands);
  await checkCode(plan.code, repositories);
  return plan;
}

async function checkCode(
  { repo, commit }: CodePlace,
  repositories: Pick<Repositories, "resolve" | "read">,
): Promise<void> {
  const name = parseRepoName(repo);
  await repositories.resolve(name, commit);
  const found = await repositories.read(name, parseCommitHash(commit), projectFiles);
  if (found.size > 0) return;
  const where = `${repo} ${shortCommit(commit)}`;
  throw new PropagitError("BAD_PLAN", `there is no propagit.config at the top of ${where}`, {
    hint: "push the commit that has the plan's commands, and name it as its `code`",
  });
}
