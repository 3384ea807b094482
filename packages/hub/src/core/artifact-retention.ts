/**
 * Which artifacts go: those whose commit no release needs any more, those that nobody used for long, and, when
 * there are too many or they are too large, what was used longest ago. What somebody gets just now stays.
 */

export interface ShelvedArtifact {
  readonly artifact: string;
  readonly bytes: number;
  readonly usedAt: number;
  /** A release still needs the commit that it brings. */
  readonly isNeeded: boolean;
  /** Somebody is getting it. */
  readonly isBusy: boolean;
}

/** For newcomers and for drones that were away; after that one is made anew when it is wanted. A guess. */
const unusedMsMax = 7 * 24 * 60 * 60_000;
/** Each has two files, and is looked through at each question. */
const countMax = 256;

export function doomedArtifacts(
  shelved: readonly ShelvedArtifact[],
  { now, bytesMax }: { readonly now: number; readonly bytesMax: number },
): readonly string[] {
  const isOver = ({ isNeeded, usedAt }: ShelvedArtifact) => !isNeeded || now - usedAt > unusedMsMax;
  const idle = shelved.filter(({ isBusy }) => !isBusy);
  const doomed = idle.filter(isOver);
  const spare = idle.filter((one) => !isOver(one)).toSorted((a, b) => a.usedAt - b.usedAt);
  let count = shelved.length - doomed.length;
  let bytes = sum(shelved) - sum(doomed);
  for (const one of spare) {
    if (count <= countMax && bytes <= bytesMax) break;
    doomed.push(one);
    count--;
    bytes -= one.bytes;
  }
  return doomed.map(({ artifact }) => artifact);
}

function sum(list: readonly ShelvedArtifact[]): number {
  return list.reduce((total, { bytes }) => total + bytes, 0);
}
