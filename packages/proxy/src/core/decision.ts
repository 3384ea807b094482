/**
 * Where one request goes, or why nowhere:
 *
 *     host name and path -> repository and environment, or commit -> share -> service -> endpoint
 *
 * Nothing here forwards; a faster core can take the place of `system/` without touching this.
 */
import { environmentDefault, PropagitError, shortCommit, type ErrorCode } from "@propagit/protocol";
import { isOut, type Health } from "./health.js";
import { isCommitPrefix, parseHostName, type HostName } from "./host-name.js";
import { pickHostPlace } from "./host-route.js";
import type { Place, RepoEntry, RouteTable, Target, Variant } from "./route-table.js";
import { pickService } from "./service.js";
import { pickShare } from "./split.js";
import { readVisitor } from "./visitor.js";

/** What is asked. */
export interface Question {
  readonly host: string | undefined;
  /** With the query; default `/`. */
  readonly path?: string;
  readonly cookie: string | undefined;
  /** Addresses that this request was tried at already. */
  readonly avoid: readonly string[];
  /** The visitor of an earlier attempt, who keeps his id. */
  readonly visitor?: string;
}

/** What the answer depends on besides the question. */
export interface Situation {
  readonly table: RouteTable;
  readonly domain?: string;
  readonly service?: string;
  readonly health: Health;
  /** Monotonic, in ms. */
  readonly now: number;
  /** Requests that an address is working on. */
  loadOf(address: string): number;
  /** A number in [0, 1). */
  fraction(): number;
  newVisitor(): string;
}

export type Decision = Forwarding | Refusal;

export interface Forwarding {
  readonly kind: "forward";
  readonly repo: string;
  readonly target: Target;
  /** Given when several commits share the visitors. */
  readonly visitor?: { readonly id: string; readonly isNew: boolean };
}

export interface Refusal {
  readonly kind: "refuse";
  readonly code: ErrorCode;
  readonly message: string;
}

/** Requests one endpoint gets at the same time; a guess, far above what one Node process serves well. */
export const loadMax = 4_000;

export function decide(situation: Situation, question: Question): Decision {
  const host = parseHostName(question.host, situation.domain);
  if (host.kind === "malformed") return refuse("BAD_REQUEST", host.reason);
  const places = host.host === undefined ? undefined : situation.table.hosts.get(host.host);
  const found = pickHostPlace(places, question.path ?? "/");
  if (found) return decideByShares(situation, question, found.place, found.service);
  switch (host.kind) {
    case "foreign":
      return refuse("NO_ROUTE", `no route for this host name: ${host.reason}`);
    case "name":
      return decideByName(situation, question, host);
    default:
      return host satisfies never;
  }
}

/** A refusal as an error of the catalogue, with its status and hint. */
export function errorOf({ code, message }: Refusal): PropagitError {
  return new PropagitError(code, message);
}

function decideByName(
  situation: Situation,
  question: Question,
  { candidates, prefix }: HostName & { kind: "name" },
): Decision {
  const { repos } = situation.table;
  const entry = candidates.map((one) => repos.get(one)).find(Boolean);
  if (!entry) return refuse("NO_ROUTE", `no repository for host name ${candidates[0] ?? ""}`);
  const place = entry.places.get(prefix ?? environmentDefault);
  if (place) return decideByShares(situation, question, place);
  if (prefix === undefined) return refuse("NO_ROUTE", nothingPromoted(entry));
  if (isCommitPrefix(prefix)) return decideByCommit(situation, question, entry, prefix);
  const names = [...entry.places.values()].map(({ environment }) => environment);
  const what = `${entry.repo} has no environment ${prefix}, and it is no commit`;
  return refuse("NO_ROUTE", `${what}; it has ${names.join(", ") || "none"}`);
}

function decideByCommit(
  situation: Situation,
  question: Question,
  { repo, running }: RepoEntry,
  prefix: string,
): Decision {
  const fitting = running.filter(({ commit }) => commit.startsWith(prefix));
  const commits = new Set(fitting.map(({ commit }) => commit)).size;
  if (commits === 0) return refuse("NOT_DEPLOYED", `${repo} runs no commit ${prefix}`);
  if (commits > 1) return refuse("AMBIGUOUS", `${prefix} fits ${commits} commits of ${repo}`);
  const options = fitting.map((variant) => optionOf(situation, question, variant));
  const able =
    options.find(({ isHealthy }) => isHealthy) ?? options.find(({ targets }) => targets.length > 0);
  return able ? toLeastBusy(situation, repo, able) : refuseEmpty(repo, options.slice(0, 1));
}

function decideByShares(
  situation: Situation,
  question: Question,
  place: Place,
  service?: string,
): Decision {
  const name = nameOf(place);
  if (place.variants.length === 0) return refuse("NO_ROUTE", nothingPromoted(place));
  const wanted = service === undefined ? situation : { ...situation, service };
  const optionsOf = (variants: readonly Variant[]) =>
    variants.map((variant) => optionOf(wanted, question, variant));
  const present = optionsOf(place.variants);
  const former = place.former
    .filter(({ until }) => until > situation.now)
    .map(({ variants }) => optionsOf(variants));
  const options = [present, ...former].find((some) => some.some(isAble)) ?? present;
  // A variant whose endpoints are all out gets nothing, as long as another one can answer.
  const healthy = options.filter(({ isHealthy }) => isHealthy);
  const able = healthy.length > 0 ? healthy : options.filter(isAble);
  const [first] = able;
  if (!first) return refuseEmpty(name, present);
  if (options.length === 1) return toLeastBusy(wanted, name, first);
  const visitor = visitorOf(situation, question);
  const picked = pickShare(
    able.map(({ variant }) => variant),
    visitor.id,
    routeKey(place),
  );
  const option = able.find(({ variant }) => variant === picked) ?? first;
  return toLeastBusy(wanted, name, option, visitor);
}

/** What visitors of production draw for is what it was before there were other environments. */
function routeKey({ repo, environment }: Place): string {
  return environment === environmentDefault ? repo : `${repo}/${environment}`;
}

function nameOf({ repo, environment }: Place): string {
  return environment === environmentDefault ? repo : `${repo} in ${environment}`;
}

function nothingPromoted(place: Pick<Place, "repo"> & Partial<Place>): string {
  const { repo, environment = environmentDefault } = place;
  return `no commit of ${nameOf({ repo, environment, variants: [], former: [] })} is promoted`;
}

/** A variant with the endpoints that could serve it now. */
interface Option {
  readonly variant: Variant;
  readonly isHealthy: boolean;
  /** The healthy ones; all of them when none is. */
  readonly targets: readonly Target[];
  /** Why there are none. */
  readonly reason: string;
}

function isAble({ targets }: Option): boolean {
  return targets.length > 0;
}

function optionOf(situation: Situation, question: Question, variant: Variant): Option {
  const { health, now, service } = situation;
  const choice = pickService(variant.services, service, variant.known);
  if (choice.kind === "none") {
    return { variant, isHealthy: false, targets: [], reason: choice.reason };
  }
  const untried = choice.targets.filter(({ address }) => !question.avoid.includes(address));
  const fine = untried.filter(({ address }) => !isOut(health, address, now));
  const isHealthy = fine.length > 0;
  return {
    variant,
    isHealthy,
    targets: isHealthy ? fine : untried,
    reason: "nobody answers there",
  };
}

function visitorOf(situation: Situation, question: Question): { id: string; isNew: boolean } {
  const known = readVisitor(question.cookie);
  if (known !== undefined) return { id: known, isNew: false };
  return { id: question.visitor ?? situation.newVisitor(), isNew: true };
}

function toLeastBusy(
  situation: Situation,
  repo: string,
  option: Option,
  visitor?: { readonly id: string; readonly isNew: boolean },
): Decision {
  const target = leastBusy(situation, option.targets);
  if (target && situation.loadOf(target.address) < loadMax) {
    return { kind: "forward", repo, target, ...(visitor && { visitor }) };
  }
  const commit = shortCommit(option.variant.commit);
  return refuse("OVERLOADED", `every endpoint of ${repo} ${commit} has ${loadMax} requests`);
}

/** Of equally busy ones any, so that a quiet service does not wear out its first endpoint. */
function leastBusy(situation: Situation, targets: readonly Target[]): Target | undefined {
  const loads = targets.map(({ address }) => situation.loadOf(address));
  const least = Math.min(...loads);
  const tied = targets.filter((_, index) => loads[index] === least);
  return tied[Math.floor(situation.fraction() * tied.length)];
}

function refuseEmpty(repo: string, options: readonly Option[]): Refusal {
  const reasons = options.map(({ variant, reason }) => `${shortCommit(variant.commit)}: ${reason}`);
  return refuse("NO_ENDPOINT", `no endpoint for ${repo} ${reasons.join("; ")}`);
}

function refuse(code: ErrorCode, message: string): Refusal {
  return { kind: "refuse", code, message };
}
