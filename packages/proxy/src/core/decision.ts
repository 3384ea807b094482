/**
 * Where one request goes: host name -> repository -> commit -> service -> endpoint, or why nowhere.
 *
 * Nothing here forwards; a faster core can take the place of `system/` without touching this.
 */
import { PropagitError, shortCommit, type ErrorCode, type Share } from "@propagit/protocol";
import { parseHostName, type HostName } from "./host-name.js";
import { isOut, type Health } from "./health.js";
import type { RepoEntry, RouteTable, Target } from "./route-table.js";
import { pickService } from "./service.js";
import { pickShare } from "./split.js";
import { readVisitor } from "./visitor.js";

/** What is asked. */
export interface Question {
  readonly host: string | undefined;
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
  switch (host.kind) {
    case "malformed":
      return refuse("BAD_REQUEST", host.reason);
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
  name: HostName & { kind: "name" },
): Decision {
  const entry = name.candidates.map((one) => situation.table.repos.get(one)).find(Boolean);
  if (!entry) return refuse("NO_ROUTE", `no repository for host name ${name.candidates[0] ?? ""}`);
  if (name.commitPrefix !== undefined) {
    return decideByCommit(situation, question, entry, name.commitPrefix);
  }
  if (entry.shares.length === 0) {
    return refuse("NO_ROUTE", `no commit of ${entry.repo} is promoted`);
  }
  return decideByShares(situation, question, entry);
}

function decideByCommit(
  situation: Situation,
  question: Question,
  { repo, commits }: RepoEntry,
  prefix: string,
): Decision {
  const [commit, ...others] = commits.filter((one) => one.startsWith(prefix));
  if (commit === undefined) return refuse("NOT_DEPLOYED", `${repo} runs no commit ${prefix}`);
  if (others.length > 0) {
    return refuse("AMBIGUOUS", `${prefix} fits ${others.length + 1} commits of ${repo}`);
  }
  const variant = variantOf(situation, question, { commit, weight: 1 });
  if (variant.targets.length === 0) return refuseEmpty(repo, [variant]);
  return toLeastBusy(situation, repo, variant);
}

function decideByShares(situation: Situation, question: Question, entry: RepoEntry): Decision {
  const { repo, shares } = entry;
  const variants = shares.map((share) => variantOf(situation, question, share));
  // A variant whose endpoints are all out gets nothing, as long as another one can answer.
  const healthy = variants.filter(({ isHealthy }) => isHealthy);
  const able = healthy.length > 0 ? healthy : variants.filter(({ targets }) => targets.length > 0);
  const [first] = able;
  if (!first) return refuseEmpty(repo, variants);
  if (shares.length === 1) return toLeastBusy(situation, repo, first);
  const visitor = visitorOf(situation, question);
  const picked = pickShare(
    able.map(({ share }) => share),
    visitor.id,
    repo,
  );
  const variant = able.find(({ share }) => share === picked) ?? first;
  return toLeastBusy(situation, repo, variant, visitor);
}

/** A share with the endpoints that could serve it now. */
interface Variant {
  readonly share: Share;
  readonly isHealthy: boolean;
  /** The healthy ones; all of them when none is. */
  readonly targets: readonly Target[];
  /** Why there are none. */
  readonly reason: string;
}

function variantOf(situation: Situation, question: Question, share: Share): Variant {
  const { table, health, now } = situation;
  const known = table.names.get(share.commit)?.keys();
  const choice = pickService(table.endpoints.get(share.commit), situation.service, known);
  if (choice.kind === "none")
    return { share, isHealthy: false, targets: [], reason: choice.reason };
  const untried = choice.targets.filter(({ address }) => !question.avoid.includes(address));
  const fine = untried.filter(({ address }) => !isOut(health, address, now));
  const isHealthy = fine.length > 0;
  return { share, isHealthy, targets: isHealthy ? fine : untried, reason: "nobody answers there" };
}

function visitorOf(situation: Situation, question: Question): { id: string; isNew: boolean } {
  const known = readVisitor(question.cookie);
  if (known !== undefined) return { id: known, isNew: false };
  return { id: question.visitor ?? situation.newVisitor(), isNew: true };
}

function toLeastBusy(
  situation: Situation,
  repo: string,
  variant: Variant,
  visitor?: { readonly id: string; readonly isNew: boolean },
): Decision {
  const target = leastBusy(situation, variant.targets);
  if (target && situation.loadOf(target.address) < loadMax) {
    return { kind: "forward", repo, target, ...(visitor && { visitor }) };
  }
  const commit = shortCommit(variant.share.commit);
  return refuse("OVERLOADED", `every endpoint of ${repo} ${commit} has ${loadMax} requests`);
}

/** Of equally busy ones any, so that a quiet service does not wear out its first endpoint. */
function leastBusy(situation: Situation, targets: readonly Target[]): Target | undefined {
  const loads = targets.map(({ address }) => situation.loadOf(address));
  const least = Math.min(...loads);
  const tied = targets.filter((_, index) => loads[index] === least);
  return tied[Math.floor(situation.fraction() * tied.length)];
}

function refuseEmpty(repo: string, variants: readonly Variant[]): Refusal {
  const reasons = variants.map(({ share, reason }) => `${shortCommit(share.commit)}: ${reason}`);
  return refuse("NO_ENDPOINT", `no endpoint for ${repo} ${reasons.join("; ")}`);
}

function refuse(code: ErrorCode, message: string): Refusal {
  return { kind: "refuse", code, message };
}
