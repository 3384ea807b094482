/** Plans of certificates: those that are brought, taken away, or asked of an authority. */
import { acmeRowOf, directoryOf, keepsAccount } from "../acme-settings.js";
import {
  findToRemove,
  noCertificate,
  refuseHosts,
  refuseOver,
  refuseUnasked,
  replacedBy,
} from "../certificate-edits.js";
import { hostsWanted, newestByHost } from "../certificate-plan.js";
import { acmeKey, type AcmeRow, type CertificateRow } from "../certificate-rows.js";
import { someOf } from "../some-of.js";
import { partOf } from "./basis.js";
import { oneStep, type ChangeOf, type PlannedStep } from "./one-step.js";
import type { PlannerView } from "./planner-view.js";

const nameChars = 200;
const hostsToldMax = 30;
const parts = [partOf.certificates];

/** @param read what it says of itself. @throws BAD_CERTIFICATE, TOO_LARGE */
export function planCertificateAdd(
  view: PlannerView,
  read: Pick<CertificateRow, "issuer" | "notAfter" | "certificate"> & {
    readonly names: readonly string[];
  },
  request: ChangeOf<"certificate-add">,
): PlannedStep {
  const { names, issuer, notAfter, certificate } = read;
  refuseOver(read, view.now);
  const replaced = replacedBy(view.rows, names);
  return oneStep(view, {
    name: `add a certificate for ${someOf(names)}`.slice(0, nameChars),
    request,
    parts,
    step: { command: "add-certificate", certificate },
    isSo: false,
    warnings: [
      `it is of ${issuer}, good until ${dayOf(notAfter)}`,
      ...replaced.map((row) => `it takes the place of that of ${row.issuer}, ${untilOf(row)}`),
    ],
  });
}

/** @throws NO_CERTIFICATE */
export function planCertificateRemove(
  view: PlannerView,
  request: ChangeOf<"certificate-remove">,
): PlannedStep {
  const { name } = request;
  const found = findToRemove(view.rows, name);
  if (!found) throw noCertificate(name);
  return oneStep(view, {
    name: `take certificates of ${name} away`.slice(0, nameChars),
    request,
    parts,
    step: { command: "remove-certificate", name },
    isSo: false,
    warnings: [
      ...found.certificates
        .slice(0, hostsToldMax)
        .map((row) => `that of ${row.issuer} for ${someOf(row.names)} would go, ${untilOf(row)}`),
      ...(found.acme ? [`no authority is asked for ${name} by its name any more`] : []),
    ],
  });
}

/** @throws NO_CERTIFICATE */
export function planCertificateRenew(
  view: PlannerView,
  request: ChangeOf<"certificate-renew">,
): PlannedStep {
  const hosts = [...new Set(request.hosts)];
  refuseUnasked(view.rows, hosts, view.now);
  const directory = view.rows.rows("acme").get(acmeKey)?.directory ?? "the authority";
  const newest = newestByHost(view.rows);
  return oneStep(view, {
    name: `renew certificates of ${someOf(hosts)}`.slice(0, nameChars),
    request,
    parts,
    step: { command: "renew-certificates", hosts },
    isSo: hosts.length === 0,
    warnings: hosts.slice(0, hostsToldMax).map((host) => {
      const row = newest.get(host);
      return `${directory} is asked for ${host}; ${row ? `there is one, ${untilOf(row)}` : "there is none yet"}`;
    }),
  });
}

/** @throws BAD_USAGE */
export function planAcme(view: PlannerView, request: ChangeOf<"acme">): PlannedStep {
  const { kind: _, ...wish } = request;
  refuseHosts(wish.addHosts);
  const before = view.rows.rows("acme").get(acmeKey);
  const isKept = before !== undefined && keepsAccount(wish, before);
  const account = before?.account ?? { url: "", hidden: "" };
  const after = acmeRowOf(wish, before, account, view.now);
  const isSo = isKept && lineOf(before) === lineOf(after);
  const asked = before ? hostsWanted(view.rows, before, view.now) : [];
  const wanted = hostsWanted(view.rows, after, view.now);
  const added = wanted.filter((host) => !asked.includes(host));
  const dropped = asked.filter((host) => !wanted.includes(host));
  return oneStep(view, {
    name: "change which authority gives certificates",
    request,
    parts,
    step: { command: "change-authority", ...wish },
    isSo,
    skipped: isSo ? [{ what: after.directory, why: "it is asked like that already" }] : [],
    warnings: [
      ...(isKept ? [] : [`${directoryOf(wish, before)} is asked for an account first`]),
      ...(added.length > 0 ? [`certificates would be asked for: ${someOf(added)}`] : []),
      ...(dropped.length > 0 ? [`no longer asked for: ${someOf(dropped)}`] : []),
    ],
  });
}

/** What is asked, without who said so. */
function lineOf({ directory, challenge, hosts, allow }: AcmeRow): string {
  return JSON.stringify([directory, challenge, hosts, allow]);
}

function untilOf({ notAfter }: Pick<CertificateRow, "notAfter">): string {
  return `good until ${dayOf(notAfter)}`;
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
