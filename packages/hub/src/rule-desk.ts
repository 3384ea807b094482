/**
 * What people say by hand about traffic: rules, host names, users. Each change is one transaction together
 * with its event and the route that it makes, and is answered when every live proxy goes by it.
 */
import {
  environmentDefault,
  parseRepoName,
  PropagitError,
  sendPieces,
  type Params,
  type Result,
  type RouteView,
} from "@propagit/protocol";
import type { IncomingCall } from "@propagit/runtime";
import { Draft } from "./core/draft.js";
import { checkEnvironment } from "./core/environment-name.js";
import { placeName } from "./core/place-name.js";
import { placesWithRoutes, viewOf } from "./core/route-view.js";
import { placeKey, type LedgerChange, type NewEvent, type SaidRow } from "./core/rows.js";
import {
  addUser,
  changeHosts,
  changeRules,
  describeChange,
  hostsLeft,
  isSaidBefore,
  removeUser,
  type RuleChange,
  type Said,
} from "./core/rule-edits.js";
import { flagOf } from "./core/rollout-lines.js";
import { placeOfHost, saidOf, writeSaid, type RoutePlace } from "./core/said.js";
import { checkRepo } from "./deployed.js";
import type { Ledger } from "./ledger.js";
import type { Switchboard } from "./switch.js";
import type { HubWorld } from "./world.js";

/** What is said now, and what happened with it. */
export type SaidChange = {
  readonly row: SaidRow;
  readonly event: Omit<NewEvent, "repo" | "environment">;
};

type Asked = { readonly repo: string; readonly environment?: string; readonly by?: string };

interface RuleCall {
  /** A former life of the hub began it, and may have done it. */
  readonly isAgain?: boolean;
}

export class RuleDesk {
  readonly #world: Pick<HubWorld, "clock" | "repositories">;
  readonly #ledger: Ledger;
  readonly #switchboard: Pick<Switchboard, "applied">;

  constructor(
    world: Pick<HubWorld, "clock" | "repositories">,
    ledger: Ledger,
    switchboard: Pick<Switchboard, "applied">,
  ) {
    this.#world = world;
    this.#ledger = ledger;
    this.#switchboard = switchboard;
  }

  /** @throws BAD_NAME, NO_REPO, NOT_DEPLOYED */
  async route(
    { repo, environment }: Params<"hub.route">,
    { part }: IncomingCall<"hub.route">,
  ): Promise<Result<"hub.route">> {
    const name = repo === undefined ? undefined : parseRepoName(repo);
    await checkAsked(this.#world, this.#ledger, {
      ...(name !== undefined && { repo: name }),
      ...(environment !== undefined && { environment }),
    });
    const places = placesWithRoutes(this.#ledger)
      .filter((place) => name === undefined || place.repo === name)
      .filter((place) => environment === undefined || place.environment === environment);
    return {
      routes: sendPieces(
        places.map((place) => viewOf(this.#ledger, place)),
        part,
      ),
    };
  }

  /** @throws BAD_RULE, BAD_NAME, NO_REPO, NOT_DEPLOYED */
  rules(
    { set, off, unset, ...asked }: Params<"hub.rules">,
    { isAgain = false }: RuleCall = {},
  ): Promise<RouteView> {
    const change = { set, off, unset };
    return this.#change(asked, (row, said) => {
      const changed = changeRules(row, change, said);
      const after = isAgain && isSaidBefore(row, changed) ? row : changed;
      return { row: after, event: eventOf(row, after, change) };
    });
  }

  /** @throws BAD_RULE, HOST_TAKEN, NO_RULE, NO_SERVICE, BAD_NAME, NO_REPO, NOT_DEPLOYED */
  host(
    { add, remove, ...asked }: Params<"hub.host">,
    { isAgain = false }: RuleCall = {},
  ): Promise<RouteView> {
    return this.#change(asked, (row, said) => {
      const wanted = { ...(add && { add }), ...(remove && { remove }) };
      const change = isAgain ? hostsLeft(row, wanted) : wanted;
      const changed = changeHosts(this.#ledger, row, { change, said });
      const after = isAgain && isSaidBefore(row, changed) ? row : changed;
      const parts = [
        ...(remove ? [`${placeOfHost(remove)} no longer leads to ${placeName(row)}`] : []),
        ...(add ? [`${placeOfHost(add)} leads to ${placeName(row)}`] : []),
      ];
      return {
        row: after,
        event: { kind: "rules-changed", text: parts.join(", ") },
      };
    });
  }

  /** @throws BAD_RULE, NO_RULE, BAD_NAME, NO_REPO, NOT_DEPLOYED */
  access(
    { add, remove, ...asked }: Params<"hub.access">,
    { isAgain = false }: { readonly isAgain?: boolean } = {},
  ): Promise<RouteView> {
    return this.#change(asked, (row, said) => {
      const isThere = row.rules.users?.some(({ name }) => name === remove) ?? false;
      const isGone = remove === undefined || (isAgain && !isThere);
      const left = isGone ? row : removeUser(row, remove, said);
      const after = add ? addUser(left, add, said) : left;
      const parts = [
        ...(remove === undefined ? [] : [`${remove} has no access to ${placeName(row)} any more`]),
        ...(add ? [`${add.name} has access to ${placeName(row)}`] : []),
      ];
      return {
        row: after,
        event: { kind: "rules-changed", text: parts.join(", ") },
      };
    });
  }

  async #change(
    asked: Asked,
    decide: (row: SaidRow, said: Said) => SaidChange,
  ): Promise<RouteView> {
    const place = await checkPlace(this.#world, this.#ledger, asked);
    const said = { by: asked.by ?? "somebody", since: this.#world.clock.now() };
    await this.#ledger.change(() => writeChange(this.#ledger, place, said, decide));
    await this.#switchboard.applied();
    return viewOf(this.#ledger, place);
  }
}

function eventOf(before: SaidRow, after: SaidRow, change: RuleChange): SaidChange["event"] {
  const where = placeName(before);
  if (change.set.pause) return { kind: "paused", text: `${where} is paused` };
  if (before.rules.pause && !after.rules.pause) {
    return { kind: "resumed", text: `${where} is resumed` };
  }
  return {
    kind: "rules-changed",
    text: `rules of ${where} are changed: ${describeChange(change)}`,
  };
}

/** A change of what is said, as the ledger takes it; undefined when it was so already. */
export function writeChange(
  ledger: Ledger,
  place: RoutePlace,
  said: Said,
  decide: (row: SaidRow, said: Said) => SaidChange,
): LedgerChange | undefined {
  const before = saidOf(ledger, place);
  const { row, event } = decide(before, said);
  if (JSON.stringify(row) === JSON.stringify(before)) return undefined;
  const draft = new Draft(ledger);
  writeSaid(draft, row, said.since);
  const text = event.text.slice(0, 2_000);
  draft.note({ ...event, text, repo: place.repo, environment: place.environment, by: said.by });
  return draft.change;
}

/**
 * Production may be spoken of before its first release, as a preview that needs a password from the start;
 * any other environment that has none was probably mistyped.
 *
 * @throws BAD_NAME, NO_REPO, NOT_DEPLOYED
 */
export async function checkPlace(
  world: Pick<HubWorld, "repositories">,
  ledger: Ledger,
  { repo, environment = environmentDefault }: Asked,
): Promise<RoutePlace & { readonly repo: ReturnType<typeof parseRepoName> }> {
  const name = parseRepoName(repo);
  await checkRepo(world, ledger, name);
  checkEnvironment(environment);
  const rows = ledger.rows("environments");
  if (environment === environmentDefault || rows.has(placeKey(name, environment))) {
    return { repo: name, environment };
  }
  const known = [...rows.values()].filter((row) => row.repo === name).map((row) => row.environment);
  const has =
    known.length === 0 ? "nothing of it is deployed" : `it has ${known.toSorted().join(", ")}`;
  throw new PropagitError("NOT_DEPLOYED", `${name} has no environment ${environment}; ${has}`, {
    hint: `deploy to it first: propagit deploy ${name} COMMIT${flagOf(environment)}`,
  });
}

/** Of a question that may be about all of them. @throws BAD_NAME, NO_REPO, NOT_DEPLOYED */
export async function checkAsked(
  world: Pick<HubWorld, "repositories">,
  ledger: Ledger,
  { repo, environment }: Partial<Asked>,
): Promise<void> {
  if (repo !== undefined) {
    await checkPlace(world, ledger, { repo, ...(environment !== undefined && { environment }) });
  } else if (environment !== undefined) checkAnyPlace(ledger, environment);
}

/**
 * As `checkPlace`, when no repository is named.
 *
 * @throws BAD_NAME, NOT_DEPLOYED
 */
export function checkAnyPlace(ledger: Ledger, environment: string): void {
  checkEnvironment(environment);
  const rows = [...ledger.rows("environments").values()];
  const known = new Set([environmentDefault, ...rows.map((row) => row.environment)]);
  if (known.has(environment)) return;
  const has =
    rows.length === 0 ? "nothing is deployed" : `there are ${[...known].sort().join(", ")}`;
  throw new PropagitError(
    "NOT_DEPLOYED",
    `no repository has an environment ${environment}; ${has}`,
    {
      hint: `deploy to it first: propagit deploy REPO COMMIT${flagOf(environment)}`,
    },
  );
}
