/** Commands that say no more than which release they are about, and on which drones. */
import { object } from "@propagit/shapes";
import { defineCommand, type Command } from "@propagit/plan";
import { byHub } from "./by-hub.js";
import { droneWords, whichDrones, type DroneWords } from "./drone-words.js";
import {
  exampleWords,
  named,
  neededWords,
  releaseTimeoutMs,
  releaseWords,
  type ReleaseWords,
} from "./release-words.js";

interface Said {
  readonly name: string;
  readonly summary: string;
}

/** @param would what it would do to the release that it is given the name of */
export function releaseCommand({
  would,
  once,
  ...said
}: Said & {
  readonly would: (release: string) => string;
  readonly once?: boolean;
}): Command<ReleaseWords> {
  return defineCommand({
    ...said,
    args: object(releaseWords, neededWords),
    describe: (words) => would(named(words)),
    run: byHub,
    ...(once !== undefined && { once }),
    timeoutMs: releaseTimeoutMs,
    example: exampleWords,
  });
}

/** As `releaseCommand`, on all drones that fit or on some. */
export function releaseOnDrones({
  would,
  timeoutMs = releaseTimeoutMs,
  ...said
}: Said & {
  readonly would: (release: string, drones: string) => string;
  readonly timeoutMs?: number;
}): Command<ReleaseWords & DroneWords> {
  return defineCommand({
    ...said,
    args: object({ ...releaseWords, ...droneWords }, neededWords),
    describe: ({ drones, ...words }) => would(named(words), whichDrones(drones)),
    run: byHub,
    timeoutMs,
    example: exampleWords,
  });
}
