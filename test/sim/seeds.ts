/** Seeds for simulated tests: `SEEDS=n` says how many, `SEED=n` replays one. */
import { it } from "node:test";

/**
 * One test for each seed. A failure carries the command that replays it.
 *
 * @param count how many by default
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
  const length = Number(process.env["SEEDS"] ?? count);
  return Array.from({ length }, (_, index) => index + 1);
}
