/** The step `setup-joined`: the hub sees the drone with this version; else what was before runs again. */
import { defineCommand, type CommandContext } from "@propagit/plan";
import type { DroneSummary } from "@propagit/protocol";
import { sleep } from "@propagit/runtime";
import { described, duration, object, text, withDefault } from "@propagit/shapes";
import { dataFolderOf, readRecord, type DroneRecord } from "./drone-record.js";
import { droneThere } from "./hub-there.js";
import { managerAt, type Manager } from "./manager.js";
import { confirmSwitch, goBack, readSwitch, type Switch } from "./switching.js";
import { failure, placeOf, readThere, type Place } from "./there.js";

const args = object(
  {
    version: described("That the hub is to see.", text({ max: 100 })),
    within: described("How long that may take (60s).", withDefault(duration(), "60s")),
  },
  ["version"],
);

/** Until it has joined, and as long again when what was before is to join. */
const timeoutMs = 30 * 60_000;
const everyMs = 1_000;

export function joinedStep(onJoined: (host: string, drone: DroneSummary) => void) {
  return defineCommand({
    name: "setup-joined",
    summary: "Waits until the hub sees the drone.",
    args,
    timeoutMs,
    describe: ({ version }) => `would wait until the hub sees its drone with version ${version}`,
    async run({ version, within }, context) {
      const place = await placeOf(context);
      const made = await recordOf(context, place);
      const before = await readSwitch(context, place);
      const watch = { made, within, wanted: { version, since: before?.since } };
      const seen = await untilJoined(context, place, watch);
      if (!("since" in seen)) {
        return giveUp(context, place, { made, within, why: seen.why, before });
      }
      onJoined(context.host.name, seen);
      const note = `${seen.name} is connected, with version ${seen.version}`;
      if (!before) return { outcome: "unchanged", note };
      await confirmSwitch(context, place);
      return { outcome: "done", note };
    },
    example: { version: "1.2.3" },
  });
}

interface Watch {
  readonly made: DroneRecord;
  readonly within: number;
  readonly wanted: {
    /** Absent: any. */
    readonly version?: string;
    /** Of the contact before it was restarted, which is not meant. */
    readonly since?: number | undefined;
  };
}

async function untilJoined(
  context: CommandContext,
  place: Place,
  { made, within, wanted }: Watch,
): Promise<DroneSummary | { readonly why: string }> {
  const { clock, signal } = context;
  const asked = { hub: made.hub, dataFolder: dataFolderOf(made, place.home) };
  const until = clock.monotonic() + within;
  for (;;) {
    const seen = await droneThere(context, place, asked);
    const why = whyNot(seen, wanted);
    if (why === undefined && seen && "since" in seen) return seen;
    if (clock.monotonic() >= until || signal.aborted) return { why: why ?? "it was ended" };
    await sleep(clock, everyMs);
  }
}

function whyNot(
  seen: Awaited<ReturnType<typeof droneThere>>,
  { version, since }: Watch["wanted"],
): string | undefined {
  if (seen === undefined) return "it never joined the hub";
  if ("why" in seen) return seen.why;
  if (seen.since === since && seen.state === "connected") return "the one from before is connected";
  if (seen.state !== "connected") return `${seen.name} is ${seen.state}`;
  if (version === undefined || seen.version === version) return undefined;
  return `${seen.name} has version ${seen.version}`;
}

interface Failed {
  readonly made: DroneRecord;
  readonly within: number;
  readonly why: string;
  readonly before: Switch | undefined;
}

async function giveUp(
  context: CommandContext,
  place: Place,
  { made, within, why, before }: Failed,
): Promise<never> {
  const manager = managerAt(made.manager, place);
  for (const line of await manager.log(context)) context.say(`drone: ${line}`);
  const what = `the hub ${made.hub} did not see the drone within ${Math.round(within / 1_000)} s: ${why}`;
  const hint = `see what it says: ssh ${context.host.name} ${manager.logCommand}`;
  if (!before || before.current === "") throw failure(context, what, hint);
  const after = await back(context, place, { manager, before, within });
  throw failure(context, `${what}; ${after}`, `${hint}; then again`);
}

/** What became of going back. */
async function back(
  context: CommandContext,
  place: Place,
  { manager, before, within }: { manager: Manager; before: Switch; within: number },
): Promise<string> {
  context.say(`goes back to ${before.current}`);
  await goBack(context, place, { manager, before });
  const made = await recordOf(context, place);
  const seen = await untilJoined(context, place, { made, within, wanted: {} });
  const old = before.current.replace(/-[0-9a-f]{12}$/, "");
  if ("since" in seen) return `${seen.name} runs ${old} again`;
  return `it was taken back to ${old}, which the hub does not see either: ${seen.why}`;
}

async function recordOf(context: CommandContext, { base }: Place): Promise<DroneRecord> {
  const made = readRecord(await readThere(context, `${base}/drone.json`));
  if (made) return made;
  throw failure(context, "it is not known how its drone was asked for", "set it up anew");
}
