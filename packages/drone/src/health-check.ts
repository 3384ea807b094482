/** Makes one health check of an instance: the answer, and which of the machine's addresses gave it. */
import { toPropagitError, type Health } from "@propagit/protocol";
import { isFine, type CheckAnswer } from "./core/health.js";
import type { CheckResult, Checks, LaunchRequest } from "./world.js";

export interface CheckPlace {
  /** An app may listen at one of them only; they are tried in this order. */
  readonly hosts: readonly string[];
  /** The first port; undefined for what never listens. */
  readonly port: number | undefined;
  /** A command in the folder and environment of the instance. */
  readonly inPlace: (
    command: readonly string[],
  ) => Promise<Pick<LaunchRequest, "command" | "folder" | "variables" | "user">>;
}

export interface PlacedAnswer extends CheckAnswer {
  readonly host: string | undefined;
}

/** Never fails: what goes wrong is an answer. */
export async function runHealthCheck(
  checks: Checks,
  health: Health,
  place: CheckPlace,
): Promise<PlacedAnswer> {
  const { check, timeoutMs } = health;
  try {
    if (check.kind !== "command") return await firstThatAnswers(checks, health, place);
    const answer = await checks.command(await place.inPlace(check.command), timeoutMs);
    return { ...answer, host: undefined };
  } catch (thrown) {
    return { ok: false, reason: toPropagitError(thrown).message, host: undefined };
  }
}

async function firstThatAnswers(
  checks: Checks,
  health: Health,
  { hosts, port }: CheckPlace,
): Promise<PlacedAnswer> {
  if (port === undefined) return { ok: false, reason: "it has no port to check", host: undefined };
  let first: PlacedAnswer | undefined;
  for (const host of hosts) {
    const { isAnswer, ...answer } = await ask(checks, health, host, port);
    if (isAnswer) return { ...answer, host };
    first ??= { ...answer, host: undefined };
  }
  return first ?? { ok: false, reason: "there is no address to check", host: undefined };
}

/** `isAnswer`: somebody is there, or took all the time; the other addresses need not be asked. */
async function ask(
  checks: Checks,
  { check, timeoutMs }: Health,
  host: string,
  port: number,
): Promise<CheckAnswer & { readonly isAnswer: boolean }> {
  if (check.kind !== "http") {
    const answer = await checks.tcp(host, port, timeoutMs);
    return { ...answer, isAnswer: answer.ok };
  }
  const name = host.includes(":") ? `[${host}]` : host;
  const { status, ...answer } = await checks.http(`http://${name}:${port}${check.path}`, timeoutMs);
  if (status === undefined) return { ...said(check.path, answer), isAnswer: false };
  const ok = isFine(status, check.statuses);
  return { ok, reason: ok ? "" : `GET ${check.path} returned ${status}`, isAnswer: true };
}

function said(path: string, { ok, reason }: CheckResult): CheckAnswer {
  return { ok, reason: `GET ${path}: ${reason}` };
}
