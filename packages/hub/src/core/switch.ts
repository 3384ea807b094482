/**
 * What proxies say of a switch, judged. One proxy that cannot see where others already can is the one with the
 * fault: it is cut off, and the switch goes on. When none can see it, the fault is not with the proxies, and
 * nobody is sent there.
 */
import { shortCommit, type InstanceReport, type SeenDeployment } from "@propagit/protocol";
import type { DeploymentRow } from "./rows.js";

/** What one proxy said, or that it said nothing within its time; `gone`: nobody waits for it any more. */
export type Sight =
  | { readonly kind: "sees" }
  | { readonly kind: "misses"; readonly what: string }
  | { readonly kind: "silent" }
  | { readonly kind: "gone" };

export interface Judgement {
  /** Why visitors may not be sent there; undefined when they may. */
  readonly unseen: string | undefined;
  /** Proxies to be cut off, and why. */
  readonly cut: ReadonlyMap<string, string>;
}

/** @param sights by proxy */
export function judgeSights(
  sights: ReadonlyMap<string, Sight>,
  nameOf: (proxy: string) => string,
  limitMs: number,
): Judgement {
  const within = `within ${limitMs / 1_000} s`;
  const isSeen = [...sights.values()].some(({ kind }) => kind === "sees");
  const cut = new Map<string, string>();
  let unseen: string | undefined;
  for (const [proxy, sight] of sights) {
    switch (sight.kind) {
      case "sees":
      case "gone":
        break;
      case "silent":
        cut.set(proxy, `it did not answer ${within}`);
        break;
      case "misses":
        if (isSeen) cut.set(proxy, `it knows ${sight.what} ${within}, and others do`);
        else unseen ??= `proxy ${nameOf(proxy)} knows ${sight.what}`;
        break;
      default:
        sight satisfies never;
    }
  }
  return { unseen, cut };
}

/** `no endpoint of http of webapp 74336bc`, for `Sight`. */
export function missingText(
  missing: readonly { readonly deployment: string; readonly service: string }[],
  deployments: readonly SeenDeployment[],
): string {
  const texts = missing.map(({ deployment, service }) => {
    const found = deployments.find(({ id }) => id === deployment);
    return found ? `${service} of ${found.repo} ${shortCommit(found.commit)}` : service;
  });
  return `no endpoint of ${texts.join(", ")}`;
}

/** What of a deployment proxies must know: every name under which a ready instance of it says it is registered. */
export function seenDeploymentOf(
  { id, repo, environment, commit }: DeploymentRow,
  reports: Iterable<InstanceReport>,
): SeenDeployment {
  const services = new Set<string>();
  for (const report of reports) {
    if (report.deployment !== id || report.phase !== "ready") continue;
    for (const service of report.services) services.add(service);
  }
  return { id, repo, environment, commit, services: [...services].sort() };
}
