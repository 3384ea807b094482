/** What the hub's plans have of this machine. */
import { localHost, openSshHosts, toolBox } from "@propagit/plan";
import { reachingOut, type PlanMeans } from "../plan-means.js";

/** @param runsPrograms plans may run anything here, and behind ssh as whoever the hub runs as */
export function planMeans(runsPrograms: boolean): PlanMeans {
  const whole = localHost({ name: "the hub" });
  const here = runsPrograms ? whole : reachingOut(whole);
  const hosts = openSshHosts();
  return {
    commands: toolBox,
    runsPrograms,
    hostFor: (where) => (where.kind === "host" ? hosts.host(where.host) : here),
    close: () => hosts.close(),
  };
}
