/**
 * How often a rollout by steps is taken back: although nothing is worse (false alarms), and when something
 * is (caught, how soon). Simulated traffic, looked at once a second, through the hub's own judgement.
 *
 *     SEED=2 npm run bench:canary
 */
import { LatencyHistogram, canaryPlanDefault, type CanaryEvidence } from "@propagit/protocol";
import { addToScatter, beginScatter, judge, slowLimits } from "@propagit/hub";
import { Dice } from "./dice.js";

interface Traffic {
  readonly perSecond: number;
  /** Probability that a request fails. */
  readonly failing: number;
  /** Of a log-normal distribution. */
  readonly medianMs: number;
}

interface Scenario {
  readonly name: string;
  readonly old: Traffic;
  readonly fresh: Partial<Traffic>;
  /** Requests that fail or not together, as one visitor's may. */
  readonly together?: number;
  /** Compared with all visitors of the old one, not with as many as the new one has. */
  readonly withAll?: boolean;
}

interface End {
  readonly step: number;
  readonly seconds: number;
}

const plan = canaryPlanDefault;
const spread = 0.8;
const commit = "7".repeat(40);
const old = { commit: "4".repeat(40) };
const normal: Traffic = { perSecond: 100, failing: 0.003, medianMs: 40 };

const unchanged: readonly Scenario[] = [
  { name: "0.3 % fail", old: normal, fresh: {} },
  { name: "0.3 % fail, compared with all", old: normal, fresh: {}, withAll: true },
  { name: "5 % fail", old: { ...normal, failing: 0.05 }, fresh: {} },
  { name: "10 requests a second", old: { ...normal, perSecond: 10 }, fresh: {} },
  { name: "worse by just the bounds", old: normal, fresh: { failing: 0.008, medianMs: 48 } },
  { name: "0.3 % fail, 5 together", old: normal, fresh: {}, together: 5 },
  { name: "1 % fail, 5 together", old: { ...normal, failing: 0.01 }, fresh: {}, together: 5 },
  { name: "5 % fail, 20 together", old: { ...normal, failing: 0.05 }, fresh: {}, together: 20 },
];
const worse: readonly Scenario[] = [0.015, 0.03, 0.1, 0.3].flatMap((failing) => {
  const name = `${failing * 100} % fail instead of 0.3 %`;
  return [
    { name, old: normal, fresh: { failing } },
    { name: `${name}, compared with all`, old: normal, fresh: { failing }, withAll: true },
    { name: `${name}, 5 requests a second`, old: { ...normal, perSecond: 5 }, fresh: { failing } },
  ];
});
const slower: readonly Scenario[] = [1.5, 2, 4].map((times) => ({
  name: `${times} times as slow`,
  old: normal,
  fresh: { medianMs: normal.medianMs * times },
}));

const seed = Number(process.env["SEED"] ?? 1);
for (const scenario of unchanged) report("false alarms", scenario, 2_000);
for (const scenario of [...worse, ...slower]) report("caught", scenario, 300);

function report(metric: string, scenario: Scenario, runs: number): void {
  const dice = new Dice(seed);
  const ends = Array.from({ length: runs }, () => run(scenario, dice));
  const alarms = ends.filter((end) => end !== undefined);
  const seconds = alarms.map((end) => end.seconds).sort((left, right) => left - right);
  const line = {
    bench: "canary",
    metric,
    scenario: scenario.name,
    rollouts: runs,
    takenBack: alarms.length,
    percent: Number(((alarms.length / runs) * 100).toFixed(2)),
    atFirstStep: alarms.filter(({ step }) => step === 0).length,
    medianSeconds: seconds[Math.floor(seconds.length / 2)],
    seed,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** One rollout; undefined when it was not taken back. */
function run(scenario: Scenario, dice: Dice): End | undefined {
  let seconds = 0;
  let scatter = beginScatter(0);
  for (const [step, percent] of plan.steps.entries()) {
    if (percent === 100) break;
    const limits = slowLimits(sampled(scenario.old, dice), plan);
    const evidence = { fresh: arm(), old: arm(), ...(limits && { slowAbove: limits }) };
    for (let second = 0; second < plan.everyMs / 1_000; second++) {
      seconds += 1;
      const allOld = count(evidence, scenario, percent, dice);
      scatter = addToScatter(scatter, allOld, seconds * 1_000);
      const verdict = judge({ commit, release: 12, old, plan, evidence, scatter });
      if (verdict.kind === "worse") return { step, seconds };
    }
  }
  return undefined;
}

type Counted = { -readonly [K in keyof CanaryEvidence["fresh"]]: number };

function arm(): Counted {
  return { requests: 0, failed: 0, timed: 0, slow: 0 };
}

interface Counts {
  readonly fresh: Counted;
  readonly old: Counted;
  readonly slowAbove?: CanaryEvidence["slowAbove"];
}

type Outcome = Pick<Counted, "requests" | "failed">;

/** One second. @returns what all visitors of the old one had */
function count(evidence: Counts, scenario: Scenario, percent: number, dice: Dice): Outcome {
  const { withAll = false, together = 1, old: before } = scenario;
  const after = { ...before, ...scenario.fresh };
  const share = percent / 100;
  const same = Math.min(share, 1 - share);
  add(evidence, "fresh", second(after, share, together, dice), dice, after);
  const own = second(before, same, together, dice);
  const others = second(before, 1 - share - same, together, dice);
  const all = { requests: own.requests + others.requests, failed: own.failed + others.failed };
  add(evidence, "old", withAll ? all : own, dice, before);
  return all;
}

function second({ perSecond, failing }: Traffic, part: number, together: number, dice: Dice) {
  const requests = dice.poisson(perSecond * part);
  const events = dice.binomial(Math.ceil(requests / together), failing);
  return { requests, failed: Math.min(requests, events * together) };
}

function add(
  evidence: Counts,
  side: "fresh" | "old",
  { requests, failed }: Outcome,
  dice: Dice,
  { medianMs }: Traffic,
): void {
  const counted = evidence[side];
  counted.requests += requests;
  counted.failed += failed;
  if (!evidence.slowAbove) return;
  counted.timed += requests;
  counted.slow += dice.binomial(requests, dice.tail(evidence.slowAbove[side], medianMs, spread));
}

/** What the old one did in the last seconds before a step. */
function sampled({ medianMs }: Traffic, dice: Dice): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (let index = 0; index < 500; index++) histogram.add(dice.logNormal(medianMs, spread));
  return histogram;
}
