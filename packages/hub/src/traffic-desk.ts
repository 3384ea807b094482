/** Where visitors go: promote and split, written to the ledger, in the order of a switch. */
import {
  assert,
  PropagitError,
  shortCommit,
  type Params,
  type Route,
  type Share,
} from "@propagit/protocol";
import { Draft } from "./core/draft.js";
import { placeName } from "./core/place-name.js";
import type { StepMark } from "./core/step-edits.js";
import { sendVisitors } from "./core/route-edits.js";
import { placeKey, type ReleaseRow } from "./core/rows.js";
import { checkShares, formatShares, isSameRoute } from "./core/shares.js";
import { readyDeployment, resolveDeployed, type Deployed } from "./deployed.js";
import type { Ledger } from "./ledger.js";
import type { Switchboard } from "./switch.js";
import type { HubWorld } from "./world.js";

interface WantedShare {
  readonly to: Deployed;
  readonly weight: number;
}

/** A share with the release that it leads to. */
interface FoundShare {
  readonly share: Share;
  readonly release: ReleaseRow;
}

export class TrafficDesk {
  readonly #world: HubWorld;
  readonly #ledger: Ledger;
  readonly #switchboard: Pick<Switchboard, "move" | "applied">;

  constructor(world: HubWorld, ledger: Ledger, switchboard: Pick<Switchboard, "move" | "applied">) {
    this.#world = world;
    this.#ledger = ledger;
    this.#switchboard = switchboard;
  }

  /**
   * Undefined when a former life of the hub has written it: where visitors go by now is another matter.
   *
   * @throws NOT_DEPLOYED, NO_REPO, NO_COMMIT, NO_RELEASE, AMBIGUOUS, DATA_UNUSABLE
   */
  async promote(
    { repo, ref, environment, by }: Params<"hub.promote">,
    { written, mark }: StepMark = {},
  ): Promise<Route | undefined> {
    if (written) return this.#switchboard.applied().then(() => undefined);
    const to = await resolveDeployed(this.#world, this.#ledger, { repo, environment, ref });
    return this.#send([{ to, weight: 1 }], by, mark);
  }

  /** As `promote`. @throws BAD_WEIGHT as well */
  async split(
    { repo, shares, environment, by }: Params<"hub.split">,
    { written, mark }: StepMark = {},
  ): Promise<Route | undefined> {
    if (written) return this.#switchboard.applied().then(() => undefined);
    const wanted: WantedShare[] = [];
    for (const { ref, weight } of shares) {
      const to = await resolveDeployed(this.#world, this.#ledger, { repo, environment, ref });
      wanted.push({ to, weight });
    }
    checkShares(wanted.map(({ to, weight }) => shareOf(to, to.deployment, weight)));
    return this.#send(wanted, by, mark);
  }

  /** Proxies see what is to get visitors before it does; what it is, is found anew when the ledger's turn comes. */
  async #send(
    wanted: readonly WantedShare[],
    by: string | undefined,
    mark: StepMark["mark"],
  ): Promise<Route> {
    const found = wanted.map((one) => this.#find(one).share.deployment ?? "");
    let route: Route | undefined;
    await this.#switchboard.move(found, async () => {
      route = await this.#write(wanted, by, mark);
    });
    assert(route, "a move that did not fail was written");
    return route;
  }

  async #write(
    wanted: readonly WantedShare[],
    by: string | undefined,
    mark: StepMark["mark"],
  ): Promise<Route> {
    const [first] = wanted;
    if (!first) throw new PropagitError("BAD_WEIGHT", "a split needs a share");
    const { repo, environment } = first.to;
    const key = placeKey(repo, environment);
    await this.#ledger.change(() => {
      const found = wanted.map((one) => this.#find(one));
      checkShares(found.map(({ share }) => share));
      const draft = new Draft(this.#ledger);
      const [heaviest] = [...found].sort((left, right) => right.share.weight - left.share.weight);
      if (!heaviest) return undefined;
      sendVisitors(draft, {
        repo,
        environment,
        shares: found.map(({ share }) => share),
        live: heaviest.release.number,
        now: this.#world.clock.now(),
      });
      const route = draft.rows("routes").get(key);
      const isSame = route && isSameRoute(this.#ledger.rows("routes").get(key), route);
      const written = isSame ? new Draft(this.#ledger) : draft;
      mark?.(written);
      if (!isSame) written.note(eventOf(found, by));
      return written.changeIfAny;
    });
    const route = this.#ledger.rows("routes").get(key);
    if (route) return route;
    throw new PropagitError("CHANGED_MEANWHILE", `${placeName(first.to)} was stopped meanwhile`);
  }

  #find({ to, weight }: WantedShare): FoundShare {
    const { row, release } = readyDeployment(this.#ledger, to);
    return { share: shareOf(to, row.id, weight), release };
  }
}

function shareOf({ commit }: Deployed, deployment: string | undefined, weight: number): Share {
  return { commit, weight, ...(deployment !== undefined && { deployment }) };
}

function eventOf(found: readonly FoundShare[], by: string | undefined) {
  const [only] = found;
  const author = by === undefined ? {} : { by };
  if (!only) throw new PropagitError("BAD_WEIGHT", "a split needs a share");
  const { repo, environment, commit, number } = only.release;
  const place = { repo, environment, ...author };
  if (found.length > 1) {
    const shares = formatShares(found.map(({ share }) => share));
    const text = `visitors of ${placeName(only.release)} are split: ${shares}`;
    return { kind: "split", ...place, text } as const;
  }
  const text = `visitors of ${placeName(only.release)} go to release ${number} (${shortCommit(commit)})`;
  return { kind: "promoted", ...place, commit, release: number, text } as const;
}
