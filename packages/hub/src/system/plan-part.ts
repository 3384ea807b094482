/** What the hub's plans have of this machine. */
import { localHost, openSshHosts, type ProjectCommands } from "@propagit/plan";
import { hubCommands } from "../plan-commands/hub-commands.js";
import { reachingOut, type PlanMeans } from "../plan-means.js";

/**
 * @param project runs commands of projects on this machine
 * @param runsPrograms plans may run anything here, and behind ssh as whoever the hub runs as
 */
export function planMeans(project: ProjectCommands, runsPrograms: boolean): PlanMeans {
  const whole = localHost({ name: "the hub" });
  const here = runsPrograms ? whole : reachingOut(whole);
  const hosts = openSshHosts();
  return {
    commands: hubCommands,
    runsPrograms,
    ...(runsPrograms && { project }),
    hostFor: (where) => (where.kind === "host" ? hosts.host(where.host) : here),
    close: () => hosts.close(),
  };
}
