import type { Command } from "commander";
import { accessCommand } from "./commands/access.js";
import { applyCommand } from "./commands/apply.js";
import { cancelCommand } from "./commands/cancel.js";
import { certificatesCommand } from "./commands/certificates.js";
import { checkCommand } from "./commands/check.js";
import { configCommand } from "./commands/config.js";
import { credentialCommand } from "./commands/credential.js";
import { deployCommand } from "./commands/deploy.js";
import { diffCommand } from "./commands/diff.js";
import { dronesCommand } from "./commands/drones.js";
import { envCommand } from "./commands/env.js";
import { eventsCommand } from "./commands/events.js";
import { execCommand } from "./commands/exec.js";
import { experimentCommand } from "./commands/experiment.js";
import { filesCommand } from "./commands/files.js";
import { followCommand } from "./commands/follow.js";
import { hubCommand } from "./commands/hub.js";
import { initCommand } from "./commands/init.js";
import { logsCommand } from "./commands/logs.js";
import { maintenanceCommand } from "./commands/maintenance.js";
import { pauseCommand, resumeCommand } from "./commands/pause.js";
import { pinCommand, unpinCommand } from "./commands/pin.js";
import { planCommand } from "./commands/plan.js";
import { plansCommand } from "./commands/plans.js";
import { promoteCommand } from "./commands/promote.js";
import { proxiesCommand } from "./commands/proxies.js";
import { proxyCommand } from "./commands/proxy.js";
import { psCommand } from "./commands/ps.js";
import { reapCommand } from "./commands/reap.js";
import { relayCommand } from "./commands/relay.js";
import { releaseCommand } from "./commands/release.js";
import { releasesCommand } from "./commands/releases.js";
import { remoteCommand } from "./commands/remote.js";
import { restartCommand } from "./commands/restart.js";
import { rollbackCommand } from "./commands/rollback.js";
import { rolloutCommand } from "./commands/rollout.js";
import { routeCommand } from "./commands/route.js";
import { runCommandCommand } from "./commands/run.js";
import { scaleCommand } from "./commands/scale.js";
import { secretsCommand } from "./commands/secrets.js";
import { serviceCommand } from "./commands/service.js";
import { setupCommand } from "./commands/setup.js";
import { shadowCommand } from "./commands/shadow.js";
import { spawnCommand } from "./commands/spawn.js";
import { splitCommand } from "./commands/split.js";
import { startCommand } from "./commands/start.js";
import { stopCommand } from "./commands/stop.js";
import { targetsCommand } from "./commands/targets.js";
import { swarmCommand } from "./commands/swarm.js";
import { topCommand } from "./commands/top.js";
import { upCommand } from "./commands/up.js";
import { droneWithManagement } from "./drone-program.js";
import { namedPropagit } from "./named-propagit.js";
import { examples } from "./examples.js";
import { addGroup, finish } from "./program.js";

/**
 * The `propagit` command line. Daemons are loaded when their command runs, not here: a `ps` need not
 * wait for the hub to be read, and an idle drone need not hold it in memory.
 */
export function propagitProgram(): Command {
  const program = namedPropagit().description(
    "git push to a hub; drones on every machine run that commit next to the others; a proxy decides who sees which.",
  );
  addGroup(program, "To begin with:", [
    upCommand(),
    initCommand(),
    checkCommand(),
    remoteCommand(),
    credentialCommand(),
  ]);
  addGroup(program, "Daemons:", [
    hubCommand(),
    droneWithManagement(),
    relayCommand(),
    proxyCommand(),
    serviceCommand(),
    setupCommand(),
  ]);
  addGroup(program, "Releases:", releaseCommands());
  addGroup(program, "Plans:", [planCommand(), applyCommand(), plansCommand(), configCommand()]);
  addGroup(program, "Settings:", [envCommand(), secretsCommand(), scaleCommand()]);
  addGroup(program, "Visitors:", visitorCommands());
  addGroup(program, "What runs:", [
    psCommand(),
    logsCommand(),
    runCommandCommand(),
    execCommand(),
    spawnCommand(),
    restartCommand(),
    stopCommand(),
    startCommand(),
  ]);
  addGroup(program, "The cluster:", [
    dronesCommand(),
    proxiesCommand(),
    swarmCommand(),
    filesCommand(),
    targetsCommand(),
    eventsCommand(),
  ]);
  return finish(
    examples(program, [
      "propagit hub --port=6001 --secret=beepboop &",
      "propagit drone --hub=localhost:6001 --secret=beepboop -- node web.js &",
      "git push http://localhost:6002/webapp master",
      "propagit deploy --hub=localhost:6001 --secret=beepboop webapp master",
      "propagit help deploy",
    ]),
  );
}

function releaseCommands(): readonly Command[] {
  return [
    deployCommand(),
    followCommand(),
    cancelCommand(),
    rollbackCommand(),
    releasesCommand(),
    releaseCommand(),
    diffCommand(),
    pinCommand(),
    unpinCommand(),
    reapCommand(),
  ];
}

function visitorCommands(): readonly Command[] {
  return [
    promoteCommand(),
    splitCommand(),
    rolloutCommand(),
    experimentCommand(),
    shadowCommand(),
    routeCommand(),
    accessCommand(),
    pauseCommand(),
    resumeCommand(),
    maintenanceCommand(),
    certificatesCommand(),
    topCommand(),
  ];
}
