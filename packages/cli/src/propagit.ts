import { Command } from "commander";
import { deployCommand } from "./commands/deploy.js";
import { droneCommand } from "./commands/drone.js";
import { dronesCommand } from "./commands/drones.js";
import { eventsCommand } from "./commands/events.js";
import { hubCommand } from "./commands/hub.js";
import { promoteCommand } from "./commands/promote.js";
import { proxyCommand } from "./commands/proxy.js";
import { psCommand } from "./commands/ps.js";
import { splitCommand } from "./commands/split.js";
import { stopCommand } from "./commands/stop.js";
import { examples } from "./examples.js";
import { finish } from "./program.js";
import { version } from "./version.js";

/**
 * The `propagit` command line. Daemons are loaded when their command runs, not here: a `ps` need not
 * wait for the hub to be read, and an idle drone need not hold it in memory.
 */
export function propagitProgram(): Command {
  const program = new Command("propagit")
    .description(
      "git push to a hub; drones on every machine run that commit next to the others; a proxy decides who sees which.",
    )
    .version(version, "-V, --version", "print the version");
  for (const command of [
    hubCommand(),
    droneCommand(),
    proxyCommand(),
    deployCommand(),
    promoteCommand(),
    splitCommand(),
    stopCommand(),
    psCommand(),
    dronesCommand(),
    eventsCommand(),
  ]) {
    program.addCommand(command);
  }
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
