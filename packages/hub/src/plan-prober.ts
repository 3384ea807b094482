/** Looks at gates of plans by what the hub knows of releases, instances and visitors. */
import type { CodePlace, GateProbe, GateView, HostExecutor, Prober } from "@propagit/plan";
import type { Clock, Random } from "@propagit/runtime";
import type { Assignments } from "./assignments.js";
import { currentRelease } from "./core/deployment-edits.js";
import { ErrorRates } from "./core/error-rates.js";
import { placeName } from "./core/place-name.js";
import { placeKey } from "./core/rows.js";
import { isOf, type TrafficCounts } from "./core/traffic-counts.js";
import type { Fleet } from "./fleet.js";
import type { Ledger } from "./ledger.js";
import { isOnDrone, type PlanDrones } from "./plan-drones.js";

export interface PlanProberParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly ledger: Ledger;
  readonly fleet: Pick<Fleet, "members">;
  readonly counts: Pick<TrafficCounts, "flowOf">;
  readonly assignments: Pick<Assignments, "counts">;
  readonly drones: PlanDrones;
  /** Of this machine. */
  readonly here: Pick<HostExecutor, "look">;
}

type Probe<K extends GateProbe["kind"]> = Extract<GateProbe, { kind: K }>;

const whyChars = 1_000;

export class PlanProber implements Prober {
  readonly #parts: PlanProberParts;
  readonly #rates = new ErrorRates();

  constructor(parts: PlanProberParts) {
    this.#parts = parts;
  }

  async look(gate: GateProbe, signal: AbortSignal, code?: CodePlace): Promise<GateView> {
    const { state, why } = await this.#look(gate, signal, code);
    return { state, why: why.slice(0, whyChars) };
  }

  #look(
    gate: GateProbe,
    signal: AbortSignal,
    code: CodePlace | undefined,
  ): GateView | Promise<GateView> {
    switch (gate.kind) {
      case "http":
        return this.#parts.here.look(gate, signal);
      case "command":
        return this.#byCommand(gate, signal, code);
      case "health":
        return this.#health(gate);
      case "canary":
        return this.#canary(gate);
      case "errors":
        return this.#errors(gate);
      default:
        return gate satisfies never;
    }
  }

  /** By the exit code of the last program that it ran; one that ran none and failed says nothing. */
  async #byCommand(
    gate: Probe<"command">,
    signal: AbortSignal,
    place: CodePlace | undefined,
  ): Promise<GateView> {
    const { task, exit } = gate;
    const { drones, here, random } = this.#parts;
    if (!isOnDrone(task)) return here.look(gate, signal, place);
    const key = `look/${random.hex(20)}`;
    const order = { task, key, ...(place && { code: place }), look: true };
    const end = await drones.run(order, { signal, onOutput: () => undefined });
    const isFailed = end.outcome === "failed";
    const code = end.exit ?? (isFailed ? undefined : 0);
    const how = code === undefined ? "failed" : `ended with ${code}`;
    const said = isFailed && end.reason !== undefined ? `: ${end.reason}` : "";
    const why = `${task.command} on ${task.where.drone} ${how}${said}`;
    return { state: code === exit && !signal.aborted ? "open" : "shut", why };
  }

  #health({ repo, environment, service, readyPercent }: Probe<"health">): GateView {
    const { ledger, fleet } = this.#parts;
    const place = placeName({ repo, environment });
    const release = currentRelease(ledger, repo, environment);
    if (!release) return { state: "shut", why: `nothing of ${place} is live` };
    const reports = fleet.members.flatMap(({ contact, instances }) =>
      [...instances.values()]
        .filter(({ deployment, phase }) => deployment === release.deployment && phase !== "stopped")
        .filter((report) => service === undefined || report.service === service)
        .map(
          ({ phase, health }) =>
            contact === "connected" && phase === "ready" && health !== "failing",
        ),
    );
    const ready = reports.filter((isReady) => isReady).length;
    // What should be there and is known to nobody counts as not ready, too.
    const wanted = this.#wanted(release.deployment, service);
    const all = Math.max(wanted, reports.length);
    const isOpen = all > 0 && ready * 100 >= readyPercent * all;
    const what = service === undefined ? place : `${service} of ${place}`;
    const unknown = all - reports.length;
    const missing = unknown === 0 ? "" : `, of ${unknown} that should be there nothing is known`;
    const why = `${ready} of ${all} instances of ${what} are ready${missing}`;
    return { state: isOpen ? "open" : "shut", why };
  }

  /** How many instances drones are to run of a deployment. */
  #wanted(deployment: string, service: string | undefined): number {
    let wanted = 0;
    for (const [name, placement] of this.#parts.assignments.counts.get(deployment) ?? []) {
      if (service !== undefined && name !== service) continue;
      for (const count of placement.values()) wanted += count;
    }
    return wanted;
  }

  #canary({ repo, environment }: Probe<"canary">): GateView {
    const row = this.#parts.ledger.rows("canaries").get(placeKey(repo, environment));
    const place = placeName({ repo, environment });
    if (!row)
      return { state: "shut", why: `${place} has no release that gets visitors step by step` };
    if (row.phase !== "over") return { state: "shut", why: row.text };
    const isPromoted = row.end?.outcome === "promoted";
    return { state: isPromoted ? "open" : "refused", why: row.end?.reason ?? row.text };
  }

  #errors({ repo, environment, maxPercent, overMs }: Probe<"errors">): GateView {
    const { counts, clock } = this.#parts;
    const place = placeName({ repo, environment });
    const flow = counts.flowOf((row) => isOf(row, { repo, environment }));
    const rate = this.#rates.look(placeKey(repo, environment), flow, { now: clock.now(), overMs });
    if (rate.kind === "watching") {
      const [seen, over] = [rate.sinceMs, overMs].map((ms) => Math.round(ms / 1_000));
      return { state: "shut", why: `visitors of ${place} are watched for ${seen} s of ${over} s` };
    }
    if (rate.requests === 0) return { state: "shut", why: `${place} had no visitors` };
    const percent = (100 * rate.failed) / rate.requests;
    const why = `${rate.failed} of ${rate.requests} requests to ${place} failed`;
    return { state: percent <= maxPercent ? "open" : "shut", why };
  }
}
