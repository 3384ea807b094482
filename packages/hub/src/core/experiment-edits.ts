/** Experiments and shadows that are begun and ended by hand. */
import {
  canonicalJson,
  PropagitError,
  shortCommit,
  type Condition,
  type Experiment,
  type ExperimentVariant,
  type Shadow,
} from "@propagit/protocol";
import { readyRelease } from "./deployment-edits.js";
import { changed, type LedgerRows } from "./draft.js";
import { flagOf } from "./rollout-lines.js";
import { placeName } from "./place-name.js";
import { badRule, bounded, type Said } from "./rule-edits.js";
import type { SaidRow } from "./rows.js";

/** At the same time in one environment, as the protocol has it. */
const experimentsMax = 20;

export type NewExperiment = Pick<Experiment, "name" | "variants" | "rules" | "audience">;

/** @param variants with what serves them */
export function newExperiment(
  {
    name,
    rules,
    audience,
  }: {
    readonly name: string;
    readonly rules: NonNullable<Experiment["rules"]>;
    readonly audience?: Condition | undefined;
  },
  variants: readonly ExperimentVariant[],
): NewExperiment {
  return {
    name,
    variants: [...variants],
    ...(rules.length > 0 && { rules }),
    ...(audience && { audience }),
  };
}

/** Said once more just so, it is as it was, and whose it was. @throws EXISTS, BAD_RULE */
export function startExperiment(row: SaidRow, wanted: NewExperiment, said: Said): SaidRow {
  const { name } = wanted;
  checkExperiment(wanted);
  const what = `experiment ${name} of ${placeName(row)}`;
  const running = row.experiments.find((one) => one.name === name);
  if (running) {
    const { by: _, since: __, ...same } = running;
    if (canonicalJson(same) === canonicalJson(wanted)) return row;
    throw new PropagitError("EXISTS", `${what} is running already`, {
      hint: `end it first: propagit experiment stop ${row.repo} ${name}${flagOf(row.environment)}`,
    });
  }
  if (row.experiments.length >= experimentsMax) {
    throw badRule(`${placeName(row)} has ${experimentsMax} experiments already`);
  }
  return bounded({ ...row, experiments: [...row.experiments, { ...wanted, ...said }] });
}

/** @throws NO_RULE */
export function stopExperiment(row: SaidRow, name: string): SaidRow {
  findExperiment(row, name);
  return { ...row, experiments: row.experiments.filter((one) => one.name !== name) };
}

export function hasExperiment(row: SaidRow, name: string): boolean {
  return row.experiments.some((one) => one.name === name);
}

/** @throws NO_RULE */
function findExperiment(row: SaidRow, name: string): Experiment {
  const found = row.experiments.find((one) => one.name === name);
  if (found) return found;
  const known = row.experiments.map((one) => one.name).join(", ") || "none";
  throw new PropagitError("NO_RULE", `${placeName(row)} has no experiment ${name}`, {
    hint: `these are running: ${known}`.slice(0, 500),
  });
}

/** What served a variant, which all visitors are to get. */
export interface Winner extends Required<Pick<ExperimentVariant, "commit" | "deployment">> {
  readonly release: number;
}

/** @throws NO_RULE, BAD_RULE when nothing of its own serves it, or that is not ready any more */
export function winnerOf(rows: LedgerRows, row: SaidRow, name: string, variant: string): Winner {
  const { commit, deployment } = findServed(row, name, variant);
  const release = readyRelease(rows, deployment);
  if (release) return { commit, deployment, release: release.number };
  throw badRule(`no release of ${shortCommit(commit)} is ready any more`);
}

/** @throws NO_RULE, BAD_RULE */
function findServed(row: SaidRow, name: string, variant: string): Omit<Winner, "release"> {
  const { variants } = findExperiment(row, name);
  const found = variants.find((one) => one.name === variant);
  if (!found) {
    throw new PropagitError("NO_RULE", `experiment ${name} has no variant ${variant}`, {
      hint: `these are there: ${variants.map((one) => one.name).join(", ")}`,
    });
  }
  const { commit, deployment } = found;
  if (commit !== undefined && deployment !== undefined) return { commit, deployment };
  throw badRule(
    `variant ${variant} has no commit of its own: visitors are where they should be`,
    `end it without --promote: propagit experiment stop ${row.repo} ${name}${flagOf(row.environment)}`,
  );
}

/** Without one, requests are no longer copied; said once more just so, it is as it was, and whose it was. */
export function changeShadow(row: SaidRow, to: Shadow | undefined, said: Said): SaidRow {
  if (!to) return changed(row, { shadow: undefined });
  const isSame = row.shadow && canonicalJson(row.shadow.to) === canonicalJson(to);
  return isSame ? row : { ...row, shadow: { to, ...said } };
}

/** What its schema cannot say. @throws BAD_RULE */
function checkExperiment({ name, variants, rules = [], audience }: NewExperiment): void {
  const names = variants.map((one) => one.name);
  const twice = names.find((one, index) => names.indexOf(one) !== index);
  if (twice !== undefined) throw badRule(`experiment ${name} has variant ${twice} twice`);
  if (variants.length < 2) {
    throw badRule(
      `experiment ${name} has ${variants.length === 1 ? "one variant" : "no variants"}: nothing could be compared`,
      "give at least two: --variant a=50 --variant b=50:COMMIT",
    );
  }
  if (variants.every(({ weight }) => weight === 0)) {
    throw badRule(`no variant of experiment ${name} has a weight above 0`);
  }
  const unknown = rules.find(({ variant }) => !names.includes(variant));
  if (unknown) {
    throw badRule(
      `a rule of experiment ${name} names variant ${unknown.variant}, which it has not`,
    );
  }
  const conditions = [...rules.map(({ when }) => when), ...(audience ? [audience] : [])];
  if (conditions.some(isEmpty)) throw badRule(`a condition of experiment ${name} asks for nothing`);
}

function isEmpty({ header, cookie, percent }: Condition): boolean {
  return header === undefined && cookie === undefined && percent === undefined;
}
