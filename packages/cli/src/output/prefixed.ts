/** Output of the same command on several drones: whole lines, each with the drone's name in front. */
import { StringDecoder } from "node:string_decoder";
import { isColourful, tellApart } from "./colour.js";
import { plainText, styledText } from "./text-width.js";

export interface PrefixedOutput {
  /** Takes bytes of one drone's stream. */
  take(drone: string, stream: "out" | "err", bytes: Buffer): void;
  /** Prints what has no line end yet. */
  end(): void;
}

/** Longest line kept together; the rest of it comes on lines of its own. */
const lineCharsMax = 64 * 1024;

export function prefixedOutput(
  write: (stream: "out" | "err", text: string) => void,
): PrefixedOutput {
  const open = new Map<string, OpenLine>();
  let width = 0;
  const say = ({ drone, stream }: OpenLine, line: string) => {
    const text = isColourful ? styledText(line) : plainText(line);
    write(stream, `${tellApart(drone, drone.padEnd(width))} | ${text}\n`);
  };
  return {
    take: (drone, stream, bytes) => {
      width = Math.max(width, drone.length);
      const key = `${stream} ${drone}`;
      const line = open.get(key) ?? { drone, stream, rest: "", decoder: new StringDecoder() };
      open.set(key, line);
      const lines = (line.rest + line.decoder.write(bytes)).split("\n");
      line.rest = lines.pop() ?? "";
      for (const whole of lines) say(line, whole);
      if (line.rest.length > lineCharsMax) {
        say(line, line.rest);
        line.rest = "";
      }
    },
    end: () => {
      for (const line of open.values()) {
        const rest = line.rest + line.decoder.end();
        if (rest !== "") say(line, rest);
      }
      open.clear();
    },
  };
}

interface OpenLine {
  readonly drone: string;
  readonly stream: "out" | "err";
  readonly decoder: StringDecoder;
  rest: string;
}
