/** What drones, proxies and people call on the hub. */
import * as Type from "typebox";
import type { Static, TSchema } from "typebox";
import {
  logLineSchema,
  logQuerySchema,
  runPartSchema,
  runResultSchema,
  terminalSchema,
} from "./drone-methods.js";
import { distributionMethods } from "./distribution.js";
import { filesMethods } from "./files-methods.js";
import { delegationMethods } from "./delegation-methods.js";
import { planMethods } from "./plan-methods.js";
import { droneOutcomeSchema, droneProgressSchema } from "./release.js";
import { canaryMethods } from "./canary-methods.js";
import { by, environment, nothing, reference } from "./hub-params.js";
import { certificateMethods, certificateTellings } from "./certificate-methods.js";
import { proxyMethodsOfHub, proxyTellings } from "./proxy-methods.js";
import { releaseMethods, rollout } from "./release-methods.js";
import { reportTellings } from "./report.js";
import { instanceTargetSchema } from "./instance-target.js";
import { droneTargetSchema } from "./selector.js";
import { commit, count, exact, list, name, oneOf, port, text } from "./shape.js";
import { buildSchema, serviceSchema, taskSchema, variablesSchema } from "./specification.js";
import { shareTellings, swarmMethods } from "./swarm.js";
import { deploymentId } from "./traffic.js";
import { trafficMethods } from "./traffic-methods.js";
import { sightMethods } from "./traffic-sight.js";
import {
  droneSummarySchema,
  instanceReportSchema,
  instanceSummarySchema,
  labelsSchema,
  registryPlaceSchema,
} from "./vocabulary.js";

const hex32 = Type.String({ pattern: "^[0-9a-f]{32}$" });

const joinedSchema = exact({
  /** The name the drone is known by from now on; `-1`, `-2`, … after the wanted one on a clash. */
  name,
  registry: registryPlaceSchema,
  /** Which hub this is, by its data folder: another one knows nothing of what the drone should run. */
  hub: Type.Optional(hex32),
  /** How long the drone may be gone before its records end and its work is moved: its leases' time. */
  timeoutMs: Type.Optional(count),
  /** As the hub has them: what it was started with, changed by `hub.label`. */
  labels: Type.Optional(labelsSchema),
  /** Other addresses at which the hub is reached: relays of the drone's zone, then those that relays go to. */
  ways: Type.Optional(list(text(300), 64)),
});

const stopResultSchema = exact({
  repo: name,
  commit,
  environment,
  outcome: oneOf("stopped", "failed"),
  drones: list(droneOutcomeSchema, 10_000),
});
export type StopResult = Static<typeof stopResultSchema>;

/** What did not come about, by drone and reason; absent when all of it did. Without a process: nothing of it began. */
const failedInstancesSchema = list(
  exact({ drone: name, process: Type.Optional(text(40)), reason: text(2_000) }),
  10_000,
);
export type FailedInstance = Static<typeof failedInstancesSchema>[number];

const instanceMethods = {
  /** Stops what fits; a whole commit or release is no longer wanted anywhere afterwards. */
  "hub.stop": {
    params: exact({
      repo: text(60),
      ref: reference,
      force: Type.Boolean(),
      environment,
      by,
    }),
    part: droneProgressSchema,
    result: stopResultSchema,
    needs: "cluster",
  },
  /** Ends single instances and keeps them ended, or starts them again (`start`). */
  "hub.hold": {
    params: exact({
      target: instanceTargetSchema,
      start: Type.Boolean(),
      force: Type.Boolean(),
      by,
    }),
    part: droneProgressSchema,
    result: exact({
      /** That ended, or are ready. */
      instances: list(exact({ drone: name, process: text(40) }), 10_000),
      failed: Type.Optional(failedInstancesSchema),
    }),
    needs: "cluster",
  },
  /** Restarts instances, on each drone one after the other; each is ready before the next goes. */
  "hub.restart": {
    params: exact({ target: instanceTargetSchema, by }),
    part: exact({ drone: name, process: text(40), ready: Type.Boolean() }),
    result: exact({
      restarted: count,
      failed: list(exact({ drone: name, process: text(40), reason: text(2_000) }), 10_000),
    }),
    needs: "cluster",
  },
  /** Sets the number of instances of services, over what the manifest says, for later releases too. */
  "hub.scale": {
    params: exact({
      repo: text(60),
      environment,
      /** Undefined: as the manifest says. */
      services: list(exact({ service: name, instances: Type.Optional(count) }), 100),
      by,
    }),
    ...rollout,
  },
  /** One more service, beside those of the manifest, on drones named here: a command that is kept running. */
  "hub.spawn": {
    params: exact({
      repo: text(60),
      environment,
      release: Type.Optional(reference),
      service: serviceSchema,
      drones: droneTargetSchema,
      /** On one of the drones that fit instead of each. */
      one: Type.Boolean(),
      by,
    }),
    part: droneProgressSchema,
    result: exact({
      instances: list(exact({ drone: name, process: text(40) }), 10_000),
      failed: Type.Optional(failedInstancesSchema),
    }),
    needs: "cluster",
  },
  /** Output, merged by time over all drones. */
  "hub.logs": {
    params: exact({
      ...logQuerySchema.properties,
      repo: Type.Optional(text(60)),
      drones: Type.Optional(droneTargetSchema),
    }),
    part: list(logLineSchema, 1_000),
    /** Drones that could not be asked; their lines are missing. */
    result: exact({ missing: list(exact({ drone: name, reason: text(500) }), 10_000) }),
    needs: "cluster",
  },
  /** Runs a command to its end on each drone that fits (`one`: on one of them); see `drone.run`. */
  "hub.run": {
    params: exact({
      /** Made by the caller; `run.input`, `run.resize` and `run.signal` name it. */
      stream: text(40),
      repo: text(60),
      environment,
      release: Type.Optional(reference),
      service: Type.Optional(name),
      /** In the environment of running instances rather than of a new one. */
      inside: Type.Boolean(),
      drones: droneTargetSchema,
      one: Type.Boolean(),
      command: list(text(16_384), 200),
      env: variablesSchema,
      terminal: Type.Optional(terminalSchema),
      input: Type.Boolean(),
      by,
    }),
    part: runPartSchema,
    result: exact({
      runs: list(runResultSchema, 10_000),
      failed: list(exact({ drone: name, reason: text(2_000) }), 10_000),
    }),
    needs: "cluster",
  },
  /** Every instance as its drone reports it. */
  "hub.ps": {
    params: exact({
      target: Type.Optional(instanceTargetSchema),
      /** Drones are asked for processor and memory, within a second. */
      usage: Type.Optional(Type.Boolean()),
    }),
    /** Instances that do not fit into the frame of the result; they belong before it. */
    part: list(instanceSummarySchema, 100_000),
    result: exact({ instances: list(instanceSummarySchema, 100_000) }),
    needs: "cluster",
  },
} as const;

const droneMethodsOfHub = {
  "hub.drones": {
    params: exact({
      target: Type.Optional(droneTargetSchema),
      /** Drones are asked for load, memory and disk, within a second. */
      machine: Type.Optional(Type.Boolean()),
    }),
    /** As with `hub.ps`. */
    part: list(droneSummarySchema, 100_000),
    result: exact({ drones: list(droneSummarySchema, 100_000) }),
    needs: "cluster",
  },
  /** A draining drone gets nothing new; what can run elsewhere is moved first, then its instances end. */
  "hub.drain": {
    params: exact({ drone: name, drain: Type.Boolean(), by }),
    part: droneProgressSchema,
    result: exact({
      /** That it runs now. */
      instances: count,
      /** Those that did not go, or one without a process: somebody let it take instances again. */
      failed: Type.Optional(failedInstancesSchema),
    }),
    needs: "cluster",
  },
  /** Changes labels for good, over what the drone is started with. */
  "hub.label": {
    params: exact({ drone: name, set: labelsSchema, unset: list(name, 64), by }),
    result: exact({ labels: labelsSchema }),
    needs: "cluster",
  },
  /** A drone introduces itself, after every connect; first its reports are believed, then it is told what to run. */
  "hub.join": {
    params: exact({
      /** Kept in the drone's data folder, so that it is the same drone after a restart. */
      identity: hex32,
      name,
      labels: labelsSchema,
      /** Name of what its own command is; absent when it has none. */
      service: Type.Optional(name),
      host: text(255),
      version: text(64),
      instances: list(instanceReportSchema, 4_000),
      /** Where other drones get pieces of artifacts from it; absent: it only fetches with git. */
      swarm: Type.Optional(
        exact({
          port,
          /** It takes drones of its zone in, at this address, as if it were the hub. */
          relay: Type.Optional(
            exact({
              host: text(255),
              port,
              upstream: text(300),
              /** It runs no instances. */
              carriesOnly: Type.Optional(Type.Boolean()),
            }),
          ),
        }),
      ),
      /** It goes by `ways` of the answer, and hears `drone.ways`. */
      ways: Type.Optional(Type.Boolean()),
    }),
    result: joinedSchema,
    needs: "cluster",
  },
  /** A drone ends on purpose. With `running` its instances go on, and it is waited for like a lost one. */
  "hub.leave": {
    params: exact({ running: Type.Optional(Type.Boolean()) }),
    result: nothing,
    needs: "cluster",
  },
  /** What a drone needs to run a deployment that it was assigned; the same id never changes. */
  "hub.specification": {
    params: exact({ id: deploymentId }),
    result: exact({
      services: list(serviceSchema, 100),
      build: Type.Optional(buildSchema),
      test: Type.Optional(taskSchema),
      release: Type.Optional(taskSchema),
      /** `Variables` as JSON, hidden under the session's key. */
      config: text(2_000_000),
    }),
    needs: "cluster",
  },
} as const;

export const hubMethods = {
  ...releaseMethods,
  ...instanceMethods,
  ...droneMethodsOfHub,
  ...trafficMethods,
  ...sightMethods,
  ...proxyMethodsOfHub,
  ...certificateMethods,
  ...canaryMethods,
  ...swarmMethods,
  ...distributionMethods,
  ...filesMethods,
  ...planMethods,
  ...delegationMethods,
} as const satisfies Record<
  string,
  { params: TSchema; result: TSchema; part?: TSchema; needs: "cluster" }
>;

export const hubTellings = {
  ...proxyTellings,
  ...certificateTellings,
  ...reportTellings,
  ...shareTellings,
  /** Drone to hub: one instance as it is now. */
  "hub.instance": exact({
    instance: instanceReportSchema,
    /** What was just done, when that is a step of its own. */
    step: Type.Optional(oneOf("fetched", "checked out", "started")),
  }),
  /** Drone to hub: an instance that is no more. */
  "hub.instance-gone": exact({ process: text(40) }),
} as const satisfies Record<string, TSchema>;
