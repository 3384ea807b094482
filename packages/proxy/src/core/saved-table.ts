/** The last good table as it is kept on disk, for a proxy that starts while the hub is away. */
import {
  check,
  endpointSchema,
  parseJson,
  routeBookSchema,
  type Checked,
  type Endpoint,
  type RouteBook,
} from "@propagit/protocol";

export interface SavedTable {
  readonly book: RouteBook;
  readonly endpoints: readonly Endpoint[];
}

const formatVersion = 1;

export function encodeTable({ book, endpoints }: SavedTable): string {
  return JSON.stringify({ version: formatVersion, book, endpoints });
}

export function decodeTable(content: string): Checked<SavedTable> {
  const value = (parseJson(content) ?? {}) as Record<keyof SavedTable | "version", unknown>;
  if (value.version !== formatVersion) return { ok: false, reason: "is of another version" };
  const book = check(routeBookSchema, value.book);
  if (!book.ok) return book;
  if (!Array.isArray(value.endpoints)) return { ok: false, reason: "has no endpoints" };
  const endpoints: Endpoint[] = [];
  for (const one of value.endpoints) {
    const endpoint = check(endpointSchema, one);
    if (!endpoint.ok) return endpoint;
    endpoints.push(endpoint.value);
  }
  return { ok: true, value: { book: book.value, endpoints } };
}
