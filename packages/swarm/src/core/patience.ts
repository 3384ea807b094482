/**
 * When to give up, so that a commit comes by git while somebody waits for it. The more hopeless it looks, the
 * sooner:
 *
 *     the hub is not believed, and nobody else has what is missing     3 s
 *     no line to anybody                                               15 s
 *     lines, but nobody has what is missing                            30 s   the tracker finds others after 10 s
 *     somebody has it, and sends nothing                               60 s
 *
 * All of it counts from the last bytes. A slow line may bring the first piece of a zone late, so the length of
 * pieces counts too. All times are guesses.
 */
const limitsMs = { betrayed: 3_000, alone: 15_000, helpless: 30_000, silent: 60_000 } as const;
/** A line this slow is not given up while its first piece is on its way. */
const slowBytesPerSecond = 128 * 1024;

export interface Outlook {
  /** Lines to others. */
  readonly lines: number;
  /** Of those, who have something that is missing here. */
  readonly helpers: number;
  readonly pieceBytes: number;
  readonly isHubBanned: boolean;
}

/** For how long nothing may come. */
export function patienceMs({ helpers, isHubBanned, lines, pieceBytes }: Outlook): number {
  if (helpers > 0) return limitsMs.silent;
  if (isHubBanned) return limitsMs.betrayed;
  const extraMs = (4 * pieceBytes * 1000) / slowBytesPerSecond;
  return Math.min(limitsMs.silent, (lines > 0 ? limitsMs.helpless : limitsMs.alone) + extraMs);
}
