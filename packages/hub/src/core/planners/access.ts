/** The plan of who may come with a password. */
import { placeName } from "../place-name.js";
import { placeKey, type SaidRow } from "../rows.js";
import { refuseUser, removeUser } from "../rule-edits.js";
import { saidOf, type RoutePlace } from "../said.js";
import { someOf } from "../some-of.js";
import { partOf } from "./basis.js";
import { oneStep, type ChangeOf, type PlannedStep } from "./one-step.js";
import type { PlannerView } from "./planner-view.js";

const nameChars = 200;

/** @throws BAD_RULE, NO_RULE */
export function planAccess(
  view: PlannerView,
  place: RoutePlace,
  request: ChangeOf<"access">,
): PlannedStep {
  const { add, remove } = request;
  const before = saidOf(view.rows, place);
  const left =
    remove === undefined ? before : removeUser(before, remove, { by: "", since: view.now });
  if (add !== undefined) refuseUser(left, add);
  const who = { ...(add !== undefined && { add }), ...(remove !== undefined && { remove }) };
  const isSo = add === undefined && remove === undefined;
  return oneStep(view, {
    name: `access to ${placeName(place)}: ${namesOf(request)}`.slice(0, nameChars),
    request,
    parts: [partOf.said(place.repo, place.environment)],
    step: { command: "change-access", ...place, ...who },
    isSo,
    skipped: isSo ? [{ what: "users", why: "nobody is named" }] : [],
    warnings: isSo ? [] : [effectOf(before, left, add), ...hostsOf(view, place)],
  });
}

/** `ann, no longer ben` */
function namesOf({ add, remove }: ChangeOf<"access">): string {
  const gone = remove === undefined ? [] : [`no longer ${remove}`];
  const parts = add === undefined ? gone : [add, ...gone];
  return parts.join(", ") || "nobody";
}

/** What visitors would see of it. */
function effectOf(before: SaidRow, left: SaidRow, add: string | undefined): string {
  const had = usersOf(before);
  const names = [...new Set([...usersOf(left), ...(add === undefined ? [] : [add])])];
  if (names.length === 0) return "everybody may come again: nobody is asked for a password";
  const only = `only these may come: ${names.join(", ")}`.slice(0, 2 * nameChars);
  if (had.length === 0) return `everybody is asked for a name and a password; ${only}`;
  return add !== undefined && had.includes(add) ? `${add} gets another password; ${only}` : only;
}

function usersOf({ rules: { users = [] } }: SaidRow): readonly string[] {
  return users.map(({ name }) => name);
}

/** By which names visitors come whom it concerns. */
function hostsOf({ rows }: PlannerView, { repo, environment }: RoutePlace): readonly string[] {
  const { hosts = [] } = rows.rows("routes").get(placeKey(repo, environment)) ?? {};
  const names = [...new Set(hosts.map(({ host }) => host))];
  if (names.length === 0) return [];
  return [`it counts for visitors of ${someOf(names)}, too`];
}
