/** A plan out of a configuration: the generator looks and answers, and its answer is checked like any plan. */
import { PropagitError, toPropagitError } from "@propagit/protocol";
import type { Commands } from "../command.js";
import { readPlan, type PlanReading } from "../core/read-plan.js";
import type { Plan } from "../plan.js";
import type { Configuration } from "./configuration.js";
import { inOrder } from "./generator-help.js";
import type { GeneratedPlan, PlanWish, PlannerWorld, VersionPlace } from "./generator.js";
import { runningIn, versionsAt } from "./versions.js";

/**
 * @throws BAD_CONFIG when the generator fails, BAD_PLAN when it gives no plan, HOST_LOST, HOST_DENIED
 */
export async function generatePlan(
  { generator, value: config }: Configuration,
  {
    world,
    commands,
    reading,
    ...wish
  }: PlanWish & {
    readonly world: PlannerWorld;
    readonly commands: Commands;
    readonly reading?: PlanReading;
  },
): Promise<Plan> {
  const { log } = world;
  const versions = (places: readonly VersionPlace[]) => versionsAt(places, world);
  const running = async (repo?: string) =>
    (await runningIn(world)).filter((one) => repo === undefined || one.repo === repo);
  let plan: GeneratedPlan;
  try {
    plan = await generator.generate({ ...wish, config, log, versions, running });
  } catch (thrown) {
    if (thrown instanceof PropagitError) throw thrown;
    const { message } = toPropagitError(thrown);
    throw new PropagitError(
      "BAD_CONFIG",
      `generator ${generator.name} failed: ${reasonOf(thrown, message)}`,
      {
        cause: thrown,
      },
    );
  }
  const draft = { maker: `generator ${generator.name}`, value: withoutEmpty(plan) };
  return readPlan(draft, commands, reading);
}

/** What is no plan at all is refused by whoever reads it. */
function withoutEmpty(plan: GeneratedPlan): unknown {
  const isList = Array.isArray((plan as GeneratedPlan | undefined)?.stages);
  const isWhole = isList && plan.stages.every((stage) => Array.isArray(stage?.tasks));
  return isWhole ? { ...plan, stages: inOrder({ main: plan.stages }) } : plan;
}

/** With the line of the project in which it happened. */
function reasonOf(thrown: unknown, message: string): string {
  if (!(thrown instanceof Error)) return message;
  const place = /\((\/[^()]*propagit\.config\.[^()]*:\d+:\d+)\)/.exec(thrown.stack ?? "");
  return place ? `${thrown.message} (${place[1]})` : thrown.message;
}
