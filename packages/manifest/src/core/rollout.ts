/** How visitors come to a release step by step: `rollout` in propagit.yaml. */
import {
  canaryPlanDefault,
  compareChoices,
  inconclusiveChoices,
  parseErrorPoints,
  parseP95Ratio,
  parseStep,
  whyNoPlan,
  type CanaryPlan,
} from "@propagit/protocol";
import {
  choice,
  described,
  duration,
  list,
  mapped,
  object,
  orJust,
  parsed,
  whole,
  type Shape,
} from "@propagit/shapes";

function number(
  wanted: string,
  pattern: string,
  parse: (text: string) => number | undefined,
): Shape<number> {
  return parsed(wanted, { type: ["string", "number"], pattern }, ({ source }) => {
    const value = parse(source);
    return value === undefined ? { ok: false, why: `is not ${wanted}` } : { ok: true, value };
  });
}

const step = number("a share such as 5%", "^\\d{1,3}(?:\\.\\d{1,4})? ?%?$", parseStep);

export const rolloutShape: Shape<CanaryPlan> = mapped(
  orJust(
    object({
      steps: described(
        "Shares of the visitors, rising to 100% (5%, 25%, 50%, 100%).",
        list(step, 20),
      ),
      every: described("How long each step is looked at (5m).", duration(undefined, 1_000)),
      minRequests: described(
        "Requests to old and new that a step needs to tell anything (200).",
        whole(1, 1_000_000_000),
      ),
      inconclusive: described(
        "With fewer at the end of a step: wait for more, go on, or stop and go back (wait).",
        choice(...inconclusiveChoices),
      ),
      compare: described(
        "Compared with as many visitors of the old release, or with all of them (same).",
        choice(...compareChoices),
      ),
      maxErrorRate: described(
        "Points of percent that it may fail more often than the old one (+0.5).",
        number(
          "a number of points such as +0.5",
          "^\\+?\\d{1,3}(?:\\.\\d{1,4})? ?%?$",
          parseErrorPoints,
        ),
      ),
      maxP95: described(
        "How many times as long as the old one's its 95th percentile may be (1.2x).",
        number("a factor such as 1.2x", "^\\d{1,4}(?:\\.\\d{1,4})? ?x?$", parseP95Ratio),
      ),
    }),
    "steps",
  ),
  ({ steps, every, maxErrorRate, maxP95, ...said }, at, where, problems) => {
    const plan: CanaryPlan = {
      ...canaryPlanDefault,
      ...said,
      ...(steps && { steps: [...steps] }),
      ...(every !== undefined && { everyMs: every }),
      ...(maxErrorRate !== undefined && { errorPoints: maxErrorRate }),
      ...(maxP95 !== undefined && { p95Ratio: maxP95 }),
    };
    const why = whyNoPlan(plan);
    if (why === undefined) return plan;
    problems.add(at, `\`${where}\`: ${why}`);
    return undefined;
  },
);
