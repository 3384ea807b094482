/** The methods by which changes in one step are asked for directly. */
import type { Handlers } from "@propagit/runtime";
import type { CanaryDesk } from "./canary-desk.js";
import type { DirectChanges } from "./direct-changes.js";
import type { RetentionDesk } from "./retention-desk.js";

interface Looking {
  /** What it would do is only looked at. */
  readonly retention: Pick<RetentionDesk, "reap">;
  /** It goes on by itself once it is begun. */
  readonly canaries: Pick<CanaryDesk, "follow">;
}

export function directHandlers(
  direct: Pick<DirectChanges, "carryOut">,
  { retention, canaries }: Looking,
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
  };
}
