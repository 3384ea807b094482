import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Route } from "@propagit/protocol";
import fc from "fast-check";
import {
  joinTouched,
  snapshotOf,
  touchedBy,
  updatesOf,
  type Touched,
} from "../../src/core/book.js";
import type { DeploymentRow, Edit, Row, TableName } from "../../src/core/rows.js";
import { BookDouble } from "../support/book-double.js";

const at = (revision: number) => ({ book: "b", revision });

/** Rows that are changed like a ledger's, with what was before. */
class Rows {
  readonly #tables = {
    routes: new Map<string, Route>(),
    deployments: new Map<string, DeploymentRow>(),
  };

  rows<T extends TableName>(table: T): ReadonlyMap<string, Row<T>> {
    const known = this.#tables as unknown as Partial<Record<T, ReadonlyMap<string, Row<T>>>>;
    return known[table] ?? new Map<string, Row<T>>();
  }

  write(...edits: readonly Edit[]) {
    return edits.map((edit) => {
      const rows = this.#tables[edit.table as "routes"] as Map<string, unknown>;
      const before = rows.get(edit.key);
      if (edit.row === undefined) rows.delete(edit.key);
      else rows.set(edit.key, edit.row);
      return { ...edit, before };
    });
  }
}

function route(repo: string, commit = "a", hosts = 0): Edit {
  const shares = [{ commit: commit.repeat(40), weight: 1 }];
  const row: Route = { repo, environment: "production", shares };
  if (hosts > 0) {
    row.hosts = Array.from({ length: hosts }, (_, host) => ({ host: `h${host}.${repo}.example` }));
  }
  return { table: "routes", key: `${repo}/production`, row };
}

function noRoute(repo: string): Edit {
  return { table: "routes", key: `${repo}/production`, row: undefined };
}

function deployment(id: string, change: Partial<DeploymentRow> = {}): Edit {
  const row: DeploymentRow = {
    id,
    repo: "webapp",
    environment: "production",
    commit: "c".repeat(40),
    release: 1,
    specification: { services: [], routes: [], promote: "first" },
    settings: {},
    since: 1,
    started: true,
    services: [],
    ...change,
  };
  return { table: "deployments", key: id, row };
}

describe("the book", () => {
  it("is touched by routes and by what runs, and by nothing that it does not show", () => {
    const rows = new Rows();
    assert.deepEqual(touchedBy(rows.write(route("one"), deployment("d1"))), {
      routes: new Set(["one/production"]),
      deployments: new Set(["d1"]),
    });
    assert.equal(touchedBy(rows.write(route("one"))), undefined, "the same again");
    assert.equal(touchedBy(rows.write(deployment("d1", { services: ["web"] }))), undefined);
    assert.equal(touchedBy(rows.write(deployment("d2", { started: false }))), undefined);
    assert.deepEqual(
      touchedBy(rows.write(deployment("d2")))?.deployments,
      new Set(["d2"]),
      "it runs now",
    );
  });

  it("is told by what changed: what is there as it is, what is not as dropped", () => {
    const rows = new Rows();
    rows.write(route("one"), route("two"), deployment("d1"));
    const touched = touchedBy(
      rows.write(route("one", "b"), noRoute("two"), deployment("d1", { started: false })),
    );
    assert.ok(touched);
    const [update, ...more] = updatesOf(rows, touched, at(7));
    assert.deepEqual([update?.kind, update?.revision, more], ["change", 7, []]);
    assert.ok(update?.kind === "change");
    assert.deepEqual(
      update.routes.map(({ shares }) => shares[0]?.commit),
      ["b".repeat(40)],
    );
    assert.deepEqual(
      [update.droppedRoutes, update.droppedDeployments],
      [["two/production"], ["d1"]],
    );
  });

  it("comes in pieces that fit into frames when it is large, as one when it is small", () => {
    const rows = new Rows();
    assert.equal(snapshotOf(rows, at(1)).length, 1);
    const many = Array.from({ length: 300 }, (_, repo) => route(`repo${repo}`, "a", 200));
    rows.write(...many, deployment("d1"));
    const pieces = snapshotOf(rows, at(2));
    assert.ok(pieces.length > 1);
    for (const piece of pieces) assert.ok(JSON.stringify(piece).length < 1024 * 1024);
    assert.deepEqual(pieces.map(({ more = false }) => more).lastIndexOf(true), pieces.length - 2);
    const double = new BookDouble();
    for (const piece of pieces) double.take(piece);
    assert.equal(double.book.routes.length, 300);
    const touched = touchedBy(
      rows.write(...many.map(({ key }) => noRoute(key.split("/")[0] ?? ""))),
    );
    assert.equal(updatesOf(rows, touched ?? assert.fail(), at(3))[0]?.kind, "change");
  });

  it("is told whole when so much changed that it would not fit into a frame", () => {
    const rows = new Rows();
    const many = Array.from({ length: 300 }, (_, repo) => route(`repo${repo}`, "a", 200));
    const touched = touchedBy(rows.write(...many));
    assert.equal(updatesOf(rows, touched ?? assert.fail(), at(3))[0]?.kind, "snapshot");
  });

  it("is the same to whoever follows step by step, joins late, or missed some steps", () => {
    const edit = fc.oneof(
      fc
        .tuple(fc.constantFrom("one", "two", "three"), fc.constantFrom("a", "b"))
        .map((pair) => route(...pair)),
      fc.constantFrom("one", "two", "three").map(noRoute),
      fc
        .tuple(fc.constantFrom("d1", "d2"), fc.boolean())
        .map(([id, started]) => deployment(id, { started })),
    );
    const changes = fc.array(
      fc.uniqueArray(edit, { selector: ({ key }) => key, minLength: 1, maxLength: 3 }),
    );
    fc.assert(
      fc.property(changes, fc.nat(), (all, from) => {
        const rows = new Rows();
        const [steady, absent] = [new BookDouble(), new BookDouble()];
        for (const one of [steady, absent])
          for (const piece of snapshotOf(rows, at(0))) one.take(piece);
        const missed: Touched[] = [];
        all.forEach((edits, index) => {
          const touched = touchedBy(rows.write(...edits));
          if (!touched) return;
          const updates = updatesOf(rows, touched, at(index + 1));
          for (const update of updates) steady.take(update);
          if (index < from) for (const update of updates) absent.take(update);
          else missed.push(touched);
        });
        for (const update of updatesOf(rows, joinTouched(missed), at(steady.revision)))
          absent.take(update);
        const late = new BookDouble();
        for (const piece of snapshotOf(rows, at(steady.revision))) late.take(piece);
        assert.deepEqual(inOrder(steady), inOrder(late));
        assert.deepEqual(inOrder(absent), inOrder(late));
      }),
    );
  });
});

function inOrder({ book: { routes, deployments } }: BookDouble) {
  const texts = (values: readonly unknown[]) => values.map((value) => JSON.stringify(value)).sort();
  return [texts(routes), texts(deployments)];
}
