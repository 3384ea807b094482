/** Experiments and shadows. */
import { experimentStart, experimentStop, shadowWish } from "@propagit/protocol";
import { described, object, withDefault } from "@propagit/shapes";
import { defineCommand } from "@propagit/plan";
import { byHub } from "./kit/by-hub.js";
import { checkedBy } from "./kit/checked.js";
import { namedPlace, placeWords } from "./kit/place-words.js";

const { repo, environment } = placeWords;
const name = described("Its name.", checkedBy(experimentStart.name));

export const startExperiment = defineCommand({
  name: "start-experiment",
  summary: "Begins to divide the visitors of a repository between the variants of an experiment.",
  args: object(
    {
      repo,
      environment,
      name,
      variants: described(
        "At least two, with the weight of each, and what serves it: a whole commit, or the number of a release (whatever the shares say).",
        checkedBy(experimentStart.variants),
      ),
      rules: described(
        "Which visitors get a variant whatever its weight.",
        withDefault(checkedBy(experimentStart.rules), []),
      ),
      audience: described(
        "Only these visitors take part (all).",
        checkedBy(experimentStart.audience),
      ),
    },
    ["repo", "name", "variants"],
  ),
  describe: ({ name: which, variants, ...place }) => {
    const parts = variants.map(
      ({ name: variant, weight, ref }) =>
        `${weight} get ${variant}${ref === undefined ? "" : ` (${namedPlace({ ...place, ref })})`}`,
    );
    return `would begin experiment ${which} of ${place.repo}: ${parts.join(", ")}`;
  },
  run: byHub,
  undo: (words) => [
    {
      command: "stop-experiment",
      repo: words.repo,
      environment: words.environment,
      name: words.name,
    },
  ],
  example: {
    repo: "webapp",
    name: "checkout",
    variants: [
      { name: "old", weight: 50 },
      { name: "new", weight: 50, ref: "4" },
    ],
  },
});

export const stopExperiment = defineCommand({
  name: "stop-experiment",
  summary: "Ends an experiment, with or without a winner that gets all visitors.",
  args: object(
    {
      repo,
      environment,
      name,
      promote: described("The variant that all visitors get.", checkedBy(experimentStop.promote)),
    },
    ["repo", "name"],
  ),
  describe: ({ repo: of, name: which, promote }) => {
    const then = promote === undefined ? "" : `, and send all visitors to its variant ${promote}`;
    return `would end experiment ${which} of ${of}${then}`;
  },
  run: byHub,
  example: { repo: "webapp", name: "checkout", promote: "new" },
});

export const shadow = defineCommand({
  name: "shadow",
  summary:
    "Copies a part of the requests to a commit or release whose answers are thrown away, or no longer.",
  args: object(
    {
      repo,
      environment,
      to: described(
        "Where to, as a whole commit or the number of a release, and how much (nowhere any more).",
        checkedBy(shadowWish.to),
      ),
    },
    ["repo"],
  ),
  describe: ({ to, ...place }) =>
    to
      ? `would copy ${to.percent} % of the requests of ${place.repo} to ${namedPlace({ ...place, ref: to.ref })}`
      : `would copy requests of ${place.repo} no longer`,
  run: byHub,
  example: { repo: "webapp", to: { ref: "4", percent: 5 } },
});
