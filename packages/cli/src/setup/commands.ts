/** The commands of the plan of `propagit setup`. They are its own: no plan that people write has them. */
import type { Command, Commands } from "@propagit/plan";
import { parseAddress, type DroneSummary } from "@propagit/protocol";
import { findHubSecret } from "../hub-call.js";
import { connectStep } from "./connect-step.js";
import { joinedStep } from "./joined-step.js";
import { nodeStep } from "./node-step.js";
import { programStep } from "./program-step.js";
import { secretStep } from "./secret-step.js";
import { serviceStep } from "./service-step.js";
import { withHint } from "./with-hint.js";

export interface SetupMeans {
  /** The secret of a hub. Default: of the environment, or as it was kept with the remote of that address. */
  readonly secretFor?: (hub: string) => string | undefined;
  /** What the hub said of the drone of a host. */
  readonly onJoined?: (host: string, drone: DroneSummary) => void;
}

export function setupCommands(means: SetupMeans = {}): Commands {
  const { secretFor = knownSecret, onJoined = () => undefined } = means;
  const steps = [
    connectStep(),
    nodeStep(),
    programStep(),
    secretStep(secretFor),
    serviceStep(),
    joinedStep(onJoined),
  ] as readonly Command[];
  return new Map(steps.map((step) => [step.name, withHint(step)]));
}

function knownSecret(hub: string): string | undefined {
  return findHubSecret({ hub: parseAddress(hub) });
}
