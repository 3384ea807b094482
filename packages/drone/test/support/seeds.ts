/**
 * Seeds of the simulated tests: a few by default, one when a failure is replayed.
 *
 *     SEED=42 script/test drone/test/drone
 */
const count = 25;
const wanted = process.env["SEED"];

export const seeds: readonly number[] =
  wanted === undefined ? Array.from({ length: count }, (_, index) => index + 1) : [Number(wanted)];
