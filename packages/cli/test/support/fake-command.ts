/** Handlers of a hub on which `hub.run` is a command that a test plays. */
import type { Params, Result, Telling } from "@propagit/protocol";
import type { IncomingCall } from "@propagit/runtime";
import { FakeHub } from "./fake-hub.js";

export interface FakeCommand {
  readonly params: Params<"hub.run">;
  readonly call: IncomingCall<"hub.run">;
  /** What was typed so far. */
  readonly input: () => Buffer;
  readonly inputEnded: Promise<void>;
  readonly signals: readonly string[];
  readonly sizes: readonly Telling<"run.resize">[];
  readonly takenBytes: () => number;
  /** Waits until something that was told makes it true. */
  readonly until: (condition: () => boolean) => Promise<void>;
  readonly print: (stream: "out" | "err", text: string | Buffer, drone?: string) => void;
}

type Play = (command: FakeCommand) => Promise<Result<"hub.run">> | Result<"hub.run">;

export async function hubWithCommand(play: Play): Promise<FakeHub> {
  const chunks: Buffer[] = [];
  const signals: string[] = [];
  const sizes: Telling<"run.resize">[] = [];
  let waiting: (() => void)[] = [];
  let takenBytes = 0;
  let end = () => {};
  const inputEnded = new Promise<void>((resolve) => {
    end = resolve;
  });
  const told = () => waiting.splice(0).forEach((wake) => wake());
  const until = async (condition: () => boolean) => {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        waiting = [...waiting, resolve];
      });
    }
  };
  return FakeHub.start({
    handlers: {
      "hub.run": async (params, call) => {
        call.part({ kind: "started", drone: "web-1", process: "p1" });
        const print: FakeCommand["print"] = (stream, text, drone = "web-1") =>
          call.part({
            kind: "output",
            drone,
            stream,
            data: Buffer.from(text as string).toString("base64"),
          });
        const input = () => Buffer.concat(chunks);
        return play({
          params,
          call,
          input,
          inputEnded,
          signals,
          sizes,
          until,
          print,
          takenBytes: () => takenBytes,
        });
      },
    },
    tellingHandlers: {
      "run.input": ({ data }) => {
        if (data === "") end();
        chunks.push(Buffer.from(data, "base64"));
        told();
      },
      "run.signal": ({ signal }) => {
        signals.push(signal);
        told();
      },
      "run.resize": (size) => {
        sizes.push(size);
        told();
      },
      "run.taken": ({ bytes }) => {
        takenBytes = Math.max(takenBytes, bytes);
        told();
      },
    },
  });
}
