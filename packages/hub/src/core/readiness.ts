/**
 * How far a deployment has come on each drone, from what was last observed.
 *
 * Nothing is remembered of verdicts: a drone that was ready and crashed is pending again, one that failed
 * and healed itself is ready. So the end of a release tells how drones are then, not how they once were.
 */
import type { InstancePhase, InstanceReport, Service } from "@propagit/protocol";
import type { Contact } from "./contact.js";
import type { Labels } from "./membership.js";

/** A drone's own command, among the services: it runs once, whatever it is called. */
export const ownService = "";

/** A drone as it is seen now. */
export interface SeenDrone {
  readonly identity: string;
  readonly drone: string;
  readonly contact: Contact;
  readonly labels: Labels;
  readonly draining: boolean;
  readonly ownCommand: boolean;
  /** Instances of the deployment that it was assigned, by service. */
  readonly wanted: ReadonlyMap<string, number>;
  /** Its instances of the deployment. */
  readonly reports: readonly InstanceReport[];
}

/** How a drone was when it was first told to run the deployment. */
export interface DroneBefore {
  readonly identity: string;
  /** False: it was away, so nobody waits for it. */
  readonly wasThere: boolean;
  /** It ran the deployment already. */
  readonly ranBefore: boolean;
  /** Failures known then (see `failureKey`): they say nothing about this attempt. */
  readonly staleFailures: readonly string[];
}

export type Verdict =
  | { readonly kind: "pending"; readonly ready: number; readonly wanted: number }
  | {
      readonly kind: "ready" | "unchanged";
      readonly ready: number;
      readonly wanted: number;
      readonly port?: number;
    }
  | { readonly kind: "failed"; readonly reason: string; readonly lastLines?: string[] }
  | { readonly kind: "away"; readonly reason: string };

/** Time's-up text when the limit is over, undefined before. */
export type Lateness = string | undefined;

export function isThere({ contact }: Pick<SeenDrone, "contact">): boolean {
  return contact === "connected" || contact === "lost";
}

/** Undefined for a drone that is to run nothing of it, or that ended before it was told to. */
export function judge(
  drone: SeenDrone,
  before: DroneBefore | undefined,
  late: Lateness,
): Verdict | undefined {
  if (wantedOf(drone) === 0) return undefined;
  if (!before?.wasThere) {
    // Who ended before it began, or without ever having been asked for it, is nobody's business.
    return drone.contact === "left" ? undefined : judgeBystander(drone, before);
  }
  switch (drone.contact) {
    case "connected":
      return judgeConnected(drone, before, late);
    case "lost":
      if (late === undefined) return pending(drone);
      return { kind: "failed", reason: `the drone was lost, and ${late}` };
    case "away":
      return {
        kind: "away",
        reason: "the drone was lost on the way; it catches up when it comes back",
      };
    case "left":
      return { kind: "away", reason: "the drone ended on the way; it catches up when it starts" };
    default:
      return drone.contact satisfies never;
  }
}

/** Whether a service is ready on every drone that is connected and has it, and on one at least. */
export function isReady(service: Service, drones: readonly SeenDrone[]): boolean {
  if (service.instances.count === 0) return true;
  const concerned = drones.filter(
    (drone) => isThere(drone) && (drone.wanted.get(service.name) ?? 0) > 0,
  );
  const isEverywhere = concerned.every((drone) => missingOf(drone, service.name) === 0);
  return concerned.length > 0 && isEverywhere;
}

/** Whether it has at least one ready instance anywhere. */
export function isReadySomewhere(service: string, drones: readonly SeenDrone[]): boolean {
  return drones.some(
    (drone) => drone.contact === "connected" && countReady(reportsOf(drone, service)) > 0,
  );
}

/** Services that may run now: those that come after services which are all ready. */
export function startable(
  services: readonly Service[],
  drones: readonly SeenDrone[],
): readonly string[] {
  const ready = new Set(
    services.filter((service) => isReady(service, drones)).map(({ name }) => name),
  );
  const known = new Set(services.map(({ name }) => name));
  return services
    .filter(({ after }) => after.every((name) => ready.has(name) || !known.has(name)))
    .map(({ name }) => name);
}

/** What of a drone's reports is known before it is told anything. */
export function rememberFailures(reports: readonly InstanceReport[]): readonly string[] {
  return reports.filter(({ phase }) => phase === "failed").map(failureKey);
}

/** Names one failure of one instance; a new attempt that fails again has another name. */
function failureKey({ process, since, restarts }: InstanceReport): string {
  return `${process} ${since} ${restarts}`;
}

/** Whether all that is wanted of a drone is ready. */
export function isComplete(drone: SeenDrone): boolean {
  return [...drone.wanted.keys()].every((service) => missingOf(drone, service) === 0);
}

export function isAlive({ phase }: InstanceReport): boolean {
  return phase !== "stopped";
}

/** A drone that nobody waits for is told as it is: caught up, or still away. */
function judgeBystander(drone: SeenDrone, before: DroneBefore | undefined): Verdict {
  if (drone.contact === "connected" && isComplete(drone)) return whenReady(drone, before);
  const reason = before
    ? "the drone was away already; it catches up when it comes back"
    : "the drone joined meanwhile; it catches up";
  return { kind: "away", reason };
}

function judgeConnected(drone: SeenDrone, before: DroneBefore, late: Lateness): Verdict {
  if (isComplete(drone)) return whenReady(drone, before);
  const lacking = [...drone.wanted.keys()].filter((service) => missingOf(drone, service) > 0);
  for (const service of lacking) {
    const failed = freshFailure(reportsOf(drone, service), before);
    if (failed) return { kind: "failed", ...whyOf(failed, "it failed") };
  }
  if (late === undefined) return pending(drone);
  const reports = lacking.flatMap((service) => reportsOf(drone, service)).filter(isNotReady);
  const last = reports.find(({ reason }) => reason !== undefined) ?? reports[0];
  if (!last) return { kind: "failed", reason: `${late}, and the drone never said that it began` };
  return { kind: "failed", ...whyOf(last, late), reason: `${late}: ${last.reason ?? last.phase}` };
}

/** A failure of this attempt, when nothing of the service is under way any more. */
function freshFailure(
  reports: readonly InstanceReport[],
  { staleFailures }: DroneBefore,
): InstanceReport | undefined {
  if (reports.some(({ phase }) => underWay.has(phase))) return undefined;
  return reports.find(
    (report) => report.phase === "failed" && !staleFailures.includes(failureKey(report)),
  );
}

function whenReady(drone: SeenDrone, before: DroneBefore | undefined): Verdict {
  const first = drone.reports.find(({ phase, port }) => phase === "ready" && port !== undefined);
  const port = first?.port;
  return {
    kind: before?.ranBefore ? "unchanged" : "ready",
    ...progressOf(drone),
    ...(port !== undefined && { port }),
  };
}

function pending(drone: SeenDrone): Verdict {
  return { kind: "pending", ...progressOf(drone) };
}

function progressOf(drone: SeenDrone): { readonly ready: number; readonly wanted: number } {
  const wanted = wantedOf(drone);
  const missing = [...drone.wanted.keys()].reduce(
    (sum, service) => sum + missingOf(drone, service),
    0,
  );
  return { ready: wanted - missing, wanted };
}

function wantedOf({ wanted }: SeenDrone): number {
  return [...wanted.values()].reduce((sum, count) => sum + count, 0);
}

function missingOf(drone: SeenDrone, service: string): number {
  const wanted = drone.wanted.get(service) ?? 0;
  return Math.max(0, wanted - countReady(reportsOf(drone, service)));
}

function reportsOf({ reports, ownCommand }: SeenDrone, service: string): readonly InstanceReport[] {
  return ownCommand ? reports : reports.filter((report) => report.service === service);
}

function countReady(reports: readonly InstanceReport[]): number {
  return reports.filter(({ phase }) => phase === "ready").length;
}

function isNotReady({ phase }: InstanceReport): boolean {
  return phase !== "ready";
}

const underWay: ReadonlySet<InstancePhase> = new Set([
  "waiting",
  "fetching",
  "checking-out",
  "starting",
  "restarting",
]);

function whyOf(
  { reason, lastLines }: InstanceReport,
  otherwise: string,
): { reason: string; lastLines?: string[] } {
  return { reason: reason ?? otherwise, ...(lastLines && { lastLines }) };
}
