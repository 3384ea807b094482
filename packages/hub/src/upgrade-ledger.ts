/**
 * Brings a ledger of an earlier version of the hub up to date before it is opened, and refuses one of a
 * later version.
 *
 *     format 1: new rows are put -> the format is written -> old rows are deleted
 *     format 2: releases on their way are rewritten -> the format is written
 *
 * A hub that dies in between does it again: the old rows are there until the new ones all are.
 */
import { check, PropagitError } from "@propagit/protocol";
import { storeLimits, type Json, type Store, type Write } from "@propagit/store";
import { deploymentIdOf } from "./core/deployment-id.js";
import {
  formerTables,
  isFormerKey,
  ledgerFormat,
  upgradeRows,
  type FormerRows,
  type FormerTable,
} from "./core/upgrade.js";
import { environmentDefault } from "@propagit/protocol";
import { formerRollout, upgradeRollout } from "./core/upgrade-rollouts.js";
import type { HubWorld } from "./world.js";

const formatKey = "format";

/** @throws DATA_UNUSABLE when it is of a later version, or damaged */
export async function upgradeLedger(
  world: Pick<HubWorld, "store" | "crypto" | "settingsKey" | "log">,
): Promise<void> {
  const { store, log } = world;
  const format = await formatOf(store);
  if (format > ledgerFormat) {
    throw new PropagitError(
      "DATA_UNUSABLE",
      `the hub's ledger has format ${format}, which a newer propagit wrote; this one knows format ${ledgerFormat}`,
      { hint: "start the newer propagit again, or give this one a data folder of its own" },
    );
  }
  const former = await formerRows(store);
  if (format < ledgerFormat) {
    const edits = upgradeRows(former.rows, ({ repo, commit, specification }) =>
      deploymentIdOf(world.crypto, world.settingsKey, {
        repo,
        environment: environmentDefault,
        commit,
        specification,
        variables: {},
      }),
    );
    await writeAll(store, await rolloutWrites(store));
    await writeAll(
      store,
      edits.map(({ table, key, row }) => ({
        kind: "put",
        key: `${table}/${key}`,
        value: row as Json,
      })),
    );
    await store.transact({ writes: [{ kind: "put", key: formatKey, value: ledgerFormat }] });
    const count = former.rows.deployments.length;
    if (count > 0) log.info(`the ledger is of format ${ledgerFormat} now, with ${count} releases`);
  }
  await writeAll(
    store,
    former.keys.map((key) => ({ kind: "delete", key })),
  );
}

/** 1 when nothing says so: it was not written then, and a new ledger has nothing to upgrade. */
async function formatOf(store: Store): Promise<number> {
  const entry = await store.get(formatKey);
  if (entry === undefined) return 1;
  if (typeof entry.value === "number") return entry.value;
  throw new PropagitError("DATA_UNUSABLE", "the hub's ledger does not say which format it has");
}

/** Those that are not rewritten yet. */
async function rolloutWrites(store: Store): Promise<readonly Write[]> {
  const { entries } = await store.list("rollouts/");
  return entries.flatMap(({ key, value }): Write[] => {
    const former = check(formerRollout, value);
    if (!former.ok) return [];
    const row = upgradeRollout(value as object, former.value.phase);
    return [{ kind: "put", key, value: row as Json }];
  });
}

async function formerRows(store: Store): Promise<{ rows: FormerRows; keys: readonly string[] }> {
  const rows: Record<FormerTable, unknown[]> = { deployments: [], routes: [], operations: [] };
  const keys: string[] = [];
  for (const table of Object.keys(formerTables) as FormerTable[]) {
    const { entries } = await store.list(`${table}/`);
    for (const { key, value } of entries) {
      if (!isFormerKey(table, key.slice(table.length + 1))) continue;
      const row = check(formerTables[table], value);
      if (!row.ok) {
        throw new PropagitError(
          "DATA_UNUSABLE",
          `the hub's ledger is damaged at ${key}: ${row.reason}`,
        );
      }
      keys.push(key);
      rows[table].push(row.value);
    }
  }
  return { rows: rows as unknown as FormerRows, keys };
}

async function writeAll(store: Store, writes: readonly Write[]): Promise<void> {
  for (let at = 0; at < writes.length; at += storeLimits.writes) {
    await store.transact({ writes: writes.slice(at, at + storeLimits.writes) });
  }
}
