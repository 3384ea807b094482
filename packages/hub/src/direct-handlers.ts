/** The methods by which changes in one step are asked for directly. */
import type { Handlers } from "@propagit/runtime";
import type { CanaryDesk } from "./canary-desk.js";
import type { CertificateDesk } from "./certificate-desk.js";
import type { DirectChanges } from "./direct-changes.js";
import type { RetentionDesk } from "./retention-desk.js";

interface Looking {
  /** What it would do is only looked at. */
  readonly retention: Pick<RetentionDesk, "reap">;
  /** It goes on by itself once it is begun. */
  readonly canaries: Pick<CanaryDesk, "follow">;
  /** Keys are hidden under the key of a session. */
  readonly certificates: Pick<CertificateDesk, "keyOf">;
}

export function directHandlers(
  direct: Pick<DirectChanges, "carryOut">,
  { retention, canaries, certificates }: Looking,
): Handlers {
  return {
    "hub.promote": ({ by, ...asked }, { signal }) =>
      direct.carryOut({ kind: "promote", ...asked }, { by, signal }),
    "hub.split": ({ by, ...asked }, { signal }) =>
      direct.carryOut({ kind: "split", ...asked }, { by, signal }),
    "hub.canary-start": async ({ by, detach = false, ...asked }, call) => {
      const { part, signal } = call;
      const begun = await direct.carryOut({ kind: "rollout", ...asked }, { by, part, signal });
      return detach ? begun : canaries.follow(begun, call);
    },
    "hub.canary-change": ({ by, ...asked }, { signal }) =>
      direct.carryOut({ kind: "rollout-change", ...asked }, { by, signal }),
    "hub.experiment-start": ({ by, ...asked }, { signal }) =>
      direct.carryOut({ kind: "experiment-start", ...asked }, { by, signal }),
    "hub.experiment-stop": ({ by, ...asked }, { signal }) =>
      direct.carryOut({ kind: "experiment-stop", ...asked }, { by, signal }),
    "hub.shadow": ({ by, ...asked }, { signal }) =>
      direct.carryOut({ kind: "shadow", ...asked }, { by, signal }),
    "hub.stop": ({ by, ...asked }, { part, signal }) =>
      direct.carryOut({ kind: "stop", ...asked }, { by, part, signal }),
    "hub.reap": ({ by, dryRun, ...asked }, { signal }) =>
      dryRun
        ? retention.reap({ dryRun, ...asked })
        : direct.carryOut({ kind: "reap", ...asked }, { by, signal }),
    "hub.rules": ({ by, ...asked }, { signal }) =>
      direct.carryOut({ kind: "rules", ...asked }, { by, signal }),
    "hub.host": ({ by, ...asked }, { signal }) =>
      direct.carryOut({ kind: "host", ...asked }, { by, signal }),
    "hub.pin": ({ by, pinned, ...asked }, { signal }) =>
      pinned
        ? direct.carryOut({ kind: "pin", ...asked }, { by, signal })
        : direct.carryOut({ kind: "unpin", ...asked }, { by, signal }),
    "hub.hold": ({ by, target, start, force }, { part, signal }) => {
      const asker = { by, part, signal };
      return start
        ? direct.carryOut({ kind: "start", target }, asker)
        : direct.carryOut({ kind: "hold", target, force }, asker);
    },
    "hub.restart": ({ by, target }, { part, signal }) =>
      direct.carryOut({ kind: "restart", target }, { by, part, signal }),
    "hub.drain": ({ by, drone, drain }, { part, signal }) => {
      const asker = { by, part, signal };
      return drain
        ? direct.carryOut({ kind: "drain", drone }, asker)
        : direct.carryOut({ kind: "undrain", drone }, asker);
    },
    ...fleetHandlers(direct, certificates),
  };
}

/** Of what no plan may hold, the plan has the names. */
function fleetHandlers(
  direct: Pick<DirectChanges, "carryOut">,
  certificates: Looking["certificates"],
): Handlers {
  return {
    "hub.access": ({ by, add, ...asked }, { signal }) => {
      const secrets = add && { password: add.hash };
      const change = { kind: "access" as const, ...asked, ...(add && { add: add.name }) };
      return direct.carryOut(change, { by, signal, ...(secrets && { secrets }) });
    },
    "hub.label": ({ by, ...asked }, { signal }) =>
      direct.carryOut({ kind: "label", ...asked }, { by, signal }),
    "hub.cancel": ({ by, ...asked }, { part, signal }) =>
      direct.carryOut({ kind: "cancel", ...asked }, { by, part, signal }),
    "hub.spawn": ({ by, service, ...asked }, { part, signal }) => {
      const { env: secrets, ...bare } = service;
      const what = { service: { ...bare, env: {} }, variables: Object.keys(secrets) };
      return direct.carryOut({ kind: "spawn", ...asked, ...what }, { by, part, signal, secrets });
    },
    "hub.certificate-add": ({ by, certificate, ...hidden }, { conversation, signal }) => {
      const secrets = { key: certificates.keyOf(hidden, { conversation }) };
      return direct.carryOut({ kind: "certificate-add", certificate }, { by, signal, secrets });
    },
    "hub.certificate-remove": ({ by, ...asked }, { signal }) =>
      direct.carryOut({ kind: "certificate-remove", ...asked }, { by, signal }),
    "hub.certificate-renew": ({ by, ...asked }, { signal }) =>
      direct.carryOut({ kind: "certificate-renew", ...asked }, { by, signal }),
    "hub.acme": ({ by, ...asked }, { signal }) =>
      direct.carryOut({ kind: "acme", ...asked }, { by, signal }),
  };
}
