/**
 * From what a drone was started with to what it is to be started with, and back when that does not do:
 *
 *     as it was --switch.json--> links lead to the new --> restarted --> the hub saw it --> switch.json goes
 *         ^                                                   |
 *         '------ links, service and record as they were -----' it did not
 */
import type { CommandContext } from "@propagit/plan";
import { parseJson } from "@propagit/protocol";
import type { Manager } from "./manager.js";
import { askThere, leadLink, readThere, writeThere, type Place } from "./there.js";

/** What there was before. */
export interface Switch {
  /** Where the links led; empty: nowhere, the drone is new. */
  readonly current: string;
  readonly node: string;
  /** Of the files beside them. */
  readonly service: string;
  readonly record: string;
  readonly started: string;
  /** Since when the hub had seen the drone. */
  readonly since?: number;
}

/** Where the links lead, of what is and of what is to be. */
export interface Links {
  readonly current: string;
  readonly node: string;
  readonly nextCurrent: string;
  readonly nextNode: string;
}

export async function linksOf(context: CommandContext, { base }: Place): Promise<Links> {
  const said = await askThere(context, {
    text: 'for each in current node next-current next-node; do echo "$(readlink -- "$1/$each")"; done',
    args: [base],
  });
  const [current = "", node = "", nextCurrent = "", nextNode = ""] = said.split("\n");
  return { current, node, nextCurrent, nextNode };
}

export async function followNext(
  context: CommandContext,
  { base }: Place,
  { nextCurrent, nextNode }: Links,
): Promise<void> {
  await leadLink(context, `${base}/node`, nextNode);
  await leadLink(context, `${base}/current`, nextCurrent);
}

export async function readSwitch(
  context: CommandContext,
  { base }: Place,
): Promise<Switch | undefined> {
  const text = await readThere(context, `${base}/switch.json`);
  return parseJson(text) as Switch | undefined;
}

/** One that is there already stays: what was before it is what is known to work. */
export async function noteSwitch(
  context: CommandContext,
  place: Place,
  noted: Switch,
): Promise<void> {
  if (await readSwitch(context, place)) return;
  await writeThere(context, `${place.base}/switch.json`, JSON.stringify(noted), { mode: 0o600 });
}

/** Versions beside the one that runs and the one before it. */
const keptMax = 3;

/** The hub has seen it: what was before is history, and the oldest of it goes. */
export async function confirmSwitch(context: CommandContext, { base }: Place): Promise<void> {
  await askThere(context, {
    text: `base=$1 kept=$2
rm -f -- "$base/switch.json"
prune() {
  [ -d "$base" ] && cd -- "$base" || exit 1
  ls -1dt $1 2>/dev/null | tail -n "+$((kept + 1))" | while read -r each; do
    case $each in
      "$(readlink current)" | "$(readlink node)") ;;
      *) rm -rf -- "./$each" ;;
    esac
  done
}
prune '[0-9]*.[0-9]*-*'
prune 'node-*'
exit 0
`,
    args: [base, String(keptMax)],
  });
}

/** As it was; the drone runs again as before, and its instances never stopped. */
export async function goBack(
  context: CommandContext,
  place: Place,
  { manager, before }: { readonly manager: Manager; readonly before: Switch },
): Promise<void> {
  const { base } = place;
  const { file, mode, sudo } = manager;
  await leadLink(context, `${base}/node`, before.node);
  await leadLink(context, `${base}/current`, before.current);
  await writeThere(context, file, before.service, { mode, sudo });
  await writeThere(context, `${base}/drone.json`, before.record, { mode: 0o600 });
  await manager.restart(context);
  await writeThere(context, `${base}/started`, before.started);
  await askThere(context, { text: 'rm -f -- "$1/switch.json"', args: [base] });
}
