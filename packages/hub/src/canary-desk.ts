/** Rollouts by steps as users ask for them: begun, looked on at, changed by hand. */
import {
  canaryPlanDefault,
  environmentDefault,
  parseRepoName,
  PropagitError,
  sendPieces,
  toPropagitError,
  whyNoPlan,
  type Canary,
  type CanaryPlan,
  type CanaryProgress,
  type Params,
  type Result,
} from "@propagit/protocol";
import type { Handlers, IncomingCall } from "@propagit/runtime";
import type { Canaries } from "./canaries.js";
import { beginCanary } from "./core/canary-edits.js";
import { canaryOf, type CanaryRow } from "./core/canary-row.js";
import { nameOfCanary } from "./core/canary.js";
import { differencesOf } from "./core/canary-plan-text.js";
import { Draft } from "./core/draft.js";
import { placeName, type NamedPlace } from "./core/place-name.js";
import { placeKey, releaseKey, type ReleaseRow } from "./core/rows.js";
import { flagOf } from "./core/rollout-lines.js";
import type { RoutePlace } from "./core/said.js";
import { leadsTo } from "./core/shares.js";
import { readyDeployment, resolveDeployed, type Deployed } from "./deployed.js";
import type { Ledger } from "./ledger.js";
import type { ReleaseDesk } from "./release-desk.js";
import type { Rollouts } from "./rollouts.js";
import { checkAnyPlace, checkPlace } from "./rule-desk.js";
import type { HubWorld } from "./world.js";

export interface CanaryDeskParts {
  readonly world: HubWorld;
  readonly ledger: Ledger;
  readonly canaries: Canaries;
  readonly releases: Pick<ReleaseDesk, "deploy">;
  readonly rollouts: Pick<Rollouts, "follow">;
}

export function canaryHandlers(desk: CanaryDesk): Handlers {
  return {
    "hub.canary-start": (params, call) => desk.start(params, call),
    "hub.canary": (params, call) => desk.status(params, call),
    "hub.canaries": (params, call) => desk.list(params, call),
    "hub.canary-change": (params) => desk.change(params),
  };
}

/** Whoever looks on. */
interface Onlooker {
  readonly part: (progress: CanaryProgress) => void;
  readonly signal: AbortSignal;
}

export class CanaryDesk {
  readonly #parts: CanaryDeskParts;

  constructor(parts: CanaryDeskParts) {
    this.#parts = parts;
  }

  /**
   * @throws BAD_USAGE, NO_ROLLOUT when it has all visitors already, ROLLOUT_RUNNING when it is under way in
   *   another manner, and what a deploy throws
   */
  async start(
    { ref, plan, detach = false, ...asked }: Params<"hub.canary-start">,
    call: IncomingCall<"hub.canary-start">,
  ): Promise<Canary> {
    const { repo, environment = environmentDefault, by = "somebody" } = asked;
    const { world, ledger } = this.#parts;
    const to = await resolveDeployed(world, ledger, { repo, environment, ref });
    const release = readyOf(ledger, to) ?? (await this.#deploy(to, by, call));
    const whole = wholePlan(plan, release);
    this.#refuse(release);
    await ledger.change(() => {
      const former = ledger.rows("canaries").get(placeKey(to.repo, environment));
      // Asked once more, as its hub was lost meanwhile.
      if (former && former.phase !== "over" && former.release === release.number) {
        refuseOther(former, plan);
        return undefined;
      }
      const draft = new Draft(ledger);
      beginCanary(draft, { release, plan: whole, by, now: world.clock.now() });
      return draft.change;
    });
    const row = this.#find({ repo: to.repo, environment });
    return detach ? canaryOf(row) : this.#follow(row, call);
  }

  /** @throws BAD_NAME, NO_REPO, NOT_DEPLOYED, NO_ROLLOUT when there never was one */
  async status(
    { repo, environment = environmentDefault, follow }: Params<"hub.canary">,
    call: IncomingCall<"hub.canary">,
  ): Promise<Canary> {
    const name = parseRepoName(repo);
    await this.#check({ repo: name, environment });
    const row = this.#find({ repo: name, environment });
    return follow && row.phase !== "over" ? this.#follow(row, call) : canaryOf(row);
  }

  /** @throws BAD_NAME, NOT_DEPLOYED when no repository has that environment */
  list(
    { over, environment }: Params<"hub.canaries">,
    { part }: IncomingCall<"hub.canaries">,
  ): Result<"hub.canaries"> {
    const { ledger } = this.#parts;
    if (environment !== undefined) checkAnyPlace(ledger, environment);
    const rows = [...ledger.rows("canaries").values()];
    const canaries = rows
      .filter((row) => environment === undefined || row.environment === environment)
      .map((row) => canaryOf(this.#parts.canaries.find(row.repo, row.environment) ?? row))
      .filter(({ phase }) => over || phase !== "over")
      .toSorted((left, right) => right.startedAt - left.startedAt);
    return { canaries: sendPieces(canaries, part) };
  }

  /** @throws BAD_NAME, NO_REPO, NOT_DEPLOYED, NO_ROLLOUT */
  async change({
    repo,
    environment = environmentDefault,
    change,
    by = "somebody",
  }: Params<"hub.canary-change">): Promise<Canary> {
    const place = { repo: parseRepoName(repo), environment };
    await this.#check(place);
    return canaryOf(await this.#parts.canaries.change(place, change, by));
  }

  /** As `deploy --no-promote` does: what becomes of it is seen by the machine. */
  async #deploy(
    { repo, environment, commit }: Deployed,
    by: string,
    call: IncomingCall<"hub.canary-start">,
  ): Promise<ReleaseRow> {
    const params = { repo, environment, ref: commit, by, promote: false, detach: true };
    const onPart: IncomingCall<"hub.deploy">["part"] = (progress) => {
      if (progress.kind === "note") call.part({ kind: "release", progress });
    };
    const { release } = await this.#parts.releases.deploy(params, { ...call, part: onPart });
    const row = this.#parts.ledger.rows("releases").get(releaseKey(repo, environment, release));
    if (row) return row;
    throw new PropagitError("NO_RELEASE", `release ${release} of ${repo} was removed meanwhile`);
  }

  #refuse(release: ReleaseRow): void {
    const { repo, environment } = release;
    const shares = this.#parts.ledger.rows("routes").get(placeKey(repo, environment))?.shares ?? [];
    if (shares.length === 0 || shares.some((share) => !leadsTo(share, release))) return;
    const what = nameOfCanary({ ...release, release: release.number });
    throw new PropagitError(
      "NO_ROLLOUT",
      `${what} has all visitors of ${placeName(release)} already`,
    );
  }

  /** Whether there is such a place, unless it had a rollout. */
  async #check(place: RoutePlace): Promise<void> {
    const { world, ledger, canaries } = this.#parts;
    if (!canaries.find(place.repo, place.environment)) await checkPlace(world, ledger, place);
  }

  #find(place: NamedPlace): CanaryRow {
    const row = this.#parts.canaries.find(place.repo, place.environment);
    if (row) return row;
    throw new PropagitError("NO_ROLLOUT", `${placeName(place)} has had no rollout by steps yet`, {
      hint: `begin one with \`propagit rollout ${place.repo} COMMIT${flagOf(place.environment)}\``,
    });
  }

  /** Until it is over, or another one has taken its place. */
  #follow(first: CanaryRow, { part, signal }: Onlooker): Promise<Canary> {
    const { canaries, world } = this.#parts;
    const isSame = (row: CanaryRow) =>
      placeKey(row.repo, row.environment) === placeKey(first.repo, first.environment);
    const show = (row: CanaryRow) =>
      part({ kind: "canary", at: world.clock.now(), canary: canaryOf(row) });
    return new Promise((resolve) => {
      let last = first;
      const end = (row: CanaryRow) => {
        listening.stop();
        resolve(canaryOf(row));
      };
      const listening = canaries.listen({
        changed: (row) => {
          if (!isSame(row)) return;
          if (row.startedAt !== first.startedAt) end(replaced(last, row));
          else if (row.phase === "over") end(row);
          else show((last = row));
        },
        noted: (row, text) => {
          // How it ended is the answer.
          if (isSame(row) && row.phase !== "over")
            part({ kind: "note", at: world.clock.now(), text });
        },
      });
      signal.addEventListener("abort", () => end(last), { once: true });
      show(first);
      if (first.phase === "preparing") void this.#showRelease(first, { part, signal });
    });
  }

  /** What its release does, while it is on its way; it is there already when it was ready before. */
  async #showRelease(row: CanaryRow, { part, signal }: Onlooker): Promise<void> {
    const { ledger, rollouts } = this.#parts;
    const { repo, environment, release } = row;
    const name = { repo: parseRepoName(repo), environment, release };
    const state = ledger.rows("releases").get(releaseKey(repo, environment, release))?.state;
    if (state !== "deploying") return;
    const onPart = (progress: Extract<CanaryProgress, { kind: "release" }>["progress"]) =>
      part({ kind: "release", progress });
    // How it ends is the machine's to tell.
    await rollouts.follow(name, { onPart, signal }).catch(() => undefined);
  }
}

/** The newest release of it that is ready; undefined when it is to be deployed first. */
function readyOf(ledger: Ledger, to: Deployed): ReleaseRow | undefined {
  try {
    return readyDeployment(ledger, to).release;
  } catch (thrown) {
    if (toPropagitError(thrown).code === "NOT_DEPLOYED") return undefined;
    throw thrown;
  }
}

/** What is said, else what its manifest says, else what is usual. */
function wholePlan(
  said: Params<"hub.canary-start">["plan"],
  { specification }: ReleaseRow,
): CanaryPlan {
  const plan = { ...canaryPlanDefault, ...specification.rollout, ...said };
  const why = whyNoPlan(plan);
  if (why === undefined) return plan;
  throw new PropagitError("BAD_USAGE", why, { hint: "write it like --steps 5%,25%,50%,100%" });
}

/** @throws ROLLOUT_RUNNING when what is said is not how it is under way; what is not said fits */
function refuseOther(former: CanaryRow, said: Params<"hub.canary-start">["plan"]): void {
  const other = differencesOf(former.plan, said);
  if (other.length === 0) return;
  const flag = flagOf(former.environment);
  throw new PropagitError(
    "ROLLOUT_RUNNING",
    `the rollout of ${nameOfCanary(former)} in ${placeName(former)} is under way with ${other.join(", ")}`,
    {
      hint: `leave these flags out to look on, or first: propagit rollout abort ${former.repo}${flag}`,
    },
  );
}

function replaced(last: CanaryRow, { release, commit, startedAt }: CanaryRow): CanaryRow {
  const reason = `${nameOfCanary({ release, commit })} took its place`;
  return {
    ...last,
    phase: "over",
    text: reason,
    end: { outcome: "ended", reason, at: startedAt },
  };
}
