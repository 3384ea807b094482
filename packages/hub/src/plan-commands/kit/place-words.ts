/** Words by which commands say what they are about that is deployed. */
import { environmentDefault } from "@propagit/protocol";
import { described, text, withDefault, type Shape } from "@propagit/shapes";
import { defineCommand, type Command } from "@propagit/plan";
import { byHub } from "./by-hub.js";

const nameCharsMax = 63;

export const placeWords = {
  repo: described("The repository.", text({ max: nameCharsMax })),
  environment: described(
    "Where it is deployed; default `production`.",
    withDefault(text({ max: nameCharsMax }), environmentDefault),
  ),
  ref: described("A whole commit, or the number of a release.", text({ max: 64 })),
};

export const neededPlace = ["repo", "ref"] as const;

export interface PlaceWords {
  readonly repo: string;
  readonly environment: string;
  readonly ref: string;
}

/** `release 3 of webapp`, `webapp 74336bc`, with the environment when it is not production. */
export function namedPlace({ repo, environment, ref }: PlaceWords): string {
  const where = environment === environmentDefault ? "" : ` in ${environment}`;
  return /^\d{1,8}$/.test(ref)
    ? `release ${ref} of ${repo}${where}`
    : `${repo} ${ref.slice(0, 7)}${where}`;
}

export const examplePlace = { repo: "webapp", ref: "3" } as const;

/**
 * A command about something that is deployed.
 *
 * @param would what it would do to that, by its name
 */
export function placeCommand<Words extends PlaceWords>({
  would,
  ...said
}: {
  readonly name: string;
  readonly summary: string;
  readonly args: Shape<Words>;
  readonly would: (what: string) => string;
}): Command<Words> {
  return defineCommand({
    ...said,
    describe: (words) => would(namedPlace(words)),
    run: byHub,
    example: examplePlace,
  });
}
