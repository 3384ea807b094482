/** What the plan of a setup is carried out with, also when somebody goes on with it later: its commands, and its end. */
import { toolBox, type Run } from "@propagit/plan";
import { exitCodes, type DroneSummary } from "@propagit/protocol";
import { print, printJson } from "../output/print.js";
import type { RunNeeds } from "../plans/local-runs.js";
import { setupCommands, type SetupMeans } from "./commands.js";
import { formatResults, resultsOf, type HostResult } from "./results.js";

export interface NeedsOptions extends Pick<SetupMeans, "secretFor"> {
  readonly json?: boolean | undefined;
}

export function setupNeeds({ json = false, ...means }: NeedsOptions = {}): RunNeeds {
  const joined = new Map<string, DroneSummary>();
  const onJoined = (host: string, drone: DroneSummary) => void joined.set(host, drone);
  return {
    commands: new Map([...toolBox, ...setupCommands({ ...means, onJoined })]),
    tellEnd: (id: string, run: Run) => tell(id, resultsOf(id, run, joined), json),
  };
}

function tell(id: string, results: readonly HostResult[], isJson: boolean): number {
  if (isJson) printJson(results);
  else print(formatResults(results));
  const isGood = results.every(({ outcome }) => outcome === "set-up" || outcome === "unchanged");
  if (isGood) return exitCodes.ok;
  process.stderr.write(
    "what is done stays done: the same command goes on with what is left, or only there: " +
      `propagit plans retry ${id} --local\n`,
  );
  return exitCodes.failed;
}
