/** Drones as people see and label them: `hub.drones` and `hub.label`. */
import { sendPieces, type Params, type Result } from "@propagit/protocol";
import type { IncomingCall } from "@propagit/runtime";
import { describeLabels, rowCalled, relabelled } from "./core/drone-labels.js";
import { chooseDrones } from "./core/drone-target.js";
import { labelsOf } from "./core/membership.js";
import type { DroneRow, LedgerChange } from "./core/rows.js";
import { askStats } from "./drone-stats.js";
import { byName, droneSummary } from "./fleet-view.js";
import type { Fleet } from "./fleet.js";
import type { Ledger } from "./ledger.js";
import type { RelayDesk } from "./relay-desk.js";

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
    const { identity } = rowCalled(this.#ledger, params.drone);
    await this.#ledger.change(() => {
      const row = this.#ledger.rows("drones").get(identity);
      const after = row && relabelled(row, params);
      return after && changeOf(after, params.by);
    });
    return { labels: { ...labelsOf(rowCalled(this.#ledger, params.drone)) } };
  }
}

function changeOf(row: DroneRow, by: string | undefined): LedgerChange {
  const text = `${row.name} has the labels ${describeLabels(labelsOf(row))}`;
  return {
    edits: [{ table: "drones", key: row.identity, row }],
    events: [{ kind: "labelled", drone: row.name, ...(by !== undefined && { by }), text }],
  };
}
