/** Things that a hub tells, with defaults; each test changes what it is about. */
import type {
  DroneProgress,
  InstanceSummary,
  ReleaseSummary,
  RolloutPhase,
  RolloutProgress,
  RolloutResult,
} from "@propagit/protocol";

export const commit = "74336bc".padEnd(40, "0");
export const other = "40548da".padEnd(40, "0");
export const start = Date.UTC(2026, 0, 2, 12);

export const accepted: RolloutProgress = {
  kind: "accepted",
  at: start,
  repo: "webapp",
  environment: "production",
  release: 14,
  commit,
};

export function phase(name: RolloutPhase, at: number, text = ""): RolloutProgress {
  return { kind: "phase", at: start + at, phase: name, text };
}

export function drone(
  name: string,
  phase: DroneProgress["phase"],
  more: Partial<DroneProgress> = {},
): RolloutProgress {
  return { kind: "drone", at: start + 2_000, drone: name, phase, ...more };
}

export function output(text: string, at = 0): RolloutProgress {
  return { kind: "output", at: start + at, drone: "web-1", text };
}

export const ready: RolloutResult = {
  repo: "webapp",
  environment: "production",
  release: 14,
  commit,
  outcome: "ready",
  promoted: true,
  drones: [{ drone: "web-1", outcome: "ready", port: 15_194 }],
  hosts: [],
};

export const release: ReleaseSummary = {
  repo: "webapp",
  environment: "production",
  number: 14,
  commit,
  deployment: "0123456789abcdef",
  subject: "Make it faster",
  kind: "deploy",
  by: "ann@laptop",
  at: start,
  tookMs: 12_300,
  state: "ready",
  current: true,
  presence: "running",
  pinned: false,
};

export function instance(
  drone: string,
  report: Partial<InstanceSummary["report"]> = {},
  more: Partial<Omit<InstanceSummary, "report">> = {},
): InstanceSummary {
  return {
    drone,
    host: "10.0.0.1",
    away: false,
    sharePercent: 100,
    ...more,
    report: {
      process: `${drone}-1`,
      repo: "webapp",
      commit,
      service: "web",
      environment: "production",
      release: 14,
      slot: 1,
      phase: "ready",
      port: 15_194,
      services: ["web"],
      restarts: 0,
      since: start,
      ...report,
    },
  };
}
