/** Words by which the commands of a release say which one they mean. */
import { environmentDefault } from "@propagit/protocol";
import { described, text, whole, withDefault } from "@propagit/shapes";

/** Far beyond any release; what a key of the ledger holds. */
const numberMax = 99_999_999;
const nameCharsMax = 63;

export const releaseWords = {
  repo: described("The repository.", text({ max: nameCharsMax })),
  environment: described(
    "Where it is released; default `production`.",
    withDefault(text({ max: nameCharsMax }), environmentDefault),
  ),
  release: described("The number of the release.", whole(1, numberMax)),
};

export const neededWords = ["repo", "release"] as const;

export interface ReleaseWords {
  readonly repo: string;
  readonly environment: string;
  readonly release: number;
}

/** `release 3 of webapp`, with the environment when it is not production. */
export function named({ repo, environment, release }: ReleaseWords): string {
  const where = environment === environmentDefault ? "" : ` in ${environment}`;
  return `release ${release} of ${repo}${where}`;
}

/** Its own limits end it, which depend on what its manifest says; this one only if all of them failed. */
export const releaseTimeoutMs = 7 * 24 * 60 * 60_000;

export const exampleWords = { repo: "webapp", release: 3 } as const;
