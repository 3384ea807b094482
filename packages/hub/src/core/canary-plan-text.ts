/** The plan of a rollout by steps as the flags of `propagit rollout` say it. */
import type { CanaryPlan } from "@propagit/protocol";

type Written = { readonly [Key in keyof CanaryPlan]: (plan: CanaryPlan) => string };

const flags: Written = {
  steps: ({ steps }) => `--steps ${steps.map((step) => `${step}%`).join(",")}`,
  everyMs: ({ everyMs }) => `--every ${formatSpan(everyMs)}`,
  minRequests: ({ minRequests }) => `--min-requests ${minRequests}`,
  inconclusive: ({ inconclusive }) => `--inconclusive ${inconclusive}`,
  compare: ({ compare }) => `--compare ${compare}`,
  errorPoints: ({ errorPoints }) => `--max-error-rate +${errorPoints}`,
  p95Ratio: ({ p95Ratio }) => `--max-p95 ${p95Ratio}x`,
};

/** How the plan has what is said otherwise, a flag each; what is not said is no difference. */
export function differencesOf(plan: CanaryPlan, said: Partial<CanaryPlan>): readonly string[] {
  const other = { ...plan, ...said };
  return Object.values(flags).flatMap((write) => {
    const own = write(plan);
    return own === write(other) ? [] : [own];
  });
}

const units = [
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** As the flag takes it: in the largest unit that it is a whole number of. */
function formatSpan(ms: number): string {
  const [unit, unitMs] = units.find(([, one]) => ms % one === 0) ?? ["ms", 1];
  return `${ms / unitMs}${unit}`;
}
