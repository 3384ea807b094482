/**
 * What drones need to know of a deployment to run it: given only to those that were assigned it, or got a
 * task or a command of it, with the config hidden under the key of their session.
 */
import {
  assert,
  PropagitError,
  type Crypto,
  type Params,
  type Result,
  type Service,
  type Variables,
} from "@propagit/protocol";
import type { IncomingCall } from "@propagit/runtime";
import type { Assignments } from "./assignments.js";
import { releasesOf } from "./core/deployment-edits.js";
import { deploymentIdOf } from "./core/deployment-id.js";
import { changed } from "./core/draft.js";
import type { DeploymentRow, SettingRows } from "./core/rows.js";
import type { Fleet } from "./fleet.js";
import type { Ledger } from "./ledger.js";
import type { HubWorld } from "./world.js";

export class Specifications {
  readonly #world: HubWorld;
  readonly #ledger: Ledger;
  readonly #fleet: Fleet;
  readonly #assignments: Assignments;

  constructor(world: HubWorld, ledger: Ledger, fleet: Fleet, assignments: Assignments) {
    this.#world = world;
    this.#ledger = ledger;
    this.#fleet = fleet;
    this.#assignments = assignments;
  }

  /** @throws BAD_FRAME when it is no drone that asks, DENIED, NOT_DEPLOYED, DATA_UNUSABLE */
  tell(
    { id }: Params<"hub.specification">,
    { conversation }: Pick<IncomingCall<"hub.specification">, "conversation">,
  ): Result<"hub.specification"> {
    const identity = this.#fleet.identityOf(conversation);
    const isAssigned = this.#assignments.wantedOf(id, identity).size > 0;
    if (!isAssigned && !this.#fleet.isEntrusted(identity, id)) {
      const name = this.#fleet.nameOf(identity);
      throw new PropagitError("DENIED", `drone ${name} has nothing to do with deployment ${id}`);
    }
    const found = this.#find(id);
    if (!found) throw new PropagitError("NOT_DEPLOYED", `there is no deployment ${id} any more`);
    const { services, build, test, release } = found.specification;
    const spawned = [...this.#ledger.rows("spawned").values()]
      .filter(({ deployment }) => deployment === id)
      .map(({ service }) => service);
    const { crypto, settingsKey } = this.#world;
    const config = JSON.stringify(openSettings(crypto, settingsKey, found.settings));
    assert(conversation.peer, "a drone that joined is proven");
    return {
      services: [...services.map(withoutMinUp), ...spawned],
      ...(build && { build }),
      ...(test && { test }),
      ...(release && { release }),
      config: crypto.encrypt(conversation.peer.sessionKey, config),
    };
  }

  /** Of what runs, or of a release that is kept. */
  #find(id: string): Pick<DeploymentRow, "specification" | "settings"> | undefined {
    return this.#ledger.rows("deployments").get(id) ?? releasesOf(this.#ledger, id).at(-1);
  }
}

/** How many of it stay up is no business of drones: those of a former version know no such word. */
function withoutMinUp(service: Service): Service {
  return changed<Service>(service, { minUp: undefined });
}

/** What a release is to run: the same is the same. @throws DATA_UNUSABLE when settings cannot be read */
export function deploymentIdFor(
  { crypto, settingsKey }: Pick<HubWorld, "crypto" | "settingsKey">,
  {
    repo,
    environment,
    commit,
    specification,
    settings,
  }: Pick<DeploymentRow, "repo" | "environment" | "commit" | "specification" | "settings">,
): string {
  const variables = openSettings(crypto, settingsKey, settings);
  const content = { repo, environment, commit, specification, variables };
  return deploymentIdOf(crypto, settingsKey, content);
}

/** Settings in clear. @throws DATA_UNUSABLE when they were hidden under another key */
function openSettings(
  crypto: Pick<Crypto, "decrypt">,
  key: string,
  settings: SettingRows,
): Variables {
  return Object.fromEntries(
    Object.entries(settings).map(([name, { hidden }]) => {
      const value = crypto.decrypt(key, hidden);
      if (value !== undefined) return [name, value];
      throw new PropagitError(
        "DATA_UNUSABLE",
        `the setting ${name} was hidden under another key than the one in the hub's data folder`,
      );
    }),
  );
}
