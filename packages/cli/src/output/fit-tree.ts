/**
 * A tree in as many rows as there are. What does not fit is counted in its place, and nothing of it is formatted.
 *
 *     ├─ stage one                        rank 1
 *     ├─ stage two                        rank 0: its children get the rows that are left
 *     │  ├─ web-1  running
 *     │  └─ … and 9,999 more: 9,000 done, 999 ahead
 *     └─ … and 12 more stages: 12 ahead
 *
 * Nodes stay in their order; which of them are there at all goes by rank.
 */
import { branches } from "./rollout-tree.js";
import { cutTo } from "./text-width.js";

export interface TreeNode {
  /** Asked for when there is room for it. */
  readonly text: () => string;
  /** The lowest ones get room first. */
  readonly rank: number;
  /** Its children are of more interest than the last ones beside it. */
  readonly isOpen?: boolean;
  readonly children: readonly TreeNode[];
  /** What is said instead of the children that are not shown; undefined: nothing. Absent: they are left out quietly. */
  readonly more?: (shown: readonly TreeNode[]) => string | undefined;
}

export interface TreeSize {
  readonly columns: number;
  readonly rows: number;
}

/** @returns lines for what is below `root`, whose own text is not among them */
export function fitTree(root: TreeNode, { columns, rows }: TreeSize): string[] {
  return branches(linesBelow(root, rows)).map((line) => cutTo(line, columns));
}

/** For each that is shown its own line and those below it. */
function linesBelow(node: TreeNode, rows: number): string[][] {
  if (rows <= 0 || node.children.length === 0) return [];
  const shown = chosen(node, rows);
  const more = node.more?.(shown);
  const room = roomOf(shown, more === undefined ? rows : rows - 1);
  const lines = shown.map((child) => [
    child.text(),
    ...branches(linesBelow(child, (room.get(child) ?? 1) - 1)),
  ]);
  return more === undefined ? lines : [...lines, [more]];
}

/** Those that get a line, in their order. */
function chosen(node: TreeNode, rows: number): readonly TreeNode[] {
  const { children } = node;
  const isWhole = rowsBelow(node) <= rows;
  if (isWhole) return children;
  const isAnyOpen = children.some((child) => child.isOpen && child.children.length > 0);
  const rowsMax = isAnyOpen ? Math.max(1, Math.ceil(rows / 2)) : rows;
  const rest = node.more?.(children) === undefined ? 0 : 1;
  if (children.length + rest <= rowsMax) return children;
  const count = node.more ? Math.max(0, rowsMax - 1) : rowsMax;
  const kept = new Set(children.toSorted((left, right) => left.rank - right.rank).slice(0, count));
  return children.filter((child) => kept.has(child));
}

/** Rows for each with what is below it: as many for all of a rank, but that none gets more than it needs. */
function roomOf(shown: readonly TreeNode[], rows: number): ReadonlyMap<TreeNode, number> {
  const needs = shown.map((node) => ({ node, rows: rowsBelow(node) }));
  needs.sort((left, right) => left.node.rank - right.node.rank || left.rows - right.rows);
  const peers = new Map<number, number>();
  for (const { rank } of shown) peers.set(rank, (peers.get(rank) ?? 0) + 1);
  const room = new Map<TreeNode, number>();
  let spare = rows - shown.length;
  for (const { node, rows: needed } of needs) {
    const left = peers.get(node.rank) ?? 1;
    const given = Math.max(0, Math.min(needed, Math.floor(spare / left)));
    peers.set(node.rank, left - 1);
    room.set(node, 1 + given);
    spare -= given;
  }
  return room;
}

/** All that there is below a node. */
function rowsBelow(node: TreeNode): number {
  const { children, more } = node;
  if (children.length === 0) return 0;
  const own = children.reduce((sum, child) => sum + 1 + rowsBelow(child), 0);
  return more?.(children) === undefined ? own : own + 1;
}
