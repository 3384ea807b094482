/**
 * `plans status --follow`: where a run stands, until it is over. On a terminal drawn anew in place, within its size;
 * anywhere else a line for each thing that has changed.
 */
import { nodeClock, sleep } from "@propagit/runtime";
import { openPicture } from "../output/picture.js";
import { print } from "../output/print.js";
import { changeLines } from "../output/run-changes.js";
import { runTree, type SeenRun } from "../output/run-tree.js";
import { awayMsMax, isLost } from "./hub-plans.js";
import type { Look, Sight, WhichTasks } from "./run-sight.js";

const followMs = 1_000;

/** A hub that was lost is looked for again. */
export async function followRun(sight: Sight): Promise<void> {
  const show = process.stdout.isTTY ? inPlace() : inLines();
  let seenAt: number | undefined;
  const tell = (seen: SeenRun) => {
    seenAt = Date.now();
    show(seen);
  };
  for (;;) {
    try {
      return await sight((look) => lookUntilOver(look, tell));
    } catch (thrown) {
      const isNews = seenAt !== undefined && Date.now() - seenAt < awayMsMax;
      if (!isLost(thrown) || !isNews) throw thrown;
      await sleep(nodeClock, followMs);
    }
  }
}

async function lookUntilOver(look: Look, tell: (seen: SeenRun) => void): Promise<void> {
  let tasks: WhichTasks = "notable";
  for (;;) {
    const seen: SeenRun = await look(tasks);
    const wanted = wantedOf(seen);
    if (wanted !== tasks) {
      tasks = wanted;
      continue;
    }
    tell(seen);
    if (!seen.isCarried) return;
    await sleep(nodeClock, followMs);
  }
}

/** Of many those that need a look, wherever they are in the plan. */
function wantedOf({ status }: SeenRun): WhichTasks {
  return status.counts.tasks <= fewTasks ? "all" : "notable";
}

/** As many as a large terminal has rows. */
const fewTasks = 100;

function inPlace(): (seen: SeenRun) => void {
  const picture = openPicture();
  return (seen) => {
    const { columns, rows } = picture;
    picture.show(`${runTree(seen, Date.now(), { columns, rows }).join("\n")}\n`);
  };
}

function inLines(): (seen: SeenRun) => void {
  let before: SeenRun | undefined;
  return (seen) => {
    const lines = changeLines(before, seen, Date.now());
    before = seen;
    if (lines.length > 0) print(`${lines.join("\n")}\n`);
  };
}
