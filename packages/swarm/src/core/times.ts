/** How patient the tracker is; all of these are guesses that were tried in simulations. */
export const times = {
  /** A deploy has reached everybody by then who will come soon. */
  settledMs: 500,
  /** To whom pieces came so lately has enough peers, whatever he says: they have nothing new just then either. */
  movingMs: 3_000,
  /** A relay to which nothing came for so long may be what holds up its zone. */
  stillMs: 10_000,
  /** Between two times that somebody gets more peers. */
  lackEveryMs: 5_000,
} as const;
