/**
 * A change of the ledger while it is put together: reads see what was already put, and what several steps
 * do to one row becomes one edit.
 */
import type { Edit, LedgerChange, NewEvent, Row, TableName } from "./rows.js";

/** The ledger, as far as it is read. */
export interface LedgerRows {
  rows<T extends TableName>(table: T): ReadonlyMap<string, Row<T>>;
}

export class Draft implements LedgerRows {
  readonly #ledger: LedgerRows;
  readonly #tables = new Map<TableName, Map<string, unknown>>();
  readonly #edits = new Map<string, Edit>();
  readonly #events: NewEvent[] = [];

  constructor(ledger: LedgerRows) {
    this.#ledger = ledger;
  }

  rows<T extends TableName>(table: T): ReadonlyMap<string, Row<T>> {
    const changed = this.#tables.get(table) as ReadonlyMap<string, Row<T>> | undefined;
    return changed ?? this.#ledger.rows(table);
  }

  put<T extends TableName>(table: T, key: string, row: Row<T>): void {
    this.#own(table).set(key, row);
    this.#edits.set(`${table}/${key}`, { table, key, row } as Edit);
  }

  delete(table: TableName, key: string): void {
    if (!this.#own(table).delete(key)) return;
    this.#edits.set(`${table}/${key}`, { table, key, row: undefined });
  }

  note(...events: readonly NewEvent[]): void {
    this.#events.push(...events);
  }

  /** What was put, deleted and noted so far. */
  get change(): LedgerChange {
    return { edits: [...this.#edits.values()], events: this.#events };
  }

  /** Undefined when no row changes. */
  get changeIfAny(): LedgerChange | undefined {
    return this.#edits.size > 0 ? this.change : undefined;
  }

  #own(table: TableName): Map<string, unknown> {
    const own = this.#tables.get(table) ?? new Map<string, unknown>(this.#ledger.rows(table));
    this.#tables.set(table, own);
    return own;
  }
}

type Changes<R> = { readonly [K in keyof R]?: R[K] | undefined };

/** A row with some of its fields changed; those that become undefined are left out. */
export function changed<R extends object>(row: R, changes: Changes<R>): R {
  const all = Object.entries({ ...row, ...changes }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(all) as R;
}
