/**
 * The book of routes as proxies get it: a snapshot in pieces, then what changed. Routes and deployments of
 * the book are rows of the ledger, so that a change costs what changed and not what there is.
 *
 *     ledger:   edit routes/webapp/production       edit deployments/5f0c…       an event
 *     book:     change { routes: [webapp] }         change { deployments }       -
 */
import { piecesOf, type BookUpdate, type Deployment, type Route } from "@propagit/protocol";
import type { LedgerRows } from "./draft.js";
import type { DeploymentRow, Edit } from "./rows.js";

/** Keys of routes and deployments that are others than before. */
export interface Touched {
  readonly routes: ReadonlySet<string>;
  readonly deployments: ReadonlySet<string>;
}

type Item = { readonly route: Route } | { readonly deployment: Deployment };

/** Their keys alone fill a part of a frame. A guess. */
const touchedMax = 2_000;

type Change = Extract<BookUpdate, { kind: "change" }>;
type Snapshot = Extract<BookUpdate, { kind: "snapshot" }>;

/** A row that was written, and the one before. */
type Written = Edit & { readonly before: unknown };

/** Undefined when it is nothing to the book. */
export function touchedBy(edits: readonly Written[]): Touched | undefined {
  const seen = edits.filter(
    (edit) => shownText(edit.table, edit.before) !== shownText(edit.table, edit.row),
  );
  const keysOf = (table: Edit["table"]) =>
    new Set(seen.filter((edit) => edit.table === table).map(({ key }) => key));
  const touched = { routes: keysOf("routes"), deployments: keysOf("deployments") };
  return touched.routes.size + touched.deployments.size > 0 ? touched : undefined;
}

export function joinTouched(all: readonly Touched[]): Touched {
  return {
    routes: new Set(all.flatMap(({ routes }) => [...routes])),
    deployments: new Set(all.flatMap(({ deployments }) => [...deployments])),
  };
}

/** What was touched, as it is now; everything when that is so much that it would not fit into a frame. */
export function updatesOf(
  rows: LedgerRows,
  touched: Touched,
  at: Pick<Snapshot, "book" | "revision">,
): readonly BookUpdate[] {
  const isMuch = touched.routes.size + touched.deployments.size > touchedMax;
  const change = isMuch ? undefined : changeOf(rows, touched, at.revision);
  const isOneFrame = change && piecesOf([...change.routes, ...change.deployments]).length === 1;
  return isOneFrame ? [change] : snapshotOf(rows, at);
}

function changeOf(rows: LedgerRows, touched: Touched, revision: number): Change {
  const [routes, deployments] = [rows.rows("routes"), rows.rows("deployments")];
  const shown = (id: string) => {
    const row = deployments.get(id);
    return row?.started ? [deploymentOf(row)] : [];
  };
  return {
    kind: "change",
    revision,
    routes: [...touched.routes].flatMap((key) => routes.get(key) ?? []),
    deployments: [...touched.deployments].flatMap(shown),
    droppedRoutes: [...touched.routes].filter((key) => !routes.has(key)),
    droppedDeployments: [...touched.deployments].filter((id) => !deployments.get(id)?.started),
  };
}

/** Everything, in pieces that fit into frames; at least one. */
export function snapshotOf(
  rows: LedgerRows,
  { book, revision }: Pick<Snapshot, "book" | "revision">,
): readonly Snapshot[] {
  const routes = [...rows.rows("routes").values()].map((route): Item => ({ route }));
  const running = [...rows.rows("deployments").values()].filter(({ started }) => started);
  const deployments = running.map((row): Item => ({ deployment: deploymentOf(row) }));
  const pieces = piecesOf([...routes, ...deployments]);
  return pieces.map((items, at) => ({
    kind: "snapshot",
    book,
    revision,
    routes: items.flatMap((item) => ("route" in item ? [item.route] : [])),
    deployments: items.flatMap((item) => ("deployment" in item ? [item.deployment] : [])),
    ...(at < pieces.length - 1 && { more: true }),
  }));
}

export function deploymentOf(row: DeploymentRow): Deployment {
  const { repo, commit, id, environment, release } = row;
  const { branches } = row as { readonly branches?: Deployment["branches"] };
  return { repo, commit, id, environment, release, ...(branches && { branches }) };
}

/** What the book shows of a row; empty when nothing. */
function shownText(table: Edit["table"], row: unknown): string {
  if (row === undefined) return "";
  if (table === "routes") return JSON.stringify(row);
  if (table !== "deployments") return "";
  const deployment = row as DeploymentRow;
  return deployment.started ? JSON.stringify(deploymentOf(deployment)) : "";
}
