/** Commands as the hub has them run. */
import type { Params, Result, RunPart, Telling } from "@propagit/protocol";
import type { IncomingCall } from "@propagit/runtime";
import { deployment, type Parts } from "./parts.js";

export interface Ran {
  readonly result: Promise<Result<"drone.run">>;
  readonly parts: RunPart[];
  /** What it wrote so far. */
  readonly text: (stream?: "out" | "err") => string;
  readonly type: (data: string | Uint8Array) => void;
  readonly tell: {
    (name: "run.resize", params: Omit<Telling<"run.resize">, "stream">): void;
    (name: "run.signal", params: Omit<Telling<"run.signal">, "stream">): void;
    (name: "run.taken", params: Omit<Telling<"run.taken">, "stream">): void;
  };
  /** The connection is lost, or the caller cancels. */
  readonly leave: () => void;
  /** What waits on the connection. */
  readonly line: { bufferedBytes: number };
  /** Bytes it wrote so far. */
  readonly told: () => number;
}

export function runIn(
  { runs }: Pick<Parts, "runs">,
  commit: string,
  command: string[],
  more: Partial<Params<"drone.run">> = {},
): Ran {
  const what = { repo: "webapp", environment: "production", commit, artifact: commit, release: 1 };
  const stream = more.stream ?? Math.random().toString(16).slice(2);
  const base = { stream, deployment, ...what, command, env: {}, input: false };
  const gone = new AbortController();
  const parts: RunPart[] = [];
  const telling = runs.tellingHandlers as Record<string, (params: unknown, from: unknown) => void>;
  let told = 0;
  const line = { bufferedBytes: 0 };
  const call = {
    signal: gone.signal,
    part(part: RunPart) {
      parts.push(part);
      if (part.kind === "output") told += Buffer.byteLength(part.data, "base64");
    },
    conversation: line,
  } as unknown as IncomingCall<"drone.run">;
  const ran: Ran = {
    parts,
    line,
    told: () => told,
    result: runs.handlers["drone.run"]?.({ ...base, ...more }, call) as Ran["result"],
    text: (wanted) => bytesIn(parts, wanted).toString(),
    type: (data) =>
      telling["run.input"]?.({ stream, data: Buffer.from(data).toString("base64") }, undefined),
    tell: (name, params) => telling[name]?.({ stream, ...params }, undefined),
    leave: () => gone.abort(),
  };
  ran.result.catch(() => undefined);
  return ran;
}

export function bytesIn(parts: readonly RunPart[], wanted?: "out" | "err"): Buffer {
  return Buffer.concat(
    parts.flatMap((part) =>
      part.kind === "output" && (wanted ?? part.stream) === part.stream
        ? [Buffer.from(part.data, "base64")]
        : [],
    ),
  );
}
