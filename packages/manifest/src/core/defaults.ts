/** What holds when a manifest says nothing; docs/manifest.md lists the same. */
import type { RestartRules, Retention, Service } from "@propagit/protocol";

export const instancesDefault: Service["instances"] = { count: 1, per: "drone" };
/** Name of the port that is only called PORT. */
export const portNameDefault = "main";
export const readyTimeoutMsDefault = 30_000;
/** As most supervisors have it: systemd gives 90 s, Docker and Heroku 10 and 30. */
export const stopDefault: Service["stop"] = { signal: "SIGTERM", deadlineMs: 10_000 };
export const restartDefault: RestartRules = {
  policy: "always",
  firstMs: 1_000,
  maxMs: 60_000,
  crashesMax: 10,
};
export const healthDefault = {
  intervalMs: 10_000,
  timeoutMs: 5_000,
  graceMs: 0,
  healthyAfter: 1,
  unhealthyAfter: 3,
  restart: true,
} as const;
export const statusesDefault = [{ low: 200, high: 399 }] as const;
export const buildTimeoutMsDefault = 30 * 60_000;
export const taskTimeoutMsDefault = 10 * 60_000;
export const keepDefault: Retention = { releases: 5, warm: 1, forMs: 24 * 3_600_000 };
