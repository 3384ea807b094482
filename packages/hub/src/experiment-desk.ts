/**
 * Experiments and shadows. What serves a variant is running and ready when it is named, and is then kept: a
 * route that needs it keeps retention and `stop` away.
 */
import {
  shortCommit,
  type ExperimentVariant,
  type Params,
  type RouteView,
} from "@propagit/protocol";
import { Draft } from "./core/draft.js";
import {
  changeShadow,
  hasExperiment,
  newExperiment,
  startExperiment,
  stopExperiment,
  winnerOf,
  type Winner,
} from "./core/experiment-edits.js";
import { placeName } from "./core/place-name.js";
import { sendVisitors } from "./core/route-edits.js";
import { viewOf } from "./core/route-view.js";
import type { LedgerChange, SaidRow } from "./core/rows.js";
import type { Said } from "./core/rule-edits.js";
import { saidOf, writeSaid, type RoutePlace } from "./core/said.js";
import { readyDeployment, resolveDeployed, type Deployed } from "./deployed.js";
import type { Ledger } from "./ledger.js";
import { checkPlace, writeChange, type SaidChange } from "./rule-desk.js";
import type { Switchboard } from "./switch.js";
import type { HubWorld } from "./world.js";

export class ExperimentDesk {
  readonly #world: HubWorld;
  readonly #ledger: Ledger;
  readonly #switchboard: Pick<Switchboard, "move" | "applied">;

  constructor(world: HubWorld, ledger: Ledger, switchboard: Pick<Switchboard, "move" | "applied">) {
    this.#world = world;
    this.#ledger = ledger;
    this.#switchboard = switchboard;
  }

  /** @throws EXISTS, BAD_RULE, NOT_DEPLOYED, NOT_SEEN, NO_REPO, NO_COMMIT, NO_RELEASE, AMBIGUOUS */
  async start({
    name,
    variants,
    rules,
    audience,
    ...asked
  }: Params<"hub.experiment-start">): Promise<RouteView> {
    const place = await checkPlace(this.#world, this.#ledger, asked);
    const wanted: { readonly variant: ExperimentVariant; readonly to: Deployed | undefined }[] = [];
    for (const { ref, ...variant } of variants) {
      const to = ref === undefined ? undefined : await this.#resolve(place, ref);
      wanted.push({ variant, to });
    }
    const find = () =>
      wanted.map(({ variant, to }) => (to ? { ...variant, ...this.#served(to) } : variant));
    const decide = (row: SaidRow, said: Said): SaidChange => {
      const experiment = newExperiment({ name, rules, audience }, find());
      const after = startExperiment(row, experiment, said);
      const text = `experiment ${name} of ${placeName(row)} begins: ${formatVariants(experiment.variants)}`;
      return { row: after, event: { kind: "experiment-started", text } };
    };
    const said = this.#said(asked.by);
    // What cannot be is refused before any proxy is asked.
    decide(saidOf(this.#ledger, place), said);
    const served = find().flatMap(({ deployment }) => deployment ?? []);
    await this.#move(served, () => writeChange(this.#ledger, place, said, decide));
    return viewOf(this.#ledger, place);
  }

  /**
   * @param call.isAgain a former life of the hub began it: then it may be over
   * @throws NO_RULE, BAD_RULE, NOT_SEEN, NO_REPO, BAD_NAME
   */
  async stop(
    { name, promote, ...asked }: Params<"hub.experiment-stop">,
    { isAgain }: { readonly isAgain: boolean },
  ): Promise<RouteView> {
    const place = await checkPlace(this.#world, this.#ledger, asked);
    const now = () => saidOf(this.#ledger, place);
    if (isAgain && !hasExperiment(now(), name)) return viewOf(this.#ledger, place);
    const said = this.#said(asked.by);
    const winner = () =>
      promote === undefined ? undefined : winnerOf(this.#ledger, now(), name, promote);
    const to = winner();
    await this.#move(to ? [to.deployment] : [], () => {
      const draft = new Draft(this.#ledger);
      const row = now();
      const served = winner();
      writeSaid(draft, stopExperiment(row, name), said.since);
      if (served) promoteWinner(draft, place, served, said);
      const outcome = served
        ? `: ${promote} (${shortCommit(served.commit)}) gets all visitors`
        : "";
      const text = `experiment ${name} of ${placeName(row)} ends${outcome}`;
      draft.note({ kind: "experiment-stopped", ...place, by: said.by, text });
      return draft.change;
    });
    return viewOf(this.#ledger, place);
  }

  /** @throws NO_RULE, NOT_DEPLOYED, NOT_SEEN, NO_REPO, NO_COMMIT, NO_RELEASE, AMBIGUOUS */
  async shadow({ to, ...asked }: Params<"hub.shadow">): Promise<RouteView> {
    const place = await checkPlace(this.#world, this.#ledger, asked);
    const said = this.#said(asked.by);
    const target = to && (await this.#resolve(place, to.ref));
    const served = () => target && this.#served(target);
    const first = served();
    await this.#move(first ? [first.deployment] : [], () =>
      writeChange(this.#ledger, place, said, (row) => {
        const where = placeName(row);
        const found = served();
        if (!to || !found) {
          const text = `requests of ${where} are no longer copied`;
          const event = { kind: "shadow-stopped", text } as const;
          return { row: changeShadow(row, undefined, said), event };
        }
        const { percent } = to;
        const text = `${percent} % of the requests of ${where} are copied to ${shortCommit(found.commit)}`;
        const event = { kind: "shadow-started", text } as const;
        return { row: changeShadow(row, { ...found, percent }, said), event };
      }),
    );
    return viewOf(this.#ledger, place);
  }

  #resolve({ repo, environment }: RoutePlace, ref: string): Promise<Deployed> {
    return resolveDeployed(this.#world, this.#ledger, { repo, environment, ref });
  }

  #served(to: Deployed): { readonly commit: string; readonly deployment: string } {
    const { row } = readyDeployment(this.#ledger, to);
    return { commit: row.commit, deployment: row.id };
  }

  async #move(
    deployments: readonly string[],
    decide: () => LedgerChange | undefined,
  ): Promise<void> {
    await this.#switchboard.move(deployments, () => this.#ledger.change(decide));
  }

  #said(by = "somebody"): Said {
    return { by, since: this.#world.clock.now() };
  }
}

function promoteWinner(
  draft: Draft,
  { repo, environment }: RoutePlace,
  { commit, deployment, release }: Winner,
  { since: now }: Said,
): void {
  const shares = [{ commit, deployment, weight: 1 }];
  sendVisitors(draft, { repo, environment, shares, live: release, now });
}

/** `a 50, b 50 (40548da)` */
function formatVariants(variants: readonly ExperimentVariant[]): string {
  return variants
    .map(
      ({ name, weight, commit }) => `${name} ${weight}${commit ? ` (${shortCommit(commit)})` : ""}`,
    )
    .join(", ");
}
