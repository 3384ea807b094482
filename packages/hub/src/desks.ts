/** Who answers which method of the hub: one desk for each subject. */
import {
  environmentDefault,
  filesRepo,
  parseRepoName,
  parseStoredRepoName,
  type Result,
  type RolloutProgress,
  type RolloutResult,
} from "@propagit/protocol";
import type { RunSummary } from "@propagit/plan";
import type { Handlers, IncomingCall } from "@propagit/runtime";
import type { Assignments } from "./assignments.js";
import { Canaries } from "./canaries.js";
import { CanaryDesk, canaryHandlers } from "./canary-desk.js";
import { CertificateDesk } from "./certificate-desk.js";
import { labelsOfRelease } from "./core/branch-edits.js";
import { currentRelease } from "./core/deployment-edits.js";
import { isStepping } from "./core/visited.js";
import { visitorUrls } from "./core/visitor-url.js";
import { ChangeTasks } from "./change-tasks.js";
import { checkRepo } from "./deployed.js";
import { directHandlers } from "./direct-handlers.js";
import { DirectChanges } from "./direct-changes.js";
import { Delegations } from "./delegations.js";
import { DistributionDesk } from "./distribution-desk.js";
import { DroneDesk } from "./drone-desk.js";
import { ExperimentDesk } from "./experiment-desk.js";
import { fleetDoers } from "./fleet-doers.js";
import { FilesDesk } from "./files-desk.js";
import { FilesMemory } from "./files-memory.js";
import { FilesRuns } from "./files-runs.js";
import { FilesTasks } from "./files-tasks.js";
import type { Fleet } from "./fleet.js";
import { followEvents } from "./followers.js";
import { HoldDesk } from "./hold-desk.js";
import { InstanceDesk } from "./instance-desk.js";
import type { Ledger } from "./ledger.js";
import { LogDesk } from "./log-desk.js";
import { ownTasksOf } from "./own-tasks.js";
import { PlanBegin } from "./plan-begin.js";
import { PlanCheck } from "./plan-check.js";
import { PlanDesk } from "./plan-desk.js";
import { partJournal } from "./part-journal.js";
import { PlanLog } from "./plan-log.js";
import { PlanPast } from "./plan-past.js";
import { PlanMaker } from "./plan-maker.js";
import { proxyHandlers, type ProxyDeskParts } from "./proxy-desk.js";
import type { RelayDesk } from "./relay-desk.js";
import { ReleaseDesk } from "./release-desk.js";
import { Reports } from "./reports.js";
import { RetentionDesk } from "./retention-desk.js";
import type { Asker } from "./rollout-request.js";
import type { Rollouts } from "./rollouts.js";
import { checkAsked, RuleDesk } from "./rule-desk.js";
import { RunDesk } from "./run-desk.js";
import { ScaleDesk } from "./scale-desk.js";
import { SettingsDesk } from "./settings-desk.js";
import { Specifications } from "./specifications.js";
import { StepPlanner } from "./step-planner.js";
import { stepDoers, type StepDesks } from "./step-doers.js";
import { StopDesk } from "./stop-desk.js";
import { SwarmDesk } from "./swarm-desk.js";
import { TrafficDesk } from "./traffic-desk.js";
import { followTraffic } from "./traffic-follower.js";
import type { HubWorld } from "./world.js";

export interface DesksOptions extends ProxyDeskParts {
  readonly world: HubWorld;
  readonly ledger: Ledger;
  readonly fleet: Fleet;
  readonly assignments: Assignments;
  readonly relays: RelayDesk;
  readonly rollouts: Rollouts;
  /** What every drone is told when it joins. */
  readonly joined: Pick<Result<"hub.join">, "hub" | "registry" | "timeoutMs">;
  /** Where visitors find the proxies. */
  readonly proxyUrl: string | undefined;
}

interface FilesPart {
  readonly memory: FilesMemory;
  readonly desk: FilesDesk;
  readonly tasks: FilesTasks;
  readonly runs: FilesRuns;
}

export class Desks {
  readonly releases: ReleaseDesk;
  readonly retention: RetentionDesk;
  readonly certificates: CertificateDesk;
  readonly canaries: Canaries;
  readonly reports: Reports;
  readonly runs: RunDesk;
  readonly swarm: SwarmDesk;
  readonly distribution: DistributionDesk;
  readonly files: FilesDesk | undefined;
  readonly plans: PlanDesk;
  readonly handlers: Handlers;

  /** @throws DATA_UNUSABLE when settings cannot be read */
  constructor(options: DesksOptions) {
    const { world, ledger, fleet, rollouts } = options;
    this.releases = new ReleaseDesk(world, ledger, rollouts);
    this.certificates = new CertificateDesk(world, ledger);
    this.reports = new Reports(world.clock, options.proxies);
    this.canaries = new Canaries({ ...options, counts: this.reports.counts });
    const { canaries, releases } = this;
    this.retention = new RetentionDesk(world, ledger, fleet);
    this.runs = new RunDesk(world, ledger, fleet);
    this.swarm = new SwarmDesk(options);
    this.distribution = new DistributionDesk({
      ...options,
      clock: world.clock,
      swarm: this.swarm,
    });
    const files = this.#filesPart(options);
    this.files = files?.desk;
    const scales = new ScaleDesk(world, ledger, fleet, rollouts);
    const { retention, certificates } = this;
    const steps = new StepPlanner({ ...options, retention, certificates });
    const settings = new SettingsDesk(world, ledger, releases);
    const past = new PlanPast(() => this.plans.runs);
    const maker = new PlanMaker({
      ...options,
      releases,
      scales,
      settings,
      steps,
      past,
      files: files?.runs,
    });
    const delegations = this.#delegations(options, files);
    const canaryDesk = new CanaryDesk({ ...options, canaries, releases });
    const known = { releases, retention, canaries: canaryDesk, scales, certificates };
    const tasks = this.#changeTasks(options, stepDesks(options, known));
    this.plans = this.#plansPart(options, { files, delegations, maker, tasks });
    const direct = new DirectChanges({ ...world, planner: steps, tasks, plans: this.plans });
    this.handlers = {
      ...this.#releaseHandlers(options, settings),
      ...this.#instanceHandlers(options, scales),
      ...droneHandlers(options),
      ...directHandlers(direct, { retention, canaries: canaryDesk, certificates }),
      ...trafficHandlers(options),
      ...ruleHandlers(options),
      ...certificateHandlers(certificates),
      ...proxyHandlers(options),
      ...files?.desk.handlers,
      ...files?.runs.handlers,
      ...canaryHandlers(canaryDesk),
      ...sightHandlers(options, this.reports),
      ...swarmHandlers(options, this.swarm),
      ...this.plans.handlers,
      ...maker.handlers,
      ...delegations.handlers,
      ...this.#planLog(options).handlers,
      ...past.handlers,
      "hub.distribution": (params, call) => this.distribution.follow(params, call),
    };
  }

  #filesPart(options: DesksOptions): FilesPart | undefined {
    const { world, ledger, fleet } = options;
    const { files: means, clock } = world;
    if (!means) return undefined;
    const { demand } = this.swarm;
    const asks = demand.asks.bind(demand);
    const planned = () => tasks.commits();
    const memory = new FilesMemory({ world, ledger, fleet, means });
    const desk = new FilesDesk({ world, memory, fleet, means, asks, planned });
    const tasks = new FilesTasks({ clock, fleet, desk, plans: () => this.plans?.runs });
    const runs = new FilesRuns({ ...options, desk, tasks, plans: () => this.plans });
    return { memory, desk, tasks, runs };
  }

  #delegations({ world, fleet }: DesksOptions, files: FilesPart | undefined): Delegations {
    const { commands } = world.plans;
    const told = files && files.memory.heard.bind(files.memory);
    const runs = () => this.plans.runs;
    return new Delegations({ world, fleet, commands, runs, ...(told && { told }) });
  }

  #planLog({ world }: DesksOptions): PlanLog {
    const { commands } = world.plans;
    return new PlanLog({ runs: () => this.plans.runs, heard: partJournal(world), commands });
  }

  #plansPart(
    options: DesksOptions,
    {
      files,
      delegations,
      maker,
      tasks,
    }: {
      readonly files: FilesPart | undefined;
      readonly delegations: Delegations;
      readonly maker: PlanMaker;
      readonly tasks: ChangeTasks;
    },
  ): PlanDesk {
    const { plans: means } = options.world;
    const { tasks: releases } = options.rollouts;
    const own = ownTasksOf({ releases, changes: tasks, files: files?.tasks, delegations });
    const { counts } = this.reports;
    const eventOf = files && ((summary: RunSummary) => files.runs.endOf(summary));
    const changes = new PlanBegin({ ...options, maker });
    const checks = new PlanCheck({ ...options, means, own, maker, runs: () => this.plans.runs });
    const parts = { ...options, means, own, changes, checks, counts };
    return new PlanDesk({ ...parts, ...(eventOf && { eventOf }) });
  }

  #changeTasks({ world: { clock }, ledger }: DesksOptions, desks: StepDesks): ChangeTasks {
    const authorOf = (run: string) =>
      this.plans.runs.list().find((summary) => summary.run === run)?.by;
    const doers = [...stepDoers(desks), ...fleetDoers(desks)];
    return new ChangeTasks({ doers, clock, ledger, authorOf });
  }

  #releaseHandlers({ ledger, rollouts, proxyUrl }: DesksOptions, settings: SettingsDesk): Handlers {
    const { releases } = this;
    const placed = async (result: Promise<RolloutResult>) =>
      withUrls(ledger, await result, proxyUrl);
    return {
      "hub.deploy": (params, call) => placed(releases.deploy(params, call)),
      "hub.rollback": (params, call) => placed(releases.rollback(params, call)),
      "hub.releases": (params, call) => releases.releases(params, call),
      "hub.release": (params, call) => releases.release(params, call),
      "hub.diff": (params) => releases.diff(params),
      "hub.configure": async (params, call) => {
        const { rollout, ...result } = await settings.configure(params, call);
        return { ...result, ...(rollout && { rollout: withUrls(ledger, rollout, proxyUrl) }) };
      },
      "hub.settings": (params) => settings.settings(params),
      "hub.follow": ({ repo, environment = environmentDefault, release }, call) =>
        placed(rollouts.follow({ repo: parseRepoName(repo), environment, release }, askerOf(call))),
    };
  }

  #instanceHandlers({ world, ledger, fleet, proxyUrl }: DesksOptions, scales: ScaleDesk): Handlers {
    const instances = new InstanceDesk(world, ledger, fleet);
    const logs = new LogDesk(world, ledger, fleet);
    return {
      "hub.ps": (params, call) => instances.ps(params, call),
      "hub.logs": (params, call) => logs.logs(params, call),
      "hub.run": (params, call) => this.runs.run(params, call),
      "hub.scale": async (params, call) =>
        withUrls(ledger, await scales.scale(params, call), proxyUrl),
    };
  }
}

function stepDesks(
  { world, ledger, fleet, rollouts, switchboard, relays }: DesksOptions,
  known: Pick<StepDesks, "releases" | "retention" | "canaries" | "scales" | "certificates">,
): StepDesks {
  return {
    ...known,
    rollouts,
    drones: new DroneDesk(ledger, fleet, relays),
    traffic: new TrafficDesk(world, ledger, switchboard),
    rules: new RuleDesk(world, ledger, switchboard),
    experiments: new ExperimentDesk(world, ledger, switchboard),
    stops: new StopDesk(world, ledger, fleet, rollouts),
    instances: new InstanceDesk(world, ledger, fleet),
    holds: new HoldDesk(world, ledger, fleet, rollouts),
  };
}

function droneHandlers(options: DesksOptions): Handlers {
  const { world, ledger, fleet, proxies, assignments, relays, joined } = options;
  const drones = new DroneDesk(ledger, fleet, relays);
  const specifications = new Specifications(world, ledger, fleet, assignments);
  return {
    "hub.drones": (params, call) => drones.drones(params, call),
    "hub.join": async (params, { conversation }) => {
      const member = await fleet.join(params, conversation);
      const { name, labels } = member;
      const ways = relays.joined(member, params, conversation);
      return { ...joined, name, labels: { ...labels }, ...ways };
    },
    "hub.leave": async ({ running = false }, { conversation }) => {
      if (proxies.isProxy(conversation)) await proxies.leave(conversation);
      else await fleet.leave(conversation, running);
      return {};
    },
    "hub.specification": (params, call) => specifications.tell(params, call),
  };
}

function swarmHandlers({ world, ledger }: DesksOptions, swarm: SwarmDesk): Handlers {
  return {
    "hub.artifact": (params, call) => swarm.artifact(params, call),
    "hub.swarm": async (params, call) => {
      // Nothing on its way is an answer; of a repository that is not there it would be a wrong one.
      const repo = params.repo === undefined ? filesRepo : parseStoredRepoName(params.repo);
      if (repo !== filesRepo) await checkRepo(world, ledger, repo);
      return swarm.swarm(params, call);
    },
  };
}

function trafficHandlers({ ledger }: DesksOptions): Handlers {
  return {
    "hub.events": (params, call) => followEvents(ledger, params, call),
  };
}

function ruleHandlers({ world, ledger, switchboard }: DesksOptions): Handlers {
  const rules = new RuleDesk(world, ledger, switchboard);
  return {
    "hub.route": (params, call) => rules.route(params, call),
  };
}

function certificateHandlers(desk: CertificateDesk): Handlers {
  return {
    "hub.certificates": (_, call) => desk.list(call),
    "hub.certificate-book": (params, call) => desk.certificates.follow(params, call),
  };
}

/** With whole URLs in place of host names, when it is known where the proxies are. */
function withUrls(
  ledger: Ledger,
  result: RolloutResult,
  proxyUrl: string | undefined,
): RolloutResult {
  const { outcome, repo, environment, release } = result;
  if (outcome !== "ready" && outcome !== "unchanged") return result;
  // What ran already was not promoted by this, and may be where visitors are all the same.
  const promoted = currentRelease(ledger, repo, environment)?.number === release;
  const branches = labelsOfRelease(ledger, result);
  return {
    ...result,
    ...(isStepping(ledger, result) && { stepping: true }),
    hosts: [...visitorUrls({ ...result, promoted, branches }, proxyUrl)],
  };
}

function askerOf({
  part,
  signal,
}: Pick<IncomingCall<"hub.follow">, "signal"> & {
  readonly part: (progress: RolloutProgress) => void;
}): Asker {
  return { onPart: part, signal };
}

function sightHandlers({ world, ledger, proxies }: DesksOptions, { counts }: Reports): Handlers {
  const source = () => ({
    counts,
    routes: ledger.rows("routes").values(),
    releaseOf: (id: string) => ledger.rows("deployments").get(id)?.release,
    proxies: proxies.live.length,
    reporting: proxies.live.filter(({ contact }) => contact === "connected").length,
  });
  return {
    "hub.traffic": async (params, call) => {
      await checkAsked(world, ledger, params);
      return followTraffic(world.clock, source, params, call);
    },
  };
}
