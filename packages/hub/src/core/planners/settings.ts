/**
 * The plan of new settings: the release that comes of them. It says their names, and never a value: neither the
 * plan nor what is told beside it could be read for one.
 */
import type { PlannedChange } from "@propagit/protocol";
import { partOf, revisionsOf } from "./basis.js";
import { plannedAs, type Planned, type Skipped } from "./planned.js";
import type { PlannerView } from "./planner-view.js";
import { planRelease, type WantedRelease } from "./release.js";

export interface WantedSettings {
  readonly repo: string;
  readonly environment: string;
  /** Names that would change, and those that are so already. */
  readonly changed: readonly string[];
  readonly same: readonly string[];
  /** Absent: nothing changes, nothing is deployed there, or none is wanted. */
  readonly release: WantedRelease | undefined;
}

export type SettingsChange = Extract<PlannedChange, { kind: "configure" }>;

/** @throws as `planRelease` */
export function planSettings(
  view: PlannerView,
  wanted: WantedSettings,
  change: SettingsChange,
): Planned {
  const { repo, environment, changed, same, release } = wanted;
  const request = withoutValues(change);
  const warnings = changed.length === 0 ? [] : [`settings that change: ${changed.join(", ")}`];
  const skipped = same.map((what) => ({ what, why: "it is so already" }));
  if (release && changed.length > 0) {
    const planned = planRelease(view, release, request);
    return {
      ...planned,
      skipped: [...skipped, ...planned.skipped],
      warnings: [...warnings, ...planned.warnings],
    };
  }
  const parts = [partOf.environment(repo, environment)];
  const basis = { revisions: revisionsOf(view.rows, parts), at: view.now };
  return plannedAs(
    { name: `configure ${repo} in ${environment}`, basis, request, stages: [] },
    { skipped: [...skipped, ...noRelease(wanted, change)], warnings },
  );
}

/** Who reads a plan learns names only. */
function withoutValues({ set, ...change }: SettingsChange): SettingsChange {
  return { ...change, set: set.map(({ name, secret }) => ({ name, secret })) };
}

/** Why there is nothing to carry out although something changes. */
function noRelease(
  { repo, environment, changed }: WantedSettings,
  { deploy }: SettingsChange,
): readonly Skipped[] {
  if (changed.length === 0) return [];
  const kept = "the settings are kept for its next release";
  const why = deploy ? `nothing of ${repo} is deployed to ${environment} yet` : "--no-deploy";
  return [{ what: "a release", why: `${why}; ${kept}` }];
}
