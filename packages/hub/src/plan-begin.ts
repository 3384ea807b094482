/**
 * Plans that were made of a change, given back to be carried out: begun when what they were made from is as it was, and
 * what was edited in them can be done just so. What would be refused is known without a write (`plan-check.ts`).
 */
import {
  assert,
  changeSchema,
  check,
  PropagitError,
  quote,
  type PlannedChange,
} from "@propagit/protocol";
import { tasksOfPlan, type Plan, type Task } from "@propagit/plan";
import type { Draft, LedgerRows } from "./core/draft.js";
import { movedParts } from "./core/planners/basis.js";
import { problemsOfRelease } from "./core/planners/edited-release.js";
import { refuseWithheld } from "./core/planners/withheld.js";
import { findRelease } from "./core/release-history.js";
import type { Ledger } from "./ledger.js";
import { isRelease, type PlanMaker, type ReleaseChange, type ReleaseNow } from "./plan-maker.js";
import type { RolloutStarter } from "./release-desk.js";
import type { ReleaseRequest } from "./rollout-request.js";

export interface PlanBeginParts {
  readonly ledger: Ledger;
  readonly maker: Pick<PlanMaker, "asked" | "releaseNow">;
  readonly rollouts: RolloutStarter;
}

/** Who gives a plan back, what it is called in what is said of it, and the id that its run is to have. */
export interface GivenBy {
  readonly by: string;
  readonly file: string;
  readonly id?: string;
}

export class PlanBegin {
  readonly #parts: PlanBeginParts;

  constructor(parts: PlanBeginParts) {
    this.#parts = parts;
  }

  /**
   * Begins a plan that was made of a change, when nothing that it was made from has moved.
   *
   * @returns the id of its run; undefined when it is none of a release, and may be begun like any other
   * @throws BAD_PLAN when it was made of no change, PLAN_MOVED, and what the change itself would throw
   */
  async begin(plan: Plan, given: GivenBy): Promise<string | undefined> {
    const { ledger } = this.#parts;
    const change = changeToBegin(plan, given.file);
    if (change && isRelease(change)) return this.#beginRelease(plan, change, given);
    await ledger.change(() => {
      refuseMoved(ledger, plan);
      return undefined;
    });
    return undefined;
  }

  async #beginRelease(plan: Plan, change: ReleaseChange, given: GivenBy): Promise<string> {
    const { ledger, rollouts } = this.#parts;
    const request = await releaseToBegin(this.#parts, { plan, change, ...given });
    const asker = { onPart: () => undefined, signal: new AbortController().signal, detach: true };
    const { repo, environment, release } = await rollouts.start(request, asker);
    refuseJoined(plan, release);
    const row = findRelease(ledger, { repo, environment, number: release });
    assert(row.run !== undefined, "a release that was accepted has its run");
    return row.run;
  }
}

/** @throws BAD_PLAN when it was made of no change, or of one that a plan does not say whole */
export function changeToBegin({ request }: Plan, file: string): PlannedChange | undefined {
  if (request === undefined) return undefined;
  const checked = check(changeSchema, request);
  if (!checked.ok) {
    const why = `${file}: its \`request\` is no change: ${checked.reason}`;
    throw new PropagitError("BAD_PLAN", why, {
      hint: "make it anew: propagit plan deploy REPO COMMIT --save plan.json",
    });
  }
  refuseWithheld(checked.value, file);
  return checked.value;
}

export interface GivenRelease extends GivenBy {
  readonly plan: Plan;
  readonly change: ReleaseChange;
}

/** The release that a plan is of, which is refused when its turn comes and the plan cannot be done as it says. */
export async function releaseToBegin(
  { ledger, maker }: { readonly ledger: LedgerRows } & Pick<PlanBeginParts, "maker">,
  { plan, change, by, file, id }: GivenRelease,
): Promise<ReleaseRequest> {
  const asked = await maker.asked(change);
  const { request } = asked;
  const alongside = (draft: Draft) => {
    // Of the rows before this change, which puts what it wants beside them.
    refuseMoved(ledger, plan);
    refuseEdited(plan, file, maker.releaseNow(asked, change));
    request.alongside?.(draft);
  };
  return { ...request, by, alongside, planOf: () => plan, ...(id !== undefined && { run: id }) };
}

/** @throws PLAN_MOVED with what is no longer as it was */
export function refuseMoved(rows: LedgerRows, { name, basis }: Plan): void {
  const moved = basis ? movedParts(rows, basis.revisions) : [];
  if (moved.length === 0) return;
  throw new PropagitError(
    "PLAN_MOVED",
    `what ${quote(name)} was made from has changed since: ${moved.join(", ")}`,
  );
}

/** Whoever asks for the very same that is on its way looks on; a plan says what it does itself. */
export function refuseJoined(plan: Plan, release: number): void {
  const open = tasksOfPlan(plan).find(isOpening);
  if (!open || open.args["release"] === release) return;
  throw new PropagitError(
    "CHANGED_MEANWHILE",
    `${quote(plan.name)} was not begun: the very same is on its way already as release ${release}`,
    { hint: "look on: propagit plans" },
  );
}

/** @throws BAD_PLAN with all of a release's plan that would not be done as it says */
function refuseEdited(plan: Plan, file: string, { made, places }: ReleaseNow): void {
  const problems = problemsOfRelease(plan, made, places);
  if (problems.length === 0) return;
  throw new PropagitError("BAD_PLAN", problems.map((problem) => `${file}: ${problem}`).join("\n"), {
    hint: "see what would be planned now: propagit apply FILE --rebase",
  });
}

function isOpening({ command }: Task): boolean {
  return command === "open-release";
}
