/** What a hub says to the program at a host: so the line from there, and the secret there, are what is looked at. */
import type { CommandContext } from "@propagit/plan";
import { parseJson, type DroneSummary } from "@propagit/protocol";
import { tryThere, type Place } from "./there.js";

export interface AskedHub {
  /** `host:port`. */
  readonly hub: string;
  readonly dataFolder: string;
}

/** A refusal of the program there, in its own words. */
export interface HubRefusal {
  readonly why: string;
  readonly hint: string | undefined;
}

const script = `base=$1 hub=$2 data=$3
unset PROPAGIT_HUB PROPAGIT_SECRET PROPAGIT_SECRET_FILE
name=$("$base/next-node/bin/node" -e '
  const { joined } = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
  console.log(joined.name);' "$data/desired.json" 2>/dev/null) || exit 0
[ -n "$name" ] || exit 0
exec "$base/next-node/bin/node" "$base/next-current/bin/propagit.js" drones "$name" --json \\
  --hub="$hub" --secret-file="$base/secret"
`;

/** The drone of that data folder; undefined while it has never been with a hub. */
export async function droneThere(
  context: CommandContext,
  { base }: Place,
  { hub, dataFolder }: AskedHub,
): Promise<DroneSummary | HubRefusal | undefined> {
  const ended = await tryThere(context, { text: script, args: [base, hub, dataFolder] });
  if (ended.code !== 0) return refusalOf(ended.errorOutput);
  const drones = parseJson(ended.output) as readonly DroneSummary[] | undefined;
  return drones?.[0];
}

/** `propagit: what, which, why`, and below it the next command. */
export function refusalOf(errorOutput: string): HubRefusal {
  const lines = errorOutput.split("\n").filter((line) => line.trim() !== "");
  const at = lines.findIndex((line) => line.startsWith("propagit: "));
  const [why = "it ended without a word", hint] = at < 0 ? lines.slice(-1) : lines.slice(at);
  return { why: why.replace(/^propagit: /, "").trim(), hint: hint?.trim() };
}
