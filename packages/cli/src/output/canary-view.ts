/** The three ways to look at a rollout by steps: a tree in place on a terminal, plain lines, JSON. */
import type { Canary, CanaryProgress, RolloutProgress } from "@propagit/protocol";
import { describeCanary, formatCanaryEnd, formatCanaryHead, formatCanaryTree } from "./canary.js";
import { LiveArea, type Screen } from "./live-area.js";
import { print, printJsonLine } from "./print.js";
import { formatPart } from "./rollout-view.js";
import { cutTo, plainText, wrapTo } from "./text-width.js";

export interface CanaryView {
  /** As it was told last. */
  readonly canary: Canary | undefined;
  show(part: CanaryProgress): void;
  /** Something about looking on. */
  remark(text: string): void;
  /** Nothing more is shown; without an end it goes on. */
  end(canary: Canary | undefined): void;
}

/** @param options.screen a terminal; default: where output goes, if that is one */
export function openCanaryView({
  json,
  screen,
}: {
  readonly json: boolean;
  readonly screen?: Screen;
}): CanaryView {
  if (json) return new JsonView();
  if (screen) return new TreeView(screen);
  const { TERM: terminal } = process.env;
  const isPlain = !process.stdout.isTTY || terminal === "dumb";
  return isPlain ? new LineView() : new TreeView(process.stdout);
}

class JsonView implements CanaryView {
  canary: Canary | undefined;

  show(part: CanaryProgress): void {
    if (part.kind === "canary") this.canary = part.canary;
    printJsonLine(part);
  }

  remark(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  end(canary: Canary | undefined): void {
    if (canary) printJsonLine({ kind: "result", ...canary });
  }
}

/** Between two lines about a step that goes on: a log is read later, and is long enough. */
const lineMs = 30_000;

class LineView implements CanaryView {
  canary: Canary | undefined;
  #saidAt = 0;

  show(part: CanaryProgress): void {
    switch (part.kind) {
      case "canary":
        this.#showCanary(part.canary, part.at);
        break;
      case "note":
        print(`${plainText(part.text)}\n`);
        break;
      case "release":
        print(formatPart(part.progress));
        break;
      default:
        part satisfies never;
    }
  }

  remark(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  end(canary: Canary | undefined): void {
    if (canary) print(formatCanaryEnd(canary, { isErrorNext: true }));
  }

  #showCanary(canary: Canary, at: number): void {
    const before = this.canary;
    this.canary = canary;
    if (!before) print(`${formatCanaryHead(canary)}\n`);
    const isNew = before?.phase !== canary.phase || before.step !== canary.step;
    if (canary.phase === "switching" || (!isNew && at - this.#saidAt < lineMs)) return;
    this.#saidAt = at;
    print(`${canary.percent} %  ${describeCanary(canary)}\n`);
  }
}

const drawMs = 100;

class TreeView implements CanaryView {
  canary: Canary | undefined;
  readonly #area: LiveArea;
  readonly #screen: Screen;
  readonly #timer: NodeJS.Timeout;
  readonly #restore = () => this.#area.leave();
  /** The hub's clock less ours; what is heard is never from the future. */
  #aheadMs = 0;

  constructor(screen: Screen) {
    this.#screen = screen;
    this.#area = new LiveArea(screen);
    this.#timer = setInterval(() => this.#draw(), drawMs);
    process.once("exit", this.#restore);
  }

  show(part: CanaryProgress): void {
    switch (part.kind) {
      case "canary":
        this.canary = part.canary;
        this.#aheadMs = part.at - Date.now();
        break;
      case "note":
        this.#say(plainText(part.text));
        break;
      case "release":
        this.#sayOfRelease(part.progress);
        break;
      default:
        part satisfies never;
    }
    this.#draw();
  }

  remark(text: string): void {
    this.#say(text);
  }

  end(canary: Canary | undefined): void {
    clearInterval(this.#timer);
    process.off("exit", this.#restore);
    if (!canary) {
      this.#draw();
      this.#area.leave();
      return;
    }
    this.#area.close();
    const lines = formatCanaryTree(canary, canary.end?.at ?? 0);
    this.#screen.write(lines.map((line) => `${cutTo(line, this.#area.columns)}\n`).join(""));
    const end = formatCanaryEnd(canary, { isErrorNext: true }).trimEnd();
    this.#screen.write(`${wrapTo(end, this.#area.columns)}\n`);
  }

  #say(text: string): void {
    this.#area.say(`${wrapTo(text, this.#area.columns)}\n`);
  }

  /** What a build writes stays as it is. */
  #sayOfRelease(progress: RolloutProgress): void {
    if (progress.kind === "note") this.#say(formatPart(progress).trimEnd());
    else this.#area.say(formatPart(progress));
  }

  #draw(): void {
    if (this.canary) this.#area.draw(formatCanaryTree(this.canary, Date.now() + this.#aheadMs));
  }
}
