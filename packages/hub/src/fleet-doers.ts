/** Who changes who may come, labels of drones, what runs beside releases, and certificates: see `step-doers.ts`. */
import {
  PropagitError,
  toPropagitError,
  type Params,
  type Part,
  type Result,
} from "@propagit/protocol";
import { whyFailed } from "./core/failed-instances.js";
import { progressLines } from "./core/rollout-lines.js";
import { changeAccess } from "./plan-commands/access.js";
import { runInRelease, spawnService } from "./plan-commands/beside-release.js";
import { cancelRelease } from "./plan-commands/cancel-release.js";
import {
  addCertificate,
  changeAuthority,
  removeCertificate,
  renewCertificates,
} from "./plan-commands/certificates.js";
import { labelDrone } from "./plan-commands/label-drone.js";
import type { ReleaseName } from "./rollout-queues.js";
import {
  doer,
  progressLine,
  type Secrets,
  type StepCall,
  type StepDesks,
  type StepDoer,
} from "./step-doers.js";

export function fleetDoers(desks: StepDesks): readonly StepDoer[] {
  const { rules, drones } = desks;
  return [
    doer("hub.access", changeAccess, {
      do: ({ add: user, ...words }, { by, secrets, isAgain }) => {
        const hash = user === undefined ? "" : secretOf(secrets, "password", accessHint);
        const add = user === undefined ? {} : { add: { name: user, hash } };
        return rules.access({ ...words, ...add, by }, { isAgain });
      },
    }),
    doer("hub.label", labelDrone, {
      do: ({ name: drone, set, unset }, { by }) =>
        drones.label({ drone, set, unset: [...unset], by }),
    }),
    ...releaseDoers(desks),
    ...certificateDoers(desks),
  ];
}

function releaseDoers({ rollouts, scales }: StepDesks): readonly StepDoer[] {
  return [
    doer("hub.cancel", cancelRelease, {
      do: (words, call) => cancelled(rollouts, words, call),
      lineOf: (part) => progressLines(part).join("\n"),
      failureOf: ({ outcome }) =>
        outcome === "ready" || outcome === "unchanged" ? "it was ready before" : undefined,
    }),
    doer("hub.spawn", spawnService, {
      do: ({ release, service, variables, drones: names, ...words }, { by, secrets, ...call }) => {
        const values = variables.map((name) => [name, secretOf(secrets, name, spawnHint)]);
        const env: Record<string, string> = { ...service.env, ...Object.fromEntries(values) };
        const drones = names ? { names: [...names] } : {};
        const what = { ...words, release: String(release), service: { ...service, env } };
        return scales.spawn({ ...what, drones, one: false, by }, call);
      },
      lineOf: progressLine,
      failureOf: ({ failed }) => whyFailed(failed, "see why with `propagit logs`"),
    }),
    doer("hub.run", runInRelease, {
      do: () => Promise.reject(nobodyLooksOn()),
    }),
  ];
}

function certificateDoers({ certificates }: StepDesks): readonly StepDoer[] {
  return [
    doer("hub.certificate-add", addCertificate, {
      do: ({ certificate }, { by, secrets }) =>
        certificates.add({ certificate, key: secretOf(secrets, "key", certificateHint), by }),
    }),
    doer("hub.certificate-remove", removeCertificate, {
      do: ({ name }, { by, isAgain }) => certificates.remove({ name, by }, { isAgain }),
    }),
    doer("hub.certificate-renew", renewCertificates, {
      do: ({ hosts }, { by }) => certificates.renew({ hosts: [...hosts], by }),
    }),
    doer("hub.acme", changeAuthority, {
      do: (wish, { by, signal }) => certificates.acme({ ...saidOf(wish), by }, { signal }),
    }),
  ];
}

/** What is left out of a plan is left as it is. */
function saidOf(wish: object): Params<"hub.acme"> {
  const said = Object.entries(wish).filter(([, value]) => value !== undefined);
  return Object.fromEntries(said) as Params<"hub.acme">;
}

/** What a former life of the hub cancelled may be over by now. */
async function cancelled(
  rollouts: StepDesks["rollouts"],
  release: ReleaseName,
  { by, signal, part, isAgain }: StepCall<Part<"hub.cancel">>,
): Promise<Result<"hub.cancel">> {
  const asker = { onPart: part, signal };
  try {
    return await rollouts.cancel(release, by, asker);
  } catch (thrown) {
    if (!isAgain || toPropagitError(thrown).code !== "NO_RELEASE") throw thrown;
    return rollouts.follow(release, asker);
  }
}

const accessHint = "give access anew: propagit access add REPO USER";
const spawnHint = "start it anew: propagit spawn REPO --env NAME=VALUE -- COMMAND";
const certificateHint = "add it anew: propagit certificates add CERTIFICATE KEY";

/** @throws TASK_REFUSED */
function secretOf(secrets: Secrets | undefined, name: string, hint: string): string {
  const value = secrets?.[name];
  if (value !== undefined) return value;
  const why = `nobody says the ${name}, which is in no plan`;
  throw new PropagitError("TASK_REFUSED", why, { hint });
}

function nobodyLooksOn(): PropagitError {
  const why = "a command is run only while somebody looks on at what it says";
  return new PropagitError("TASK_REFUSED", why, { hint: "run it: propagit run REPO -- COMMAND" });
}
