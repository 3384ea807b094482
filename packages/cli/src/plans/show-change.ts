/** What a change of the cluster would do: the plan that the hub makes of it, and what is told beside. Nothing begins. */
import { readPlan } from "@propagit/plan";
import { hubCommands } from "@propagit/hub";
import type { PlannedChange, ToldOfPlan } from "@propagit/protocol";
import { withHub, type HubFlags } from "../hub-call.js";
import { toldText } from "../output/plan-told.js";
import { print } from "../output/print.js";
import { forecast } from "./forecast.js";
import { showWith, type PlanShowFlags } from "./show-plan.js";

/** Of 10,000 drones, each in its wave. */
const limitMs = 60_000;

export interface MadePlan {
  /** As JSON. */
  readonly text: string;
  readonly told: ToldOfPlan;
}

export async function showChange(
  change: PlannedChange,
  flags: PlanShowFlags & HubFlags,
): Promise<void> {
  const { text, told } = await madePlan(change, flags);
  const plan = readPlan({ file: "the hub's plan", text }, hubCommands);
  const durations = new Map(told.durations.map(({ command, ms }) => [command, ms]));
  const whole = { plan, commands: hubCommands, forecast: forecast(plan, durations, Date.now()) };
  const isPicture = showWith(whole, flags, told);
  if (isPicture) print(toldText(told, flags.save));
}

/** @throws what the change itself would */
export async function madePlan(change: PlannedChange, flags: HubFlags): Promise<MadePlan> {
  return withHub(flags, async (hub) => {
    const pieces: string[] = [];
    const onPart = (piece: string) => void pieces.push(piece);
    const { text, told } = await hub.call("hub.plan-make", { change }, { onPart, limitMs });
    return { text: pieces.join("") + text, told };
  });
}
