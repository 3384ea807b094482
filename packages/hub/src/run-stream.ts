/**
 * One command that runs on drones for one caller: what he types goes to all of them, what they say has come
 * from each of them.
 *
 *     caller --run.input--> stream --run.input--> web-1, web-2
 *     caller <--output----- stream <--output------ web-1, web-2
 *     caller --run.taken--> stream --run.taken--> each drone: how much of its own was taken
 *
 * A drone stays only a little ahead of what was taken, so that nothing piles up here when the caller is slow.
 */
import { PropagitError, type RunPart, type Telling } from "@propagit/protocol";
import type { Fleet } from "./fleet.js";

/** What may be told of a stream, without its name. */
export type StreamTelling = {
  [T in "run.input" | "run.resize" | "run.signal"]: {
    readonly telling: T;
    readonly params: Omit<Telling<T>, "stream">;
  };
}["run.input" | "run.resize" | "run.signal"];

/** Tellings that may come before the drones are known; key strokes of somebody fast. */
const earlyMax = 1_000;
/** Output of different drones in turn, whose order is remembered; what is older counts as taken. */
const turnsMax = 10_000;

export class RunStream {
  readonly #fleet: Pick<Fleet, "tell">;
  /** What drones know it by: made here, so that no two callers get the same one. */
  readonly id: string;
  /** By identity: bytes of its output that the caller has taken. */
  readonly #taken = new Map<string, number>();
  /** Drones that were told what is taken. */
  readonly #counted = new Set<string>();
  /** Output that was sent and not taken yet. */
  readonly #turns: { readonly identity: string; bytes: number }[] = [];
  #takenBytes = 0;
  #early: StreamTelling[] | undefined = [];

  constructor(fleet: Pick<Fleet, "tell">, id: string) {
    this.#fleet = fleet;
    this.id = id;
  }

  /** A drone was asked to run it. */
  began(identity: string): void {
    this.#taken.set(identity, 0);
  }

  /** All drones were asked: what came earlier is for them. */
  opened(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const one of early) this.tell(one);
  }

  /** It ended there: nothing more is told to that drone. */
  ended(identity: string): void {
    this.#taken.delete(identity);
  }

  /** @throws OVERLOADED */
  tell(one: StreamTelling): void {
    if (this.#early) {
      if (this.#early.length >= earlyMax) {
        throw new PropagitError(
          "OVERLOADED",
          "more was typed than can wait for a command to begin",
        );
      }
      this.#early.push(one);
      return;
    }
    for (const identity of this.#taken.keys()) {
      const params = { ...one.params, stream: this.id } as Telling<typeof one.telling>;
      this.#fleet.tell(identity, one.telling, params);
    }
  }

  /** Output goes to the caller. */
  said(identity: string, part: RunPart): void {
    if (part.kind !== "output") return;
    const bytes = bytesOf(part.data);
    const last = this.#turns.at(-1);
    if (last?.identity === identity) last.bytes += bytes;
    else this.#turns.push({ identity, bytes });
    if (this.#turns.length > turnsMax) this.#settle(this.#turns[0]?.bytes ?? 0);
  }

  /** The caller has taken so many bytes, of all drones together. */
  taken(bytes: number): void {
    this.#settle(bytes - this.#takenBytes);
    // A drone that was told nothing yet does not know that the caller counts.
    for (const identity of this.#taken.keys()) {
      if (!this.#counted.has(identity)) this.#tellTaken(identity);
    }
  }

  /** Counts the oldest output as taken, and tells the drones that it came from. */
  #settle(bytes: number): void {
    let left = bytes;
    const changed = new Set<string>();
    for (let turn = this.#turns[0]; turn && left > 0; turn = this.#turns[0]) {
      const part = Math.min(left, turn.bytes);
      left -= part;
      turn.bytes -= part;
      this.#takenBytes += part;
      const before = this.#taken.get(turn.identity);
      if (before !== undefined) {
        this.#taken.set(turn.identity, before + part);
        changed.add(turn.identity);
      }
      if (turn.bytes === 0) this.#turns.shift();
    }
    for (const identity of changed) this.#tellTaken(identity);
  }

  #tellTaken(identity: string): void {
    this.#counted.add(identity);
    const bytes = this.#taken.get(identity) ?? 0;
    this.#fleet.tell(identity, "run.taken", { stream: this.id, bytes });
  }
}

/** Bytes in base64, without decoding it. */
function bytesOf(data: string): number {
  const padding = data.endsWith("==") ? 2 : Number(data.endsWith("="));
  return Math.floor((data.length * 3) / 4) - padding;
}
