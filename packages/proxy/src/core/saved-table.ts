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

/** By deployment, or by commit where no deployment is said; then by name: the last address it was seen at. */
type ServiceNames = ReadonlyMap<string, ReadonlyMap<string, string>>;

export interface SavedTable {
  /** The life of the ledger that its revision belongs to, when that was said. */
  readonly bookId?: string;
  readonly book: RouteBook;
  readonly endpoints: readonly Endpoint[];
  readonly names: ServiceNames;
}

/** 1 was before there were environments and deployments; what it holds means the same. */
const formatVersion = 2;
const readableVersions: readonly unknown[] = [1, formatVersion];

export function encodeTable({ bookId, book, endpoints, names }: SavedTable): string {
  const named = [...names].map(([key, places]) => [key, Object.fromEntries(places)] as const);
  return JSON.stringify({
    version: formatVersion,
    ...(bookId !== undefined && { bookId }),
    book,
    endpoints,
    names: Object.fromEntries(named),
  });
}

export function decodeTable(content: string): Checked<SavedTable> {
  const value = (parseJson(content) ?? {}) as Record<keyof SavedTable | "version", unknown>;
  if (!readableVersions.includes(value.version))
    return { ok: false, reason: "is of another version" };
  const book = check(routeBookSchema, value.book);
  if (!book.ok) return book;
  if (!Array.isArray(value.endpoints)) return { ok: false, reason: "has no endpoints" };
  const endpoints: Endpoint[] = [];
  for (const one of value.endpoints) {
    const endpoint = check(endpointSchema, one);
    if (!endpoint.ok) return endpoint;
    endpoints.push(endpoint.value);
  }
  const names = decodeNames(value.names);
  const { bookId } = value;
  const from = typeof bookId === "string" ? { bookId } : {};
  return { ok: true, value: { ...from, book: book.value, endpoints, names } };
}

/** What cannot be read is left out: it is learnt again, and the table is worth more than it. */
function decodeNames(value: unknown): ServiceNames {
  return new Map(entriesOf(value).map(([key, places]) => [key, placesOf(places)]));
}

function placesOf(value: unknown): ReadonlyMap<string, string> {
  const texts = entriesOf(value).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return new Map(texts);
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}
