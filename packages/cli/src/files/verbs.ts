/** What deploy-in-stages' users asked of jobs, asked of pushes: `status`, `stop`, `age`, `reset`, `more`. */
import type { RunAsk } from "@propagit/plan";
import { PropagitError, quote, type PlanDelegation, type PlanSummary } from "@propagit/protocol";
import { collect, withHub, type HubFlags } from "../hub-call.js";
import { badColour, dimColour, goodColour, headColour } from "../output/colour.js";
import { formatAge, formatDuration } from "../output/duration.js";
import { print, printJson } from "../output/print.js";
import { plainText } from "../output/text-width.js";
import { askHub, plansOfHub, statusOfHub } from "../plans/hub-plans.js";
import { bucketOf, buckets, hostsOf, isJob, type Bucket, type JobHost } from "./jobs.js";

/** Lines of what happened last. */
const lastMax = 5;
const activeBuckets: ReadonlySet<Bucket> = new Set<Bucket>(["queued", "pending"]);

export interface JobFlags extends HubFlags {
  readonly json?: boolean;
}

/** Newest first. */
export async function jobsOf(flags: HubFlags): Promise<readonly PlanSummary[]> {
  return (await plansOfHub(flags)).filter(isJob);
}

/** Of a bucket, or those on their way. */
export async function showJobs(jobs: readonly PlanSummary[], flags: JobFlags): Promise<void> {
  const shown = [];
  for (const job of jobs) shown.push(await lookAt(job.run, flags));
  if (flags.json) return printJson(shown);
  print(shown.map((one) => jobText(one, Date.now())).join("\n"));
}

export async function showJob(run: string, flags: JobFlags): Promise<void> {
  const seen = await lookAt(run, flags);
  if (flags.json) printJson(seen);
  else print(jobText(seen, Date.now()));
}

/** The job that an id, or its beginning, means. @throws NO_PLAN, AMBIGUOUS */
export function findJob(jobs: readonly PlanSummary[], prefix: string): PlanSummary {
  const found = jobs.filter(({ run }) => run.startsWith(prefix));
  const [job, ...others] = found;
  if (!job) {
    throw new PropagitError("NO_PLAN", `no push has the id ${quote(prefix)}`, {
      hint: "see them with `propagit files status` and `propagit plans`",
    });
  }
  if (others.length === 0) return job;
  const ids = found.map(({ run }) => run).join(", ");
  throw new PropagitError("AMBIGUOUS", `${prefix} fits the pushes ${ids}`);
}

export async function askJob(prefix: string, ask: RunAsk, flags: HubFlags): Promise<void> {
  const { run } = findJob(await jobsOf(flags), prefix);
  await askHub(run, ask, flags).catch((thrown: unknown) => {
    throw inOwnWords(thrown, ask, run);
  });
}

/** As it was typed: who said `age` knows of no `skip-wait`, and who stopped a push of no plan. */
export function inOwnWords(thrown: unknown, { kind }: RunAsk, run: string): unknown {
  const word = { "skip-wait": "age", retry: "reset", stop: "stop" }[kind as string];
  if (!(thrown instanceof PropagitError) || thrown.code !== "NOT_NOW" || word === undefined) {
    return thrown;
  }
  const message = thrown.message
    .replace(`plan ${run} cannot be asked to ${kind}`, `push ${run} cannot be asked to ${word}`)
    .replace("no stage waits", "nothing waits for its time");
  return new PropagitError("NOT_NOW", message, {
    hint: `see where it stands: propagit files status ${run}`,
    cause: thrown,
  });
}

/** What the ancestor counted each time when cron had it look; the hub does what is due by itself. */
export async function showMore(flags: HubFlags & { readonly quiet?: boolean }): Promise<void> {
  const jobs = await jobsOf(flags);
  if (flags.quiet) return;
  const active = jobs.filter(isActive);
  const seen = [];
  for (const { run } of active) seen.push(await lookAt(run, flags));
  const hosts = seen.flatMap((job) => job.hosts);
  const counted = (state: JobHost["state"]) => hosts.filter((one) => one.state === state).length;
  const inBucket = (bucket: Bucket) => jobs.filter((job) => bucketOf(job) === bucket).length;
  const lines: readonly (readonly [string, number])[] = [
    ["payloads on their way", counted("running")],
    ["retries to come", counted("retrying")],
    ["delegates that work", seen.flatMap(({ parts }) => parts).filter(isWorking).length],
    ["finished", inBucket("done")],
    ["failed", inBucket("failed")],
    ["delegated", seen.flatMap(({ parts }) => parts).length],
    ["idle", counted("never-run")],
    ["malformed", jobs.filter(({ state }) => state === "unreadable").length],
  ];
  print(lines.map(([what, count]) => `${String(count).padStart(5)} ${what}\n`).join(""));
}

function isWorking({ plan }: PlanDelegation): boolean {
  return plan.state !== "over";
}

export interface SeenJob extends PlanSummary {
  readonly bucket: Bucket;
  readonly hosts: readonly JobHost[];
  readonly parts: readonly PlanDelegation[];
  /** When its next stage begins, where that is known. */
  readonly nextAt?: number;
}

async function lookAt(run: string, flags: HubFlags): Promise<SeenJob> {
  const { stages, locks, ...summary } = await statusOfHub(run, true, flags);
  const parts = await withHub(flags, (hub) =>
    collect<PlanDelegation>(async (onPart) => {
      const { delegations } = await hub.call("hub.plan-delegations", { id: run }, { onPart });
      return delegations;
    }),
  );
  const hosts = hostsOf(run, stages, parts);
  // What is paused waits for no time.
  const times = [
    ...stages.flatMap(({ waits }) => waits?.until ?? []),
    ...parts.flatMap((part) => part.stages.flatMap(({ waits }) => waits?.until ?? [])),
    ...(summary.state === "paused" ? [] : hosts).flatMap(({ state, nextAt }) =>
      state === "retrying" ? (nextAt ?? []) : [],
    ),
  ];
  const whole = { ...summary, locks: [...locks] };
  const nextAt = times.length > 0 ? { nextAt: Math.min(...times) } : {};
  return { ...whole, bucket: bucketOf(whole), hosts, parts, ...nextAt };
}

const groups: readonly (readonly [string, readonly JobHost["state"][]])[] = [
  ["done", ["done", "unchanged"]],
  ["failed", ["failed", "unknown"]],
  ["stopped", ["stopped"]],
  ["running", ["running"]],
  ["tried again", ["retrying"]],
];
/** Of one that is over nothing is to come. */
const neverRun = (bucket: Bucket) =>
  [activeBuckets.has(bucket) ? "pending" : "never begun", ["never-run"]] as const;

export function jobText(job: SeenJob, now: number): string {
  const { run, name, bucket, by, beganAt, nextAt, hosts, parts } = job;
  const since = beganAt === undefined ? "" : `, since ${formatAge(now - beganAt)}`;
  const colour = bucket === "failed" || bucket === "stopped" ? badColour : goodColour;
  const head = `${headColour(plainText(name))}  ${run} ${colour(bucket)}${since} by ${plainText(by)}\n`;
  const next = nextAt === undefined ? "" : `   next ${timeWords(nextAt - now)}\n`;
  const lines = [...groups, neverRun(bucket)].flatMap(([word, states]) => {
    const names = hosts.filter(({ state }) => states.includes(state)).map(hostWords);
    return names.length === 0 ? [] : [`   ${word} ${names.length}: ${names.join(", ")}\n`];
  });
  const cut = (activeBuckets.has(bucket) ? parts : [])
    .filter(({ line }) => line !== "up")
    .filter(isWorking)
    .map(({ relay, line }) => {
      const why =
        line === "cut" ? "there is no line to it, and it goes on" : "has not taken it over";
      return `   ${relay}: ${why}\n`;
    });
  return head + next + lines.join("") + cut.join("") + lastText(hosts, now);
}

function hostWords({ host, way }: JobHost): string {
  return way.length === 0 ? host : `${host} (by ${way.join(" > ")})`;
}

function lastText(hosts: readonly JobHost[], now: number): string {
  return hosts
    .filter(({ endedAt }) => endedAt !== undefined)
    .toSorted((left, right) => (left.endedAt ?? 0) - (right.endedAt ?? 0))
    .slice(-lastMax)
    .map(({ host, state, reason, endedAt = now }) => {
      const why = reason === undefined ? "" : `: ${plainText(reason)}`;
      return dimColour(`   ${formatAge(now - endedAt)} ago  ${host} ${state}${why}\n`);
    })
    .join("");
}

function timeWords(ms: number): string {
  return ms <= 0 ? "now" : `in ${formatDuration(ms)}`;
}

/** A word that says which: a bucket, or `active`; undefined when it is none. */
export function jobsNamed(
  word: string,
  jobs: readonly PlanSummary[],
): readonly PlanSummary[] | undefined {
  if (word === "active") return jobs.filter(isActive);
  const bucket = buckets.find((one) => one === word);
  return bucket && jobs.filter((job) => bucketOf(job) === bucket);
}

export function isActive(job: PlanSummary): boolean {
  return activeBuckets.has(bucketOf(job));
}
