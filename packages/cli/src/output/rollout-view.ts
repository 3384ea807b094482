/** The three ways to look at a rollout: a tree in place on a terminal, plain lines, JSON. */
import {
  shortCommit,
  type Distribution,
  type RolloutProgress,
  type RolloutResult,
} from "@propagit/protocol";
import { dimColour } from "./colour.js";
import { LiveArea, type Screen } from "./live-area.js";
import { print, printJsonLine } from "./print.js";
import { formatOutput, formatProgress } from "./progress.js";
import { formatEnd } from "./rollout-end.js";
import { Crowd } from "./crowd.js";
import { beyondPhase, RolloutRecord } from "./rollout-record.js";
import { countPhases, formatTree } from "./rollout-tree.js";
import { formatCount } from "./quantity.js";
import { inEnvironment } from "./route.js";
import { cutTo, plainText } from "./text-width.js";

export interface RolloutView {
  readonly record: RolloutRecord;
  show(part: RolloutProgress): void;
  /** How its bytes travel. */
  showTravel(distribution: Distribution): void;
  /** Something about looking on, not about the rollout. */
  remark(text: string): void;
  /** Nothing more is shown; without a result the rollout goes on. */
  end(result: RolloutResult | undefined): void;
}

export interface RolloutViewOptions {
  readonly json?: boolean;
  /** What comes first happened before; the hub's clock is then taken for ours. */
  readonly isPast?: boolean;
  /** On a terminal, while the commit travels, a line for each drone. */
  readonly isPerDrone?: boolean;
}

export function openRolloutView({
  json,
  isPast,
  isPerDrone = false,
}: RolloutViewOptions): RolloutView {
  if (json) return new JsonView();
  const { TERM: terminal } = process.env;
  if (!process.stdout.isTTY || terminal === "dumb") return new LineView();
  const aheadMs = isPast ? 0 : Number.NEGATIVE_INFINITY;
  return new TreeView(process.stdout, { aheadMs, isPerDrone });
}

/** Each part a line, and in the end the result. */
class JsonView implements RolloutView {
  readonly record = new RolloutRecord();

  show(part: RolloutProgress): void {
    this.record.feed(part);
    printJsonLine(part);
  }

  showTravel(distribution: Distribution): void {
    printJsonLine({ kind: "distribution", ...distribution });
  }

  remark(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  end(result: RolloutResult | undefined): void {
    if (result) printJsonLine({ kind: "result", ...result });
  }
}

class LineView implements RolloutView {
  readonly record = new RolloutRecord();
  readonly #crowd = new Crowd();

  show(part: RolloutProgress): void {
    this.record.feed(part);
    if (part.kind !== "drone" || this.#crowd.isTold(part)) print(formatPart(part));
    else if (this.#crowd.isCountDue(part.at)) print(formatCrowd(this.record));
  }

  showTravel({ line }: Distribution): void {
    if (line !== undefined) print(`${plainText(line)}\n`);
  }

  remark(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  end(result: RolloutResult | undefined): void {
    if (result) print(formatEnd(withoutShown(result, this.record), tookMs(this.record)));
  }
}

function formatCrowd({ drones }: RolloutRecord): string {
  return `${formatCount(drones.size, "drone")}: ${countPhases([...drones.values()])}\n`;
}

/** How often the tree is drawn: often enough for a tenth of a second to be seen passing. */
const drawMs = 100;
/** Drones listed in the tree that stays; of more the ones that matter. */
const finalRows = 60;

/** Draws in place; the lines of the build and of others scroll above. */
class TreeView implements RolloutView {
  readonly record = new RolloutRecord();
  readonly #area: LiveArea;
  readonly #screen: Screen;
  readonly #timer: NodeJS.Timeout;
  readonly #isPast: boolean;
  readonly #isPerDrone: boolean;
  readonly #restore = () => this.#area.leave();
  /** The hub's clock less ours; what is heard is never from the future. */
  #aheadMs: number;
  /** Said above the area at the next drawing: a build may write thousands of lines in a moment. */
  #unsaid = "";

  constructor(
    screen: Screen,
    { aheadMs, isPerDrone }: { readonly aheadMs: number; readonly isPerDrone: boolean },
  ) {
    this.#screen = screen;
    this.#isPast = Number.isFinite(aheadMs);
    this.#isPerDrone = isPerDrone;
    this.#aheadMs = aheadMs;
    this.#area = new LiveArea(screen);
    this.#timer = setInterval(() => this.#draw(), drawMs);
    process.once("exit", this.#restore);
    this.#draw();
  }

  show(part: RolloutProgress): void {
    this.record.feed(part);
    this.#aheadMs = Math.max(this.#aheadMs, part.at - Date.now());
    if (part.kind === "output" || part.kind === "note") this.#unsaid += formatPart(part);
  }

  showTravel(distribution: Distribution): void {
    this.record.distribution = distribution;
  }

  remark(text: string): void {
    this.#unsaid += `${text}\n`;
  }

  end(result: RolloutResult | undefined): void {
    clearInterval(this.#timer);
    process.off("exit", this.#restore);
    if (!result) {
      this.#draw();
      this.#area.leave();
      return;
    }
    const now = this.#endAt();
    this.record.end(now);
    this.#say();
    this.#area.close();
    const isWell = result.outcome === "ready" || result.outcome === "unchanged";
    const ended = isWell ? "well" : "badly";
    const lines = formatTree(this.record, { now, rows: finalRows, ended });
    const shown = this.record.phases.length > 0 ? lines : [];
    this.#screen.write(shown.map((line) => `${cutTo(line, this.#area.columns)}\n`).join(""));
    this.#screen.write(lastLinesOf(this.record));
    this.#screen.write(formatEnd(withoutShown(result, this.record), tookMs(this.record)));
  }

  #say(): void {
    if (this.#unsaid !== "") this.#area.say(this.#unsaid);
    this.#unsaid = "";
  }

  #draw(): void {
    this.#say();
    const { columns, rows } = this.#area;
    const isPerDrone = this.#isPerDrone;
    this.#area.draw(formatTree(this.record, { now: this.#now(), rows, columns, isPerDrone }));
  }

  /** What had ended before it was looked on is told with the time of its end. */
  #endAt(): number {
    return this.#isPast ? this.record.lastAt : this.#now();
  }

  #now(): number {
    return Date.now() + (Number.isFinite(this.#aheadMs) ? this.#aheadMs : 0);
  }
}

/** A part as lines for a log: nothing for what the head says. */
export function formatPart(part: RolloutProgress): string {
  switch (part.kind) {
    case "accepted": {
      const { repo, environment, release, commit } = part;
      const place = inEnvironment(environment);
      return `release ${release} of ${repo}${place}: ${shortCommit(commit)}\n`;
    }
    case "phase": {
      const more = plainText(beyondPhase(part.phase, part.text));
      return `${part.phase}${more === "" ? "" : `: ${more}`}\n`;
    }
    case "drone":
      return formatProgress(part);
    case "output":
      return formatOutput(part);
    case "note":
      return `${plainText(part.text)}\n`;
    default:
      return part satisfies never;
  }
}

/** What a command printed last is not said twice. */
function withoutShown(result: RolloutResult, { hasOutput }: RolloutRecord): RolloutResult {
  return hasOutput ? { ...result, lastLines: [] } : result;
}

/** The last output of instances that failed, which has no place in the tree. */
function lastLinesOf({ drones }: RolloutRecord): string {
  const failed = [...drones.values()].filter(({ phase }) => phase === "failed");
  const some = failed.filter(({ lastLines = [] }) => lastLines.length > 0).slice(0, 10);
  return some
    .flatMap(({ drone, lastLines = [] }) => [
      `${drone} said:`,
      ...lastLines.map((line) => dimColour(`  | ${plainText(line)}`)),
    ])
    .map((line) => `${line}\n`)
    .join("");
}

function tookMs({ accepted, lastAt }: RolloutRecord): number | undefined {
  return accepted && Math.max(0, lastAt - accepted.at);
}
