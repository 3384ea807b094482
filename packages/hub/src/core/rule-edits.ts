/** Changes of what is said by hand about an environment's traffic, as values; `said.ts` makes a route of them. */
import {
  environmentDefault,
  findHostProblem,
  findRuleProblem,
  PropagitError,
  type HostRoute,
  type Rules,
} from "@propagit/protocol";
import type { LedgerRows } from "./draft.js";
import { flagOf } from "./rollout-lines.js";
import { placeName } from "./place-name.js";
import type { SaidRow } from "./rows.js";
import { currentRelease } from "./deployment-edits.js";
import { isSamePlace, placeOfHost } from "./said.js";

type RuleName = keyof Rules;

export interface RuleChange {
  readonly set: Rules;
  readonly off: readonly RuleName[];
  readonly unset: readonly RuleName[];
}

/** Who says something, and when. */
export interface Said {
  readonly by: string;
  readonly since: number;
}

/** Host names by hand in one environment; with those of a manifest they fit into a route. */
const hostsMax = 100;
const usersMax = 100;
/** Of all that is said by hand in one environment, as JSON: it is one row, and part of another one. */
const saidCharsMax = 200_000;

/**
 * What ends rules, whoever says them: what the manifest says does not hold, and what it does not say is left to it, so
 * that it can say so one day.
 *
 * @throws BAD_RULE
 */
export function endRules(
  row: SaidRow,
  { off, unset, set }: RuleChange,
  { end, manifest }: { readonly end: readonly RuleName[]; readonly manifest: Rules },
): RuleChange {
  refuseTwice([...Object.keys(set), ...off, ...unset, ...end]);
  const isOver = (name: RuleName) => row.off.includes(name) && !(name in row.rules);
  return {
    set,
    off: [...off, ...end.filter((name) => name in manifest && !isOver(name))],
    unset: [...unset, ...end.filter((name) => !(name in manifest))],
  };
}

function refuseTwice(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw badRule(`${twice} is changed in two ways at once`);
}

/** Each rule is said as a whole: what was said of it before is forgotten. @throws BAD_RULE */
export function changeRules(row: SaidRow, change: RuleChange, said: Said): SaidRow {
  const { set, off, unset } = change;
  const names = [...Object.keys(set), ...off, ...unset];
  refuseTwice(names);
  if (set.users !== undefined) {
    throw badRule("users are not set but added one by one", "see `propagit help access`");
  }
  const problem = findRuleProblem(set);
  if (problem) throw badRule(`${problem.rule} ${problem.why}`);
  const rules = { ...without(row.rules, names), ...signed(set, said) };
  const authors = { ...without(row.authors, names) };
  for (const name of [...Object.keys(set), ...off]) authors[name] = { ...said };
  return bounded({
    ...row,
    rules,
    off: [...row.off.filter((name) => !names.includes(name)), ...off],
    authors,
  });
}

/** @throws BAD_RULE */
export function addHost(row: SaidRow, route: HostRoute, said: Said): SaidRow {
  const problem = findHostProblem(route) ?? ruleProblemOf(route);
  if (problem !== undefined) throw badRule(problem);
  const lower = { ...route, host: route.host.toLowerCase() };
  const others = row.hosts.filter((other) => !isSamePlace(other.route, lower));
  if (others.length >= hostsMax) {
    throw badRule(`${placeName(row)} has ${hostsMax} host names by hand already`);
  }
  return bounded({ ...row, hosts: [...others, { route: lower, ...said }] });
}

export interface HostChange {
  readonly add?: HostRoute;
  readonly remove?: Pick<HostRoute, "host" | "path">;
}

/** @throws BAD_RULE, HOST_TAKEN, NO_RULE, NO_SERVICE */
export function changeHosts(
  rows: LedgerRows,
  row: SaidRow,
  { change: { add, remove }, said }: { readonly change: HostChange; readonly said: Said },
): SaidRow {
  const left = remove ? removeHost(rows, row, remove) : row;
  if (!add) return left;
  refuseTakenHost(rows, row, add);
  refuseUnknownService(rows, row, add);
  return addHost(left, add, said);
}

/** What is left of a change that may have been made: names that are gone need not go. */
export function hostsLeft(row: SaidRow, { add, remove }: HostChange): HostChange {
  const isThere = remove && row.hosts.some(({ route }) => isSamePlace(route, remove));
  return { ...(add && { add }), ...(isThere && { remove }) };
}

/** Whether the same person had said all of it, whenever that was. */
export function isSaidBefore(before: SaidRow, after: SaidRow): boolean {
  return timeless(before) === timeless(after);
}

/** @throws NO_RULE */
export function removeHost(
  rows: LedgerRows,
  row: SaidRow,
  place: Pick<HostRoute, "host" | "path">,
): SaidRow {
  const hosts = row.hosts.filter(({ route }) => !isSamePlace(route, place));
  if (hosts.length < row.hosts.length) return { ...row, hosts };
  const current = currentRelease(rows, row.repo, row.environment);
  const isWritten = current?.specification.routes.some((route) => isSamePlace(route, place));
  const name = placeOfHost(place);
  throw new PropagitError("NO_RULE", `${name} was not added to ${placeName(row)} by hand`, {
    hint: isWritten
      ? `the manifest of release ${current?.number} names it: take it out of its \`routes\` and deploy`
      : `see what there is: propagit route show ${row.repo}${flagOf(row.environment)}`,
  });
}

/** Another environment or repository has it. @throws HOST_TAKEN */
function refuseTakenHost(rows: LedgerRows, row: SaidRow, route: HostRoute): void {
  for (const other of rows.rows("routes").values()) {
    const { repo, environment = environmentDefault } = other;
    if (repo === row.repo && environment === row.environment) continue;
    if (!other.hosts?.some((one) => isSamePlace(one, route))) continue;
    const where = placeName({ repo, environment });
    throw new PropagitError("HOST_TAKEN", `${placeOfHost(route)} leads to ${where} already`, {
      hint: `see who says so: propagit route show ${repo}${flagOf(environment)}`,
    });
  }
}

/** What the live release runs has no such service; one without services runs what drones bring. @throws NO_SERVICE */
export function refuseUnknownService(rows: LedgerRows, row: SaidRow, { service }: HostRoute): void {
  const current = currentRelease(rows, row.repo, row.environment);
  const services = current?.specification.services ?? [];
  if (service === undefined || services.length === 0) return;
  const found = services.find(({ name }) => name === service);
  if (found && found.ports.length > 0) return;
  const what = `release ${current?.number} of ${placeName(row)}`;
  const names = services.filter(({ ports }) => ports.length > 0).map(({ name }) => name);
  throw new PropagitError(
    "NO_SERVICE",
    found ? `service ${service} of ${what} takes no visitors` : `${what} has no service ${service}`,
    { hint: `these take visitors: ${names.join(", ") || "none"}` },
  );
}

/** A user who may come with a password; one of the same name gets another one. @throws BAD_RULE */
export function addUser(
  row: SaidRow,
  user: { readonly name: string; readonly hash: string },
  said: Said,
): SaidRow {
  refuseUser(row, user.name);
  if (!/^scrypt(?:\$\d{1,9}){3}(?:\$[A-Za-z0-9_-]{1,200}){2}$/.test(user.hash)) {
    throw badRule(`the password of ${user.name} did not come as scrypt$N$r$p$SALT$KEY`);
  }
  const others = (row.rules.users ?? []).filter(({ name }) => name !== user.name);
  return withUsers(row, [...others, { ...user }], said);
}

/** Whatever his password is. @throws BAD_RULE */
export function refuseUser(row: SaidRow, user: string): void {
  // RFC 7617, section 2: the first colon ends the name.
  if (!/^[^:\p{Cc}]{1,200}$/u.test(user)) {
    throw badRule("the name of a user is empty, or has a colon or control characters in it");
  }
  const others = (row.rules.users ?? []).filter(({ name }) => name !== user);
  if (others.length >= usersMax) throw badRule(`${placeName(row)} has ${usersMax} users already`);
}

/** With the last one, passwords are no longer asked for. @throws NO_RULE */
export function removeUser(row: SaidRow, name: string, said: Said): SaidRow {
  const users = row.rules.users ?? [];
  const others = users.filter((user) => user.name !== name);
  if (others.length === users.length) {
    const known = users.map((user) => user.name).join(", ") || "nobody";
    throw new PropagitError("NO_RULE", `${name} has no access to ${placeName(row)}`, {
      hint: `these have: ${known}`.slice(0, 500),
    });
  }
  return withUsers(row, others, said);
}

function withUsers(row: SaidRow, users: NonNullable<Rules["users"]>, said: Said): SaidRow {
  const rules = without(row.rules, ["users"]);
  const authors = without(row.authors, ["users"]);
  const off = row.off.filter((name) => name !== "users");
  if (users.length === 0) return { ...row, rules, authors, off };
  return bounded({
    ...row,
    off,
    rules: { ...rules, users: [...users] },
    authors: { ...authors, users: { ...said } },
  });
}

/** @throws BAD_RULE */
export function bounded(row: SaidRow): SaidRow {
  const chars = JSON.stringify(row).length;
  if (chars <= saidCharsMax) return row;
  throw badRule(
    `all that is said by hand of ${placeName(row)} has ${chars} characters, more than ${saidCharsMax}`,
    "say less by hand; a long page is better served by the app",
  );
}

/** In events: `rate, pins; no longer maxBody`. */
export function describeChange({ set, off, unset }: RuleChange): string {
  const parts = [
    Object.keys(set).join(", "),
    off.length > 0 ? `off: ${off.join(", ")}` : "",
    unset.length > 0 ? `as the manifest says: ${unset.join(", ")}` : "",
  ];
  return parts.filter((part) => part !== "").join("; ");
}

export function badRule(message: string, hint?: string): PropagitError {
  return new PropagitError("BAD_RULE", message, hint === undefined ? {} : { hint });
}

/** Those that are of a moment say whose they are, for the page that a visitor sees and for `route show`. */
function signed(rules: Rules, said: Said): Rules {
  const { pause, maintenance } = rules;
  return {
    ...rules,
    ...(pause && { pause: { ...pause, ...said } }),
    ...(maintenance && { maintenance: { ...maintenance, ...said } }),
  };
}

function timeless(row: SaidRow): string {
  return JSON.stringify(row, (key, value: unknown) => (key === "since" ? undefined : value));
}

function ruleProblemOf({ rules = {} }: HostRoute): string | undefined {
  if (rules.users !== undefined) return "users are of a whole environment";
  const problem = findRuleProblem(rules);
  return problem && `${problem.rule} ${problem.why}`;
}

function without<T>(
  values: Readonly<Record<string, T>>,
  names: readonly string[],
): Record<string, T>;
function without(values: Rules, names: readonly string[]): Rules;
function without(values: object, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name)));
}
