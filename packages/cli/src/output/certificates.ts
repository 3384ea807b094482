/** Certificates as a table, what went wrong below it, and which authority is asked. */
import type { AcmeSummary, CertificateSummary } from "@propagit/protocol";
import { badColour, dimColour, goodColour } from "./colour.js";
import { formatAge, formatMoment } from "./duration.js";
import { formatTable, type Column } from "./table.js";
import { plainText } from "./text-width.js";

/** From then on it stands out: half of what is left when an authority is asked for a renewal. */
const soonMs = 14 * 86_400_000;

export function formatCertificates(
  certificates: readonly CertificateSummary[],
  acme: AcmeSummary | undefined,
  now: number,
): string {
  const about = acme ? `\n${formatAcme(acme, now)}` : "";
  if (certificates.length === 0) {
    const hint = acme ? "ask for a host: propagit certificates acme --host HOST" : beginHint;
    return `no certificates yet; ${hint}\n${about}`;
  }
  const wrong = certificates
    .filter(({ error }) => error !== undefined)
    .map(({ names, error = "" }) => `${badColour(`${names[0]}:`)} ${plainText(error)}\n`);
  return [formatTable(columns(now), certificates), ...wrong, about].join("");
}

/** What they were good for is no matter any more. */
export function formatRemoved(removed: readonly CertificateSummary[]): string {
  return removed
    .map(
      ({ names, id }) => `taken away: ${names.join(", ")}${id === undefined ? "" : ` (${id})`}\n`,
    )
    .join("");
}

export function formatAcme(acme: AcmeSummary, now: number): string {
  const { directory, email, challenge, hosts, allow, pausedUntil } = acme;
  const asked = [
    ...hosts.slice(0, 20),
    ...(hosts.length > 20 ? [`${hosts.length - 20} more`] : []),
    ...(allow.length > 0 ? [`hosts of routes that fit ${allow.join(", ")}`] : []),
  ];
  const lines = [
    `${directory} (${challenge}${email === undefined ? "" : `, ${email}`})`,
    `is asked for ${asked.join(", ") || "nothing yet; name hosts with --host or --allow"}`,
    ...(pausedUntil !== undefined && pausedUntil > now
      ? [`wishes to be left alone until ${formatMoment(pausedUntil)}`]
      : []),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

const beginHint =
  "add one: propagit certificates add CERT.pem KEY.pem, or have them made: propagit help certificates acme";

function columns(now: number): readonly Column<CertificateSummary>[] {
  return [
    { head: "HOSTS", cut: "late", cell: formatNames },
    {
      head: "STATE",
      cell: ({ state }) => state,
      colour: ({ state }, text) => colourState(state, text),
    },
    {
      head: "GOOD FOR",
      alignRight: true,
      cell: ({ notAfter }) => (notAfter === undefined ? "-" : formatAge(notAfter - now)),
      colour: ({ notAfter = Number.POSITIVE_INFINITY }, text) =>
        notAfter - now < soonMs ? badColour(text) : text,
    },
    {
      head: "NEXT",
      alignRight: true,
      leaveOut: 2,
      cell: ({ nextAt }) => (nextAt === undefined ? "-" : formatAge(nextAt - now)),
    },
    { head: "FROM", leaveOut: 3, cut: "early", cell: ({ issuer = "-" }) => plainText(issuer) },
    { head: "SOURCE", leaveOut: 1, cell: ({ source }) => source },
    { head: "ID", leaveOut: 4, cell: ({ id = "-" }) => id },
  ];
}

function formatNames({ names }: CertificateSummary): string {
  const [first = "", second, ...more] = names;
  if (second === undefined) return first;
  return more.length === 0 ? `${first}, ${second}` : `${first} and ${names.length - 1} more`;
}

function colourState(state: CertificateSummary["state"], text: string): string {
  switch (state) {
    case "valid":
      return goodColour(text);
    case "expired":
    case "failing":
      return badColour(text);
    case "early":
    case "waiting":
    case "ordering":
      return dimColour(text);
    default:
      return state satisfies never;
  }
}
