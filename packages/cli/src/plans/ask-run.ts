/** What people ask of runs here: of the process that carries it out; or, when there is none, of what is on disk. */
import { refusalOf, Run, type RunAsk } from "@propagit/plan";
import { PropagitError } from "@propagit/protocol";
import { author } from "../author.js";
import type { HubFlags } from "../hub-call.js";
import { print } from "../output/print.js";
import { askProcess } from "./asks.js";
import { carryOutAgain } from "./carry-out.js";
import { askedWords, askHub } from "./hub-plans.js";
import { LocalRuns } from "./local-runs.js";

/** @param prefix of its id. @throws NO_PLAN, AMBIGUOUS, NOT_NOW */
export async function askRun(
  prefix: string,
  ask: RunAsk,
  { local, ...hub }: HubFlags & { readonly local?: boolean },
): Promise<void> {
  checkId(prefix);
  if (!local) return askHub(prefix, ask, hub);
  await askHere(prefix, ask).catch((thrown: unknown) => {
    throw saidHere(thrown);
  });
}

/** The engine does not know where it is: what it says to type next is typed for the runs of this machine. */
function saidHere(thrown: unknown): unknown {
  if (!(thrown instanceof PropagitError)) return thrown;
  const { code, message, hint } = thrown;
  const here = hint.replace(/(propagit plans \w+ [0-9a-f]+)$/, "$1 --local");
  return new PropagitError(code, message, { hint: here, cause: thrown });
}

/** @throws BAD_USAGE: nothing at all would mean every plan */
export function checkId(prefix: string): void {
  if (prefix !== "" && prefix.length <= idCharsMax) return;
  const what = prefix === "" ? "the id of the plan is empty" : "that is no id of a plan";
  throw new PropagitError("BAD_USAGE", what, { hint: "see them with `propagit plans`" });
}

/** Longer ones there are none. */
const idCharsMax = 64;

async function askHere(prefix: string, ask: RunAsk): Promise<void> {
  const runs = await LocalRuns.open();
  const id = await runs.find(prefix);
  if (await runs.isCarried(id)) {
    await askProcess(runs.folderOf(id), { ask, by: author() }, () => runs.isCarried(id));
    print(`${id}: ${askedWords(ask)}\n`);
    return;
  }
  const { plan, events } = await runs.journal.read(id);
  const run = new Run(plan, events);
  const carried = { runs, plan, ...(await runs.needsOf(id, plan)) };
  if (run.state === "over") {
    process.exitCode = await carryOutAgain(carried, id, ask);
    return;
  }
  await noteAsk(runs, { id, run, ask });
  process.exitCode = await carryOutAgain(carried, id);
}

/** Written into its journal, so that whoever goes on with it knows it from the beginning. */
async function noteAsk(
  runs: LocalRuns,
  { id, run, ask }: { readonly id: string; readonly run: Run; readonly ask: RunAsk },
): Promise<void> {
  const isMere = ask.kind === "resume" && !run.isPaused;
  if (isMere) return;
  if (ask.kind !== "resume" && ask.kind !== "stop") {
    throw new PropagitError(
      "NOT_NOW",
      `no process carries ${id} out; it ended before the plan did`,
      {
        hint: `let it go on first: propagit plans resume ${id} --local`,
      },
    );
  }
  const refusal = refusalOf(run, ask, author());
  if (refusal)
    throw new PropagitError("NOT_NOW", `plan ${id} cannot be asked to ${ask.kind}: ${refusal.why}`);
  if (!(await runs.journal.take(id))) {
    throw new PropagitError("DATA_IN_USE", `plan ${id} is carried out by another process`);
  }
  await runs.journal.append(id, [{ at: Date.now(), kind: "asked", ask, by: author() }]);
}
