/** What a change of the cluster would do: the plan that the hub makes of it, and what is told beside. Nothing begins. */
import { readPlan } from "@propagit/plan";
import { hubCommands } from "@propagit/hub";
import type { FilesPart, PlannedChange, ToldOfPlan } from "@propagit/protocol";
import type { Conversation } from "@propagit/runtime";
import { withHub, type HubFlags } from "../hub-call.js";
import { toldText } from "../output/plan-told.js";
import { print, terminalColumns } from "../output/print.js";
import { wrapLines } from "../output/text-width.js";
import { forecast } from "./forecast.js";
import { showWith, type PlanShowFlags } from "./show-plan.js";

/** Of 10,000 drones, each in its wave. */
const limitMs = 60_000;

export interface MadePlan {
  /** As JSON. */
  readonly text: string;
  readonly told: ToldOfPlan;
}

/** Said at once, or once there is a session, under whose key something of it is hidden. */
type Change = PlannedChange | ((hub: Conversation) => PlannedChange);

/** @param doIt how it is done instead of shown */
export async function showChange(
  change: Change,
  flags: PlanShowFlags & HubFlags,
  doIt: string,
): Promise<void> {
  showMade(await madePlan(change, flags), flags, doIt);
}

export function showMade({ text, told }: MadePlan, flags: PlanShowFlags, doIt: string): void {
  const plan = readPlan({ file: "the hub's plan", text }, hubCommands);
  const durations = new Map(told.durations.map(({ command, ms }) => [command, ms]));
  const whole = { plan, commands: hubCommands, forecast: forecast(plan, durations, Date.now()) };
  const isPicture = showWith(whole, flags, told);
  if (!isPicture) return;
  const next = plan.stages.length === 0 ? undefined : nextText(flags.save, doIt);
  print(wrapLines(toldText(told, next), terminalColumns()));
}

function nextText(saved: string | undefined, doIt: string): string {
  return saved === undefined ? `to do it, ${doIt}` : `carry it out with: propagit apply ${saved}`;
}

/** @param onFiles hears what drones say of files, however long they take. @throws what the change itself would */
export async function madePlan(
  wanted: Change,
  flags: HubFlags,
  onFiles?: (part: FilesPart) => void,
): Promise<MadePlan> {
  return withHub(flags, async (hub) => {
    const pieces: string[] = [];
    const onPart = (part: string | FilesPart) => {
      if (typeof part === "string") pieces.push(part);
      else onFiles?.(part);
    };
    const change = typeof wanted === "function" ? wanted(hub) : wanted;
    const options = { onPart, limitMs: onFiles ? 0 : limitMs };
    const { text, told } = await hub.call("hub.plan-make", { change }, options);
    return { text: pieces.join("") + text, told };
  });
}
