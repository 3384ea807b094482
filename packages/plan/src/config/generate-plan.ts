/** A plan out of a configuration: the generator looks and answers, and its answer is checked like any plan. */
import { PropagitError, toPropagitError } from "@propagit/protocol";
import type { Commands } from "../command.js";
import { readPlan } from "../core/read-plan.js";
import type { Plan } from "../plan.js";
import type { Configuration } from "./configuration.js";
import { inOrder } from "./generator-help.js";
import type { GeneratedPlan, PlanWish, PlannerWorld, VersionPlace, Versions } from "./generator.js";

/** Hosts that are looked at side by side. */
const looksMax = 32;

/**
 * @throws BAD_CONFIG when the generator fails, BAD_PLAN when it gives no plan, HOST_LOST, HOST_DENIED
 */
export async function generatePlan(
  { generator, value: config }: Configuration,
  {
    world,
    commands,
    ...wish
  }: PlanWish & { readonly world: PlannerWorld; readonly commands: Commands },
): Promise<Plan> {
  const { log } = world;
  const versions = (places: readonly VersionPlace[]) => versionsAt(places, world);
  let plan: GeneratedPlan;
  try {
    plan = await generator.generate({ ...wish, config, log, versions });
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
  return readPlan({ maker: `generator ${generator.name}`, value: withoutEmpty(plan) }, commands);
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

async function versionsAt(places: readonly VersionPlace[], world: PlannerWorld): Promise<Versions> {
  const found = new Map<string, string>();
  const left = [...places];
  const look = async () => {
    for (let place = left.shift(); place; place = left.shift()) {
      const target = await world.look(place.host).linkTarget(place.link);
      const version = target === undefined ? undefined : versionOf(target, place.service);
      if (version !== undefined) found.set(keyOf(place.service, place.host), version);
    }
  };
  await Promise.all(Array.from({ length: Math.min(looksMax, places.length) }, look));
  return { of: (service, host) => found.get(keyOf(service, host)) };
}

/** `/srv/web/web-1.2.3` is 1.2.3 of web; `/srv/web/1.2.3` is, too. */
function versionOf(target: string, service: string): string | undefined {
  const name = target.replace(/\/+$/, "").split("/").at(-1) ?? "";
  const version = name.startsWith(`${service}-`) ? name.slice(service.length + 1) : name;
  return version === "" ? undefined : version;
}

function keyOf(service: string, host = ""): string {
  return `${service}\n${host}`;
}
