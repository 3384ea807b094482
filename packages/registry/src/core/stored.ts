/**
 * What of the registry outlives it, as entries of a store.
 *
 *     registry/life              { epoch }               there was a registry before
 *     registry/lease/<id>        { ttlMs }
 *     registry/record/<id>       { lease, endpoint }
 *
 * Renewals are not written: after a restart every owner has to renew once anyway before his records show.
 */
import { check, endpointSchema } from "@propagit/protocol";
import type { Entry, Json, Write } from "@propagit/store";
import { Type } from "typebox";
import type { Restored } from "./decide.js";
import type { HeldRecord, TableChange } from "./table.js";

export const storedPrefix = "registry/";
const lifeKey = `${storedPrefix}life`;
const leasePrefix = `${storedPrefix}lease/`;
const recordPrefix = `${storedPrefix}record/`;

const leaseSchema = Type.Object({ ttlMs: Type.Integer({ minimum: 1, maximum: 3_600_000 }) });
const recordSchema = Type.Object({ lease: Type.String(), endpoint: endpointSchema });

export function lifeWrite(epoch: string): Write {
  return { kind: "put", key: lifeKey, value: { epoch } };
}

/** What must be written so that a change is still known after a restart. */
export function writeOf(change: TableChange, isNewLease: boolean): Write | undefined {
  switch (change.kind) {
    case "lease-kept": {
      const { id, ttlMs } = change.lease;
      return isNewLease ? { kind: "put", key: leasePrefix + id, value: { ttlMs } } : undefined;
    }
    case "lease-gone":
      return { kind: "delete", key: leasePrefix + change.lease };
    case "record-put": {
      const { lease, endpoint } = change.record;
      const value = { lease, endpoint: endpoint as Json };
      return { kind: "put", key: recordPrefix + endpoint.id, value };
    }
    case "record-gone":
      return { kind: "delete", key: recordPrefix + change.id };
    case "waits-until":
    case "settled":
      return undefined;
    default:
      return change satisfies never;
  }
}

/** Reads the entries of a former life; what cannot be understood is left out and counted. */
export function readStored(entries: readonly Entry[]): Restored & { readonly strange: number } {
  const leases = new Map<string, { id: string; ttlMs: number }>();
  const records: HeldRecord[] = [];
  let strange = 0;
  for (const { key, value } of entries) {
    if (key.startsWith(leasePrefix)) {
      const checked = check(leaseSchema, value);
      const id = key.slice(leasePrefix.length);
      if (checked.ok) leases.set(id, { id, ttlMs: checked.value.ttlMs });
      else strange += 1;
    } else if (key.startsWith(recordPrefix)) {
      const checked = check(recordSchema, value);
      if (checked.ok) records.push(checked.value);
      else strange += 1;
    }
  }
  return {
    hadMemory: entries.some(({ key }) => key === lifeKey),
    leases: [...leases.values()],
    records: records.filter(({ lease }) => leases.has(lease)),
    strange,
  };
}
