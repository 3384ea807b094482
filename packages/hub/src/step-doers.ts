/**
 * Who does the changes that are one step: for each command of `plan-commands/change-commands.ts` the desk that knows
 * how. Taken up again in another life of the hub it is not written a second time: a desk that may take long, or whose
 * change somebody else may take back meanwhile, marks what it writes (`StepMark`); the others find all as it should be.
 */
import type { MethodName, Part, Result } from "@propagit/protocol";
import { argsOf, type Command, type Task } from "@propagit/plan";
import type { StepMark } from "./core/step-edits.js";
import type { CanaryDesk } from "./canary-desk.js";
import type { ExperimentDesk } from "./experiment-desk.js";
import { whyFailed } from "./core/failed-instances.js";
import type { HoldDesk } from "./hold-desk.js";
import type { CertificateDesk } from "./certificate-desk.js";
import type { DroneDesk } from "./drone-desk.js";
import { drainDrone, undrainDrone } from "./plan-commands/drain-drone.js";
import { shadow, startExperiment, stopExperiment } from "./plan-commands/experiments.js";
import type { InstanceDesk } from "./instance-desk.js";
import { restartInstances, startInstances, stopInstances } from "./plan-commands/instances.js";
import { targetOf } from "./plan-commands/kit/instance-words.js";
import { pin, reap, unpin } from "./plan-commands/retention.js";
import { changeHosts, changeRules } from "./plan-commands/rules.js";
import { stopDeployed } from "./plan-commands/stop-deployed.js";
import { changeRollout, promote, split, startRollout } from "./plan-commands/traffic.js";
import type { ReleaseDesk } from "./release-desk.js";
import type { RetentionDesk } from "./retention-desk.js";
import type { Rollouts } from "./rollouts.js";
import type { RuleDesk } from "./rule-desk.js";
import type { ScaleDesk } from "./scale-desk.js";
import type { StopDesk } from "./stop-desk.js";
import type { TrafficDesk } from "./traffic-desk.js";

/** By which method somebody asks for a change directly; its parts and its answer are what he waits for. */
export interface StepMethods {
  readonly promote: "hub.promote";
  readonly split: "hub.split";
  readonly rollout: "hub.canary-start";
  readonly "rollout-change": "hub.canary-change";
  readonly "experiment-start": "hub.experiment-start";
  readonly "experiment-stop": "hub.experiment-stop";
  readonly shadow: "hub.shadow";
  readonly stop: "hub.stop";
  readonly reap: "hub.reap";
  readonly pin: "hub.pin";
  readonly unpin: "hub.pin";
  readonly hold: "hub.hold";
  readonly start: "hub.hold";
  readonly restart: "hub.restart";
  readonly rules: "hub.rules";
  readonly host: "hub.host";
  readonly drain: "hub.drain";
  readonly undrain: "hub.drain";
  readonly label: "hub.label";
  readonly access: "hub.access";
  readonly cancel: "hub.cancel";
  readonly spawn: "hub.spawn";
  readonly "certificate-add": "hub.certificate-add";
  readonly "certificate-remove": "hub.certificate-remove";
  readonly "certificate-renew": "hub.certificate-renew";
  readonly acme: "hub.acme";
}

export interface StepDesks {
  readonly traffic: Pick<TrafficDesk, "promote" | "split">;
  readonly canaries: Pick<CanaryDesk, "start" | "change">;
  readonly experiments: Pick<ExperimentDesk, "start" | "stop" | "shadow">;
  readonly releases: Pick<ReleaseDesk, "pin">;
  readonly instances: Pick<InstanceDesk, "restart">;
  readonly rules: Pick<RuleDesk, "rules" | "host" | "access">;
  readonly stops: Pick<StopDesk, "stop">;
  readonly retention: Pick<RetentionDesk, "reap">;
  readonly holds: Pick<HoldDesk, "hold" | "drain">;
  readonly drones: Pick<DroneDesk, "label">;
  readonly rollouts: Pick<Rollouts, "cancel" | "follow">;
  readonly scales: Pick<ScaleDesk, "spawn">;
  readonly certificates: Pick<CertificateDesk, "add" | "remove" | "renew" | "acme">;
}

export interface StepCall<P = unknown> extends StepMark {
  readonly by: string;
  readonly signal: AbortSignal;
  readonly part: (part: P) => void;
  /** A former life of the hub began it, and may have done some of it. */
  readonly isAgain: boolean;
  readonly secrets?: Secrets;
}

/** By name: a password, a key, values of variables. Of a plan they are no part, so they come past it or not at all. */
export type Secrets = Readonly<Record<string, string>>;

export interface StepDone {
  /** Of the method that asks for it directly. */
  readonly answer: unknown;
  /** Why it is a failure, when its answer is that. */
  readonly failure?: string | undefined;
}

export interface StepDoer {
  readonly method: MethodName;
  readonly command: string;
  do(args: Task["args"], call: StepCall): Promise<StepDone>;
  /** A part as a line of output. */
  readonly lineOf: (part: unknown) => string;
}

export function stepDoers(desks: StepDesks): readonly StepDoer[] {
  return [
    ...placeDoers(desks),
    ...experimentDoers(desks),
    ...ruleDoers(desks),
    ...instanceDoers(desks),
    ...retentionDoers(desks),
  ];
}

function placeDoers({ traffic, canaries, stops }: StepDesks): readonly StepDoer[] {
  return [
    doer("hub.promote", promote, {
      do: (words, call) => traffic.promote({ ...words, by: call.by }, call),
    }),
    doer("hub.split", split, {
      do: ({ shares, ...words }, call) =>
        traffic.split({ ...words, shares: [...shares], by: call.by }, call),
    }),
    doer("hub.canary-start", startRollout, {
      do: (words, call) => canaries.start({ ...words, by: call.by }, call),
    }),
    doer("hub.canary-change", changeRollout, {
      do: (words, call) => canaries.change({ ...words, by: call.by }, call),
    }),
    doer("hub.stop", stopDeployed, {
      do: (words, call) => stops.stop({ ...words, by: call.by }, call),
      lineOf: progressLine,
      failureOf: ({ drones }) => {
        const late = drones.find(({ outcome }) => outcome === "failed");
        return late && `drone ${late.drone}: ${late.reason ?? "no reason given"}`;
      },
    }),
  ];
}

function experimentDoers({ experiments }: StepDesks): readonly StepDoer[] {
  return [
    doer("hub.experiment-start", startExperiment, {
      do: (words, { by }) => experiments.start({ ...words, by }),
    }),
    doer("hub.experiment-stop", stopExperiment, {
      do: (words, call) => experiments.stop({ ...words, by: call.by }, call),
    }),
    doer("hub.shadow", shadow, { do: (words, { by }) => experiments.shadow({ ...words, by }) }),
  ];
}

function ruleDoers({ rules }: StepDesks): readonly StepDoer[] {
  return [
    doer("hub.rules", changeRules, {
      do: (words, call) => rules.rules({ ...words, by: call.by }, call),
    }),
    doer("hub.host", changeHosts, {
      do: (words, call) => rules.host({ ...words, by: call.by }, call),
    }),
  ];
}

function instanceDoers({ holds, instances }: StepDesks): readonly StepDoer[] {
  return [
    doer("hub.hold", stopInstances, {
      do: ({ force, ...words }, call) =>
        holds.hold({ target: targetOf(words), start: false, force, by: call.by }, call),
      lineOf: progressLine,
      failureOf: ({ failed }) => whyFailed(failed, "look with `propagit ps`"),
    }),
    doer("hub.hold", startInstances, {
      do: (words, call) =>
        holds.hold({ target: targetOf(words), start: true, force: false, by: call.by }, call),
      lineOf: progressLine,
      failureOf: ({ failed }) => whyFailed(failed, "see why with `propagit logs`"),
    }),
    doer("hub.restart", restartInstances, {
      do: (words, call) => instances.restart({ target: targetOf(words), by: call.by }, call),
      lineOf: ({ drone, process, ready }) => `${drone}: ${process} ${ready ? "" : "not "}ready`,
      failureOf: ({ failed: [first] }) =>
        first && `${first.process} on ${first.drone}: ${first.reason}`,
    }),
    ...[drainDrone, undrainDrone].map((command) =>
      doer("hub.drain", command, {
        do: ({ name: drone }, call) =>
          holds.drain({ drone, drain: command === drainDrone, by: call.by }, call),
        lineOf: progressLine,
        failureOf: ({ failed }) => whyFailed(failed, drainHint),
      }),
    ),
  ];
}

function retentionDoers({ retention, releases }: StepDesks): readonly StepDoer[] {
  return [
    doer("hub.reap", reap, {
      do: ({ repo }) => retention.reap({ dryRun: false, ...(repo !== undefined && { repo }) }),
    }),
    ...[pin, unpin].map((command) =>
      doer("hub.pin", command, {
        do: (words, { by }) => releases.pin({ ...words, pinned: command === pin, by }),
      }),
    ),
  ];
}

const drainHint = "see why with `propagit ps`, then drain it again, or undrain it";

interface Doing<M extends MethodName, Words> {
  /** Undefined: a former life of the hub has done it, so that nobody waits for an answer. */
  readonly do: (words: Words, call: StepCall<Part<M>>) => Promise<Result<M> | undefined>;
  readonly lineOf?: (part: Part<M>) => string;
  readonly failureOf?: (answer: Result<M>) => string | undefined;
}

/** What it is about is in its types as far as here; the engine and who waits know it by its command. */
export function doer<M extends MethodName, Words>(
  method: M,
  command: Command<Words>,
  { do: act, lineOf = () => "", failureOf = () => undefined }: Doing<M, Words>,
): StepDoer {
  return {
    method,
    command: command.name,
    do: async (args, call) => {
      const answer = await act(argsOf(command, args), call);
      return { answer, failure: answer && failureOf(answer) };
    },
    lineOf: (part) => lineOf(part as Part<M>),
  };
}

export function progressLine({ drone, phase, reason }: Part<"hub.drain">): string {
  return `${drone}: ${phase}${reason === undefined ? "" : `: ${reason}`}`;
}
