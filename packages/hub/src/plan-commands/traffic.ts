/** Where visitors go. */
import { canaryChangeSchema, canaryWishSchema, type CanaryChange } from "@propagit/protocol";
import { described, list, number, object, withDefault } from "@propagit/shapes";
import { defineCommand } from "@propagit/plan";
import { byHub } from "./kit/by-hub.js";
import { checkedBy } from "./kit/checked.js";
import {
  examplePlace,
  namedPlace,
  neededPlace,
  placeCommand,
  placeWords,
} from "./kit/place-words.js";
import { releaseWords } from "./kit/release-words.js";

/** As many as a split may have, and the weight of one at most. */
const sharesMax = 20;
const weightMax = 1_000_000;

export const promote = placeCommand({
  name: "promote",
  summary:
    "Sends all visitors of a repository to a commit or release that is ready; others keep running.",
  args: object(placeWords, neededPlace),
  would: (what) => `would send all visitors to ${what}`,
});

const share = object({ ref: placeWords.ref, weight: number(0, weightMax) }, ["ref", "weight"]);

export const split = defineCommand({
  name: "split",
  summary: "Divides the visitors of a repository between commits or releases that are ready.",
  args: object(
    {
      repo: placeWords.repo,
      environment: placeWords.environment,
      shares: described("Who gets how much.", list(share, sharesMax)),
    },
    ["repo", "shares"],
  ),
  describe: ({ shares, ...place }) => {
    const parts = shares.map(({ ref, weight }) => `${weight} to ${namedPlace({ ...place, ref })}`);
    return `would send visitors by weight: ${parts.join(", ")}`;
  },
  run: byHub,
  example: {
    repo: examplePlace.repo,
    shares: [
      { ref: "3", weight: 90 },
      { ref: "4", weight: 10 },
    ],
  },
});

export const startRollout = placeCommand({
  name: "start-rollout",
  summary:
    "Begins to send visitors to a commit or release step by step, which goes on by itself; deploys it first when it is not deployed.",
  args: object(
    {
      ...placeWords,
      plan: described(
        "Its steps, and what takes it back; what is not said is as its manifest says.",
        withDefault(checkedBy(canaryWishSchema), {}),
      ),
    },
    neededPlace,
  ),
  would: (what) => `would send visitors to ${what} step by step`,
});

export const changeRollout = defineCommand({
  name: "change-rollout",
  summary:
    "Changes a rollout by steps that is under way: all visitors to the new one, all of them back, stay at its step, or go on.",
  args: object(
    {
      repo: placeWords.repo,
      environment: placeWords.environment,
      release: described(
        "The number of the release that it is of (whichever is under way).",
        releaseWords.release,
      ),
      change: described("What becomes of it.", checkedBy(canaryChangeSchema)),
    },
    ["repo", "change"],
  ),
  describe: ({ repo, release, change }) => {
    const of = release === undefined ? repo : `release ${release} of ${repo}`;
    return `would ${rolloutChanges[change]} (the rollout of ${of})`;
  },
  run: byHub,
  example: { repo: "webapp", change: "abort" },
});

const rolloutChanges = {
  promote: "send all visitors to the new one now",
  abort: "send all visitors back now",
  pause: "stay at its step",
  resume: "go on with its steps",
} as const satisfies Record<CanaryChange, string>;
