/**
 * Which artifacts a drone keeps for others, within the room it gives them: first go those of commits that the
 * hub keeps no more, then those that nobody used for longest. What is in use stays.
 */
import type { CommitName } from "../world.js";

export interface KeptShare {
  readonly artifact: string;
  readonly bytes: number;
  /** In ms since 1970. */
  readonly usedAt: number;
  /** It is being taken, or somebody has a line for it. */
  readonly isBusy: boolean;
  /** Undefined when nothing here says what it is for. */
  readonly grant: (CommitName & { readonly isCarried: boolean }) | undefined;
}

const bytesMax = 2 ** 30;
const partOfDisk = 0.05;

/** How much artifacts may take of a file system of that size. */
export function roomOf(diskBytes: number): number {
  return Math.min(bytesMax, Math.floor(diskBytes * partOfDisk));
}

/** @param kept commits that stay here; undefined while the hub has not said it */
export function artifactsToDrop(
  shares: readonly KeptShare[],
  { kept, roomBytes }: { kept: readonly CommitName[] | undefined; roomBytes: number },
): readonly string[] {
  const names = kept && new Set(kept.map(nameOf));
  const isWanted = ({ grant, isBusy }: KeptShare) =>
    isBusy || (grant && (grant.isCarried || !names || names.has(nameOf(grant))));
  const unwanted = shares.filter((share) => !isWanted(share));
  const wanted = shares.filter((share) => isWanted(share));
  let bytes = wanted.reduce((sum, share) => sum + share.bytes, 0);
  const dropped = unwanted.map(({ artifact }) => artifact);
  for (const share of wanted.toSorted((a, b) => a.usedAt - b.usedAt)) {
    if (bytes <= roomBytes) break;
    if (share.isBusy) continue;
    bytes -= share.bytes;
    dropped.push(share.artifact);
  }
  return dropped;
}

function nameOf({ repo, commit }: CommitName): string {
  return `${repo} ${commit}`;
}
