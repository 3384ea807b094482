/** Plans of changing how visitors are treated, and by which names they come. */
import type { SaidRow } from "../rows.js";
import { placeName } from "../place-name.js";
import {
  changeHosts,
  changeRules,
  describeChange,
  endRules,
  type RuleChange,
  type Said,
} from "../rule-edits.js";
import { manifestRules, placeOfHost, saidOf, type RoutePlace } from "../said.js";
import { partOf } from "./basis.js";
import { oneStep, type ChangeOf, type PlannedStep } from "./one-step.js";
import type { PlannerView } from "./planner-view.js";

const nameChars = 200;

/** @throws BAD_RULE */
export function planRules(
  view: PlannerView,
  place: RoutePlace,
  request: ChangeOf<"rules">,
): PlannedStep {
  const { set, off, unset, end = [] } = request;
  const { repo, environment } = place;
  const manifest = manifestRules(view.rows, place);
  const change = endRules(saidOf(view.rows, place), { set, off, unset }, { end, manifest });
  const isSo = leaves(view, place, (row, said) => changeRules(row, change, said));
  // What its manifest says counts, and so does whose that is.
  const spoken = [partOf.environment(repo, environment), partOf.deployments(repo, environment)];
  const what = whatOf({ set, off, unset: [...unset, ...end] });
  return oneStep(view, {
    name: `${what} of ${placeName(place)}`.slice(0, nameChars),
    request,
    parts: [partOf.said(repo, environment), ...(end.length > 0 ? spoken : [])],
    step: { command: "change-rules", ...place, ...change },
    isSo,
    skipped: isSo ? [{ what: "rules", why: "they are like that already" }] : [],
  });
}

/** @throws BAD_RULE, HOST_TAKEN, NO_RULE, NO_SERVICE */
export function planHost(
  view: PlannerView,
  place: RoutePlace,
  request: ChangeOf<"host">,
): PlannedStep {
  const { add, remove } = request;
  const change = { ...(add && { add }), ...(remove && { remove }) };
  const isSo = leaves(view, place, (row, said) => changeHosts(view.rows, row, { change, said }));
  const names = [...(add ? [placeOfHost(add)] : []), ...(remove ? [placeOfHost(remove)] : [])];
  return oneStep(view, {
    name: `host ${names.join(", ")} of ${placeName(place)}`.slice(0, nameChars),
    request,
    parts: [
      partOf.said(place.repo, place.environment),
      partOf.route(place.repo, place.environment),
    ],
    step: { command: "change-hosts", ...place, ...change },
    isSo,
    skipped: isSo ? [{ what: "host names", why: "they are like that already" }] : [],
  });
}

/** Whether all that is said stays as it is. */
function leaves(
  { rows, now }: PlannerView,
  place: RoutePlace,
  decide: (row: SaidRow, said: Said) => SaidRow,
): boolean {
  const before = saidOf(rows, place);
  // Whoever asks signs it: said once more by somebody else, it is another.
  return JSON.stringify(decide(before, { by: "", since: now })) === JSON.stringify(before);
}

/** In a word where there is one: `pause`, `resume`, `maintenance`. */
function whatOf({ set, off, unset }: RuleChange): string {
  const names = [...Object.keys(set), ...off, ...unset];
  const [only] = names.length === 1 ? names : [];
  if (only === "pause") return set.pause ? "pause" : "resume";
  if (only === "maintenance") return set.maintenance ? "maintenance" : "end of maintenance";
  return `rules (${describeChange({ set, off, unset })})`;
}
