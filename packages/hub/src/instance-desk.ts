/** Running instances: `hub.ps` shows them, `hub.restart` restarts them without a service being away. */
import {
  environmentDefault,
  minUpOf,
  parseRepoName,
  sendPieces,
  shortCommit,
  toPropagitError,
  type InstanceReport,
  type Params,
  type Result,
} from "@propagit/protocol";
import type { IncomingCall } from "@propagit/runtime";
import { chooseToRestart } from "./core/instance-choice.js";
import { findInstances, type FoundInstance } from "./core/instance-target.js";
import { groupBy, restartsAtOnce } from "./core/rolling.js";
import { checkRepo } from "./deployed.js";
import { askStats } from "./drone-stats.js";
import { byName, instanceSummary } from "./fleet-view.js";
import type { Fleet, Member } from "./fleet.js";
import { inParallel } from "./in-parallel.js";
import type { Ledger } from "./ledger.js";
import { untilBack } from "./until-observed.js";
import type { HubWorld } from "./world.js";

type Found = FoundInstance<Member>;
type Failure = Result<"hub.restart">["failed"][number];

interface RestartCall extends Pick<IncomingCall<"hub.restart">, "part" | "signal"> {
  /** A former life of the hub began it. */
  readonly isAgain?: boolean;
}

/** Drones of a former life of the hub are back by then, or away. */
const backMs = 2 * 60_000;

export class InstanceDesk {
  readonly #world: Pick<HubWorld, "clock" | "repositories">;
  readonly #ledger: Ledger;
  readonly #fleet: Fleet;

  constructor(world: Pick<HubWorld, "clock" | "repositories">, ledger: Ledger, fleet: Fleet) {
    this.#world = world;
    this.#ledger = ledger;
    this.#fleet = fleet;
  }

  /** @throws NO_REPO, NO_PLACE, BAD_PATTERN, NO_RELEASE, AMBIGUOUS, NO_INSTANCE */
  async ps(
    { target = {}, usage = false }: Params<"hub.ps">,
    { part }: IncomingCall<"hub.ps">,
  ): Promise<Result<"hub.ps">> {
    const found = findInstances(target, byName(this.#fleet.members), this.#releases());
    if (found.length === 0 && target.repo !== undefined) {
      await checkRepo(this.#world, this.#ledger, parseRepoName(target.repo));
    }
    const usages = usage ? await this.#usagesOf(found) : undefined;
    const rows = this.#ledger.rows("drones");
    const routes = this.#ledger.rows("routes");
    const instances = found.map((instance) => {
      const host = rows.get(instance.drone.identity)?.host ?? "";
      return instanceSummary(instance, host, routes, usages?.get(instance.report.process));
    });
    return { instances: sendPieces(instances, part) };
  }

  /** Of what a former life of the hub restarted nobody knows how far it came: all of it is. @throws as `ps` */
  async restart(
    { target, by = "somebody" }: Params<"hub.restart">,
    call: RestartCall,
  ): Promise<Result<"hub.restart">> {
    const { clock } = this.#world;
    const options = { clock, fleet: this.#fleet, limitMs: backMs, signal: call.signal };
    if (call.isAgain) await untilBack(options);
    const all = byName(this.#fleet.members);
    const found = chooseToRestart(this.#ledger, all, target);
    const living = all.flatMap(({ instances }) => [...instances.values()]);
    const groups = groupBy(found, ({ report }) => serviceKey(report));
    for (const group of groups) this.#note(group, by);
    const results = await Promise.all(groups.map((group) => this.#roll(group, living, call)));
    const failed = results.flat();
    return { restarted: found.length - failed.length, failed };
  }

  /**
   * Restarts instances of one service, a few drones at a time. After the first that does not come back the
   * others are left as they are: they may be all that answers.
   */
  async #roll(
    group: readonly Found[],
    living: readonly InstanceReport[],
    call: RestartCall,
  ): Promise<readonly Failure[]> {
    const failures: Failure[] = [];
    const [first] = group;
    if (!first) return failures;
    const key = serviceKey(first.report);
    const siblings = living.filter((report) => serviceKey(report) === key).length;
    const perDrone = groupBy(group, ({ drone }) => drone.identity);
    const atOnce = restartsAtOnce(siblings, this.#leastUp(first.report, siblings));
    await inParallel(perDrone, atOnce, async (instances) => {
      const [cause] = failures;
      const left = cause && `it was left as it was, since ${cause.process} is not ready again`;
      const why = left ?? (await this.#restartOn(instances, call, failures));
      if (why === undefined) return;
      const known = new Set(failures.map(({ process }) => process));
      const others = instances.filter(({ report }) => !known.has(report.process));
      failures.push(...others.map((instance) => failureOf(instance, why)));
    });
    return failures;
  }

  /** As the manifest of what it is of says. */
  #leastUp({ deployment = "", service: name }: InstanceReport, instances: number): number {
    const row = this.#ledger.rows("deployments").get(deployment);
    const service = row?.specification.services.find((one) => one.name === name);
    return service?.minUp ? minUpOf(service.minUp, instances) : 0;
  }

  /** Why it broke off; failures of single instances are added as they come. */
  async #restartOn(
    instances: readonly Found[],
    { part, signal }: RestartCall,
    failures: Failure[],
  ): Promise<string | undefined> {
    const [first] = instances;
    if (!first) return undefined;
    const { identity, name: drone } = first.drone;
    const processes = instances.map(({ report }) => report.process);
    const onPart = (one: { process: string; ready: boolean }) => part({ drone, ...one });
    try {
      const limits = { limitMs: 0, signal, onPart };
      const { failed } = await this.#fleet.call(identity, "drone.restart", { processes }, limits);
      failures.push(...failed.map((one) => ({ drone, ...one })));
      return undefined;
    } catch (thrown) {
      return toPropagitError(thrown).message;
    }
  }

  #note(group: readonly Found[], by: string): void {
    const [first] = group;
    if (!first) return;
    const { repo, commit, service, environment, release } = first.report;
    const count = group.length === 1 ? "one instance" : `${group.length} instances`;
    const drones = [...new Set(group.map(({ drone }) => drone.name))].join(", ");
    const text = `${by} restarts ${count} of ${service} of ${repo} ${shortCommit(commit)} on ${drones}`;
    this.#ledger.note({
      kind: "restarted",
      repo,
      commit,
      ...(environment !== undefined && { environment }),
      ...(release !== undefined && { release }),
      by,
      text: text.slice(0, 2_000),
    });
  }

  async #usagesOf(found: readonly Found[]) {
    const stats = await askStats(this.#fleet, new Set(found.map(({ drone }) => drone)));
    const usages = [...stats.values()].flatMap((one) => one.usages);
    return new Map(usages.map((usage) => [usage.process, usage]));
  }

  #releases() {
    return this.#ledger.rows("releases").values();
  }
}

function serviceKey({ repo, environment, commit, deployment, service }: InstanceReport): string {
  return [repo, environment ?? environmentDefault, deployment ?? commit, service].join(" ");
}

function failureOf({ drone, report }: Found, reason: string): Failure {
  return { drone: drone.name, process: report.process, reason };
}
