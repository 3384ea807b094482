/** Rollouts by steps as users ask for them: begun, looked on at, changed by hand. */
import {
  environmentDefault,
  parseRepoName,
  PropagitError,
  sendPieces,
  type Canary,
  type CanaryProgress,
  type Params,
  type Result,
} from "@propagit/protocol";
import type { Handlers, IncomingCall } from "@propagit/runtime";
import type { Canaries } from "./canaries.js";
import { isCanaryChanged, type WantedCanaryChange } from "./core/canary-change.js";
import { beginCanary } from "./core/canary-edits.js";
import { canaryOf, type CanaryRow } from "./core/canary-row.js";
import { nameOfCanary } from "./core/canary.js";
import { plannedCanary } from "./core/canary-start.js";
import { Draft } from "./core/draft.js";
import { placeName, type NamedPlace } from "./core/place-name.js";
import { placeKey, releaseKey, type ReleaseRow } from "./core/rows.js";
import { flagOf } from "./core/rollout-lines.js";
import type { RoutePlace } from "./core/said.js";
import { readyReleaseOf, resolveDeployed, type Deployed } from "./deployed.js";
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
    "hub.canary": (params, call) => desk.status(params, call),
    "hub.canaries": (params, call) => desk.list(params, call),
  };
}

type CanaryAsked = Omit<Params<"hub.canary-start">, "detach">;

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
   * Begins one, which goes on by itself.
   *
   * @throws BAD_USAGE, NO_ROLLOUT when it has all visitors already, ROLLOUT_RUNNING when it is under way in
   *   another manner, and what a deploy throws
   */
  async start(
    { repo, environment = environmentDefault, ref, plan, by = "somebody" }: CanaryAsked,
    call: Onlooker,
  ): Promise<Canary> {
    const { world, ledger } = this.#parts;
    const to = await resolveDeployed(world, ledger, { repo, environment, ref });
    const release = readyReleaseOf(ledger, to) ?? (await this.#deploy(to, by, call));
    await ledger.change(() => {
      const { plan: whole, isGoing } = plannedCanary(ledger, release, plan);
      // Asked once more, as its hub was lost meanwhile.
      if (isGoing) return undefined;
      const draft = new Draft(ledger);
      beginCanary(draft, { release, plan: whole, by, now: world.clock.now() });
      return draft.change;
    });
    return canaryOf(this.#find({ repo: to.repo, environment }));
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

  /** The one that was begun there just now, until it is over. */
  async follow(place: NamedPlace, call: Onlooker): Promise<Canary> {
    const row = this.#find(place);
    return row.phase === "over" ? canaryOf(row) : this.#follow(row, call);
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

  /**
   * @param release whose rollout is meant; absent: whichever is under way
   * @param call.isAgain a former life of the hub began it: then it may be made already
   * @throws BAD_NAME, NO_REPO, NOT_DEPLOYED, NO_ROLLOUT
   */
  async change(
    {
      repo,
      environment = environmentDefault,
      change,
      release,
      by = "somebody",
    }: Params<"hub.canary-change"> & WantedCanaryChange,
    { isAgain }: { readonly isAgain: boolean },
  ): Promise<Canary> {
    const place = { repo: parseRepoName(repo), environment };
    const { canaries } = this.#parts;
    await this.#check(place);
    const row = canaries.find(place.repo, environment);
    const wanted = { change, release };
    if (isAgain && row && isCanaryChanged(row, wanted)) return canaryOf(row);
    return canaryOf(await canaries.change(place, { ...wanted, by }));
  }

  /** As `deploy --no-promote` does: what becomes of it is seen by the machine. */
  async #deploy(
    { repo, environment, commit }: Deployed,
    by: string,
    { part, signal }: Onlooker,
  ): Promise<ReleaseRow> {
    const params = { repo, environment, ref: commit, by, promote: false, detach: true };
    const onPart: IncomingCall<"hub.deploy">["part"] = (progress) => {
      if (progress.kind === "note") part({ kind: "release", progress });
    };
    const { release } = await this.#parts.releases.deploy(params, { signal, part: onPart });
    const row = this.#parts.ledger.rows("releases").get(releaseKey(repo, environment, release));
    if (row) return row;
    throw new PropagitError("NO_RELEASE", `release ${release} of ${repo} was removed meanwhile`);
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

function replaced(last: CanaryRow, { release, commit, startedAt }: CanaryRow): CanaryRow {
  const reason = `${nameOfCanary({ release, commit })} took its place`;
  return {
    ...last,
    phase: "over",
    text: reason,
    end: { outcome: "ended", reason, at: startedAt },
  };
}
