/** What is known of a rollout so far, out of the parts that the hub told. */
import type {
  Distribution,
  DroneProgress,
  RolloutPhase,
  RolloutProgress,
} from "@propagit/protocol";

export type Accepted = Extract<RolloutProgress, { kind: "accepted" }>;

export interface PhaseRecord {
  readonly phase: RolloutPhase;
  readonly text: string;
  /** When it began, in the hub's time. */
  readonly at: number;
  readonly endedAt: number | undefined;
}

export class RolloutRecord {
  /** In their order. */
  readonly phases: PhaseRecord[] = [];
  /** The last step of each drone. */
  readonly drones = new Map<string, DroneProgress>();
  /** How its bytes travel, as it was told last; never when that took less than a moment. */
  distribution: Distribution | undefined;
  #accepted: Accepted | undefined;
  #outputLines = 0;
  #lastAt = 0;

  /** Undefined until the hub has accepted it. */
  get accepted(): Accepted | undefined {
    return this.#accepted;
  }

  /** Whether anything of the output of its commands was told. */
  get hasOutput(): boolean {
    return this.#outputLines > 0;
  }

  /** The phase it is in, or was in when it began to be undone. */
  get workPhase(): RolloutPhase | undefined {
    return this.phases.findLast(({ phase }) => phase !== "undoing")?.phase;
  }

  /** When the last part was made, in the hub's time. */
  get lastAt(): number {
    return this.#lastAt;
  }

  feed(part: RolloutProgress): void {
    this.#lastAt = Math.max(this.#lastAt, part.at);
    switch (part.kind) {
      case "accepted":
        this.#accepted = part;
        break;
      case "phase":
        this.#enter(part.phase, part.text, part.at);
        break;
      case "drone":
        this.drones.set(part.drone, part);
        break;
      case "output":
        this.#outputLines += 1;
        break;
      case "note":
        break;
      default:
        part satisfies never;
    }
  }

  /** Ends the last phase, as no other follows. */
  end(at: number): void {
    const last = this.phases.at(-1);
    if (last && last.endedAt === undefined) this.phases.splice(-1, 1, { ...last, endedAt: at });
  }

  /** A phase that is told again has another text: who is waited for has changed. */
  #enter(phase: RolloutPhase, text: string, at: number): void {
    const last = this.phases.at(-1);
    const more = beyondPhase(phase, text);
    if (last?.phase === phase) {
      this.phases.splice(-1, 1, { ...last, text: more });
      return;
    }
    this.end(at);
    this.phases.push({ phase, text: more, at, endedAt: undefined });
  }
}

/** What a sentence about a phase says beyond the phase: `on web-1` of `building on web-1`. */
export function beyondPhase(phase: RolloutPhase, text: string): string {
  const said = sentences[phase].find((words) => text.startsWith(words));
  return said === undefined ? text : text.slice(said.length).replace(/^[:,]? +/, "");
}

/** Beginnings that say no more than the phase's name. */
const sentences: Readonly<Record<RolloutPhase, readonly string[]>> = {
  queued: ["queued"],
  building: ["building"],
  testing: ["testing"],
  releasing: ["releasing", "running the release command"],
  starting: ["starting"],
  promoting: ["promoting"],
  undoing: ["undoing"],
};
