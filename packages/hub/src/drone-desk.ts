/** Drones as people see and label them: `hub.drones` and `hub.label`. */
import {
  parseLabel,
  PropagitError,
  quote,
  sendPieces,
  type Params,
  type Result,
} from "@propagit/protocol";
import type { IncomingCall } from "@propagit/runtime";
import { chooseDrones } from "./core/drone-target.js";
import { labelsOf } from "./core/membership.js";
import type { DroneRow, LedgerChange } from "./core/rows.js";
import { askStats } from "./drone-stats.js";
import { byName, droneSummary } from "./fleet-view.js";
import type { Fleet } from "./fleet.js";
import type { Ledger } from "./ledger.js";
import type { RelayDesk } from "./relay-desk.js";

/** As many as a drone may be started with. */
const labelsMax = 32;

export class DroneDesk {
  readonly #ledger: Ledger;
  readonly #fleet: Fleet;

  readonly #relays: Pick<RelayDesk, "through">;

  constructor(ledger: Ledger, fleet: Fleet, relays: Pick<RelayDesk, "through">) {
    this.#ledger = ledger;
    this.#fleet = fleet;
    this.#relays = relays;
  }

  /** @throws NO_PLACE, BAD_PATTERN */
  async drones(
    { target, machine = false }: Params<"hub.drones">,
    { part }: IncomingCall<"hub.drones">,
  ): Promise<Result<"hub.drones">> {
    const members = chooseDrones(target, byName(this.#fleet.members));
    const stats = machine ? await askStats(this.#fleet, members) : undefined;
    const rows = this.#ledger.rows("drones");
    const drones = members.flatMap((member) => {
      const row = rows.get(member.identity);
      const { machine } = stats?.get(member.identity) ?? {};
      const relay = this.#relays.through(member.identity);
      const through = relay === undefined ? undefined : this.#fleet.nameOf(relay);
      return row ? [droneSummary(row, member, { machine, through })] : [];
    });
    return { drones: sendPieces(drones, part) };
  }

  /**
   * Placement follows by itself, since it looks at the ledger's rows.
   *
   * @throws BAD_NAME, NO_DRONE, DATA_UNUSABLE
   */
  async label(params: Params<"hub.label">): Promise<Result<"hub.label">> {
    for (const [key, value] of Object.entries(params.set)) parseLabel(`${key}=${value}`);
    const { identity } = this.#rowOf(params.drone);
    await this.#ledger.change(() => {
      const row = this.#ledger.rows("drones").get(identity);
      return row && relabel(row, params);
    });
    return { labels: { ...labelsOf(this.#rowOf(params.drone)) } };
  }

  #rowOf(name: string): DroneRow {
    const rows = [...this.#ledger.rows("drones").values()];
    const row = rows.find((one) => one.name === name);
    if (row) return row;
    throw new PropagitError("NO_DRONE", `no drone is called ${quote(name)}`, {
      hint: "see them with `propagit drones`",
    });
  }
}

/** @throws BAD_NAME */
function relabel(row: DroneRow, { set, unset, by }: Params<"hub.label">): LedgerChange | undefined {
  const before = row.relabelled ?? { set: {}, unset: [] };
  const kept = Object.entries(before.set).filter(([key]) => !unset.includes(key));
  const changed = { ...Object.fromEntries(kept), ...set };
  const removed = [...new Set([...before.unset, ...unset])].filter(
    (key) => !Object.hasOwn(set, key),
  );
  const after: DroneRow = { ...row, relabelled: { set: changed, unset: removed } };
  const labels = labelsOf(after);
  if (Object.keys(labels).length > labelsMax || removed.length > labelsMax) {
    throw new PropagitError("BAD_NAME", `a drone has at most ${labelsMax} labels`);
  }
  if (isSame(labelsOf(row), labels)) return undefined;
  const text = `${row.name} has the labels ${describe(labels)}`;
  return {
    edits: [{ table: "drones", key: row.identity, row: after }],
    events: [{ kind: "labelled", drone: row.name, ...(by !== undefined && { by }), text }],
  };
}

function isSame(left: Readonly<Record<string, string>>, right: Readonly<Record<string, string>>) {
  return describe(left) === describe(right);
}

function describe(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? "none" : pairs.sort((a, b) => (a < b ? -1 : 1)).join(", ");
}
