/**
 * What a rollback puts back in its environment: settings and numbers of instances become those of the release
 * that it goes back to, so that the next deploy does not bring back what was gone back on. What was changed
 * since and is in no release yet stays as it is, and waits for the next one as before.
 *
 *     live: A=2 B=1     changed since without a deploy: C=1     going back to: A=1     ->     A=1 C=1
 */
import { currentRelease, environmentOf } from "./deployment-edits.js";
import { changed, type Draft, type LedgerRows } from "./draft.js";
import { rolloutsIn, releasesIn } from "./release-history.js";
import { placeKey, releaseKey, type EnvironmentRow, type ReleaseRow } from "./rows.js";
import { someOf } from "./some-of.js";

/** A rollback, as far as its environment is concerned. */
export type GoingBack = Pick<
  ReleaseRow,
  "repo" | "environment" | "number" | "settings" | "scales" | "by" | "from"
>;

type Named<T> = Readonly<Record<string, T>>;

/** Names whose events say what happened to them; more are counted. */
const namedMax = 50;

/** To be written together with the end of the rollback, before visitors are sent to it. */
export function putBack(draft: Draft, back: GoingBack): void {
  const { repo, environment, by, from } = back;
  const before = environmentOf(draft, repo, environment);
  const after = whenBack(draft, before, back);
  const settings = differing(before.settings, after.settings);
  const scales = differing(before.scales, after.scales);
  if (settings.length + scales.length === 0) return;
  draft.put("environments", placeKey(repo, environment), after);
  const about = { repo, environment, release: back.number, by };
  const origin = from === undefined ? "" : ` as in release ${from}`;
  const where = `of ${repo} in ${environment} are put back${origin}`;
  if (settings.length > 0) {
    draft.note({ kind: "configured", ...about, text: `settings ${where}: ${list(settings)}` });
  }
  if (scales.length > 0) {
    draft.note({
      kind: "scaled",
      ...about,
      text: `numbers of instances ${where}: ${list(scales)}`,
    });
  }
}

/** An environment as it will be when the rollbacks on their way have succeeded: what comes after them is of that. */
export function aheadOf(rows: LedgerRows, present: EnvironmentRow): EnvironmentRow {
  const { repo, environment } = present;
  return rolloutsIn(rows, repo, environment)
    .filter(({ phase }) => phase !== "undoing")
    .map(({ number }) => rows.rows("releases").get(releaseKey(repo, environment, number)))
    .filter((row) => row?.kind === "rollback")
    .reduce((place, row) => (row ? whenBack(rows, place, row) : place), present);
}

function whenBack(rows: LedgerRows, present: EnvironmentRow, back: GoingBack): EnvironmentRow {
  const released = releasedBefore(rows, back);
  const settings = merge(
    present.settings,
    back.settings,
    released.map((row) => row.settings),
  );
  // Releases of a former version do not say what numbers were asked for.
  const known = released.flatMap((row) => (row.scales ? [row.scales] : []));
  const scales = back.scales && merge(present.scales, back.scales, known);
  return changed(present, { settings, scales: scales ?? present.scales });
}

/** The release that is live, and what was made after it: what they have was seen, whatever became of them. */
function releasedBefore(rows: LedgerRows, { repo, environment, number }: GoingBack) {
  const live = currentRelease(rows, repo, environment);
  const since = releasesIn(rows, repo, environment).filter(
    (row) => row.number < number && row.number > (live?.number ?? 0) && row.kind !== "rollback",
  );
  return live ? [live, ...since] : since;
}

/** Each name as in `target`, but for those whose present value, or absence, is in none of `released`. */
function merge<T>(present: Named<T>, target: Named<T>, released: readonly Named<T>[]): Named<T> {
  const names = new Set([...Object.keys(present), ...Object.keys(target)]);
  const merged = [...names].flatMap((name): [string, T][] => {
    const now = own(present, name);
    const isReleased = released.some((values) => isSame(own(values, name), now));
    const value = isReleased ? own(target, name) : now;
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(merged);
}

function differing<T>(before: Named<T>, after: Named<T>): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => !isSame(own(before, name), own(after, name))).sort();
}

/** Numbers and rows of settings: a value that is set anew is hidden anew, and so another one. */
function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

/** Never what objects inherit. */
function own<T>(values: Named<T>, name: string): T | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

function list(names: readonly string[]): string {
  return someOf(names, namedMax).slice(0, 1_500);
}
