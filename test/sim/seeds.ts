/** Seeds for simulated tests: many by default, one when a failure is replayed. */
import { it } from "node:test";

/**
 * One test for each seed. A failure carries the command that replays it.
 *
 * @param file part of the path of the calling test file, for that command
 */
export function forSeeds(
  title: string,
  { count, file }: { readonly count: number; readonly file: string },
  run: (seed: number) => Promise<void>,
): void {
  for (const seed of seedsToTry(count)) {
    it(`${title} (seed ${seed})`, async () => {
      try {
        await run(seed);
      } catch (thrown) {
        const reason = thrown instanceof Error ? thrown.message : String(thrown);
        throw new Error(`${reason}\nreplay it with: SEED=${seed} script/test ${file}`, {
          cause: thrown,
        });
      }
    });
  }
}

function seedsToTry(count: number): number[] {
  const wanted = process.env["SEED"];
  if (wanted !== undefined) return [Number(wanted)];
  return Array.from({ length: count }, (_, index) => index + 1);
}
