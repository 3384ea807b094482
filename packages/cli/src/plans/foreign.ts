/** What of a plan only a hub can do: refused where it is to be carried out without one. */
import type { Gate, Plan } from "@propagit/plan";
import { isOfHub } from "@propagit/hub";
import { PropagitError } from "@propagit/protocol";
import { tasksOf } from "../output/plan-words.js";
import { formatNames } from "../output/quantity.js";

/** @throws BAD_PLAN with all of it */
export function refuseForeign({ stages, rollback = [] }: Plan): void {
  const all = [...stages, ...rollback];
  const tasks = tasksOf(all).flatMap(({ where }) => (where.kind === "drone" ? [where.drone] : []));
  const gates = all.flatMap((stage) => stage.gates.filter(needsHub).map(({ kind }) => kind));
  const drones =
    tasks.length > 0
      ? `has tasks for ${formatNames([...new Set(tasks)], 5)}, which only a hub reaches`
      : "";
  const waits =
    gates.length > 0 ? `waits for ${formatNames([...new Set(gates)])}, which only a hub knows` : "";
  const ofHub = tasksOf(all).filter(({ command }) => isOfHub(command));
  const changes =
    ofHub.length > 0
      ? `changes what only a hub keeps (${formatNames([...new Set(ofHub.map(({ command }) => command))], 5)})`
      : "";
  const why = [drones, changes, waits].filter((one) => one !== "").join(", and ");
  if (why === "") return;
  throw new PropagitError("BAD_PLAN", `the plan ${why}`, {
    hint: "have the hub carry it out, without --local; or name machines by `host`, which is reached by ssh",
  });
}

function needsHub(gate: Gate): boolean {
  if (gate.kind === "command") return gate.task.where.kind === "drone";
  return gate.kind === "health" || gate.kind === "canary" || gate.kind === "errors";
}
