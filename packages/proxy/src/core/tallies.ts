/**
 * Counts what no commit's row has: answers of the proxy's own, and copies of requests. In memory only, and
 * only for who reads the metrics page.
 *
 *     thread --added since last told--> thread that shows them: added there
 *
 * Names of places are the book's and the registry's, never what a stranger asked for.
 */
import type { ErrorCode } from "@propagit/protocol";
import type { Place } from "./place.js";

/** Why the proxy answered by itself. */
export type OwnCode = ErrorCode | "redirect" | "maintenance" | "challenge";

/** What became of a copy: the class of its answer's status, or no answer. */
type CopyEnd = "1xx" | "2xx" | "3xx" | "4xx" | "5xx" | "failed";

/** What one series is about. */
export type Tallied =
  | {
      readonly kind: "own-answer";
      /** Empty, as `environment`, where it is not known whose visitor it was. */
      readonly repo: string;
      readonly environment: string;
      readonly code: OwnCode;
    }
  | {
      /** A request was drawn for a copy. */
      readonly kind: "copy-drawn";
      readonly repo: string;
      readonly environment: string;
      readonly commit: string;
    }
  | {
      readonly kind: "copy-over";
      readonly repo: string;
      readonly environment: string;
      readonly commit: string;
      readonly status: CopyEnd;
    };

export interface Tally {
  readonly of: Tallied;
  readonly count: number;
}

/** Where tallies come from. */
export interface TallySource {
  all(): readonly Tally[];
}

/** Series of one kind; of more, the one that was counted longest ago is forgotten. As many as rows of commits. */
export const talliesMax = 1_000;

interface Row {
  readonly of: Tallied;
  count: number;
  told: number;
}

type PlaceNames = Pick<Place, "repo" | "environment">;
const nowhere: PlaceNames = { repo: "", environment: "" };

export class Tallies implements TallySource {
  /** By key, the one that was counted longest ago first. */
  readonly #rows: Record<Tallied["kind"], Map<string, Row>> = {
    "own-answer": new Map(),
    "copy-drawn": new Map(),
    "copy-over": new Map(),
  };

  answered(code: OwnCode, { repo, environment }: PlaceNames = nowhere): void {
    this.#add({ kind: "own-answer", repo, environment, code }, 1);
  }

  copyDrawn({ repo, environment }: PlaceNames, commit: string): void {
    this.#add({ kind: "copy-drawn", repo, environment, commit }, 1);
  }

  /** @param status undefined: it got no answer */
  copyOver({ repo, environment }: PlaceNames, commit: string, status: number | undefined): void {
    this.#add({ kind: "copy-over", repo, environment, commit, status: endOf(status) }, 1);
  }

  /** What another thread counted since it last told. */
  add(tallies: readonly Tally[]): void {
    for (const { of, count } of tallies) this.#add(of, count);
  }

  /** What was counted since this was last called. */
  takeNew(): readonly Tally[] {
    const added: Tally[] = [];
    for (const row of this.#all()) {
      if (row.count > row.told) added.push({ of: row.of, count: row.count - row.told });
      row.told = row.count;
    }
    return added;
  }

  all(): readonly Tally[] {
    return this.#all().map(({ of, count }) => ({ of, count }));
  }

  #all(): readonly Row[] {
    return Object.values(this.#rows).flatMap((rows) => [...rows.values()]);
  }

  #add(of: Tallied, count: number): void {
    const rows = this.#rows[of.kind];
    const key = keyOf(of);
    const row = rows.get(key) ?? { of, count: 0, told: 0 };
    row.count += count;
    rows.delete(key);
    if (rows.size >= talliesMax) forgetOne(rows);
    rows.set(key, row);
  }
}

function forgetOne(rows: Map<string, Row>): void {
  const [oldest] = rows.keys();
  if (oldest !== undefined) rows.delete(oldest);
}

function keyOf(of: Tallied): string {
  const place = `${of.repo}/${of.environment}`;
  switch (of.kind) {
    case "own-answer":
      return `${place}/${of.code}`;
    case "copy-drawn":
      return `${place}/${of.commit}`;
    case "copy-over":
      return `${place}/${of.commit}/${of.status}`;
    default:
      return of satisfies never;
  }
}

const classes = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;

/** A status above 599, which the engine lets pass, is none that says anything. */
function endOf(status: number | undefined): CopyEnd {
  return (status !== undefined && classes[Math.floor(status / 100) - 1]) || "failed";
}
