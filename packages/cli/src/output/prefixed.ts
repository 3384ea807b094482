/** Output of the same command on several drones: whole lines, each with the drone's name in front. */
import { StringDecoder } from "node:string_decoder";
import { isColourful, tellApart } from "./colour.js";
import { plainText, styledText } from "./text-width.js";

type OutputStream = "out" | "err";

export interface PrefixedOutput {
  /** Lines that bytes of one drone's stream complete. */
  take(drone: string, stream: OutputStream, bytes: Buffer): string;
  /** What had no line end until now. */
  end(): readonly { readonly stream: OutputStream; readonly text: string }[];
}

/** Longest line kept together; the rest of it comes on lines of its own. */
const lineCharsMax = 64 * 1024;

export function prefixedOutput(): PrefixedOutput {
  const open = new Map<string, OpenLine>();
  let width = 0;
  const format = ({ drone }: OpenLine, line: string) => {
    const text = isColourful ? styledText(line) : plainText(line);
    return `${tellApart(drone, drone.padEnd(width))} | ${text}\n`;
  };
  return {
    take: (drone, stream, bytes) => {
      width = Math.max(width, drone.length);
      const key = `${stream} ${drone}`;
      const line = open.get(key) ?? { drone, stream, rest: "", decoder: new StringDecoder() };
      open.set(key, line);
      const lines = (line.rest + line.decoder.write(bytes)).split("\n");
      line.rest = lines.pop() ?? "";
      if (line.rest.length > lineCharsMax) {
        lines.push(line.rest);
        line.rest = "";
      }
      return lines.map((whole) => format(line, whole)).join("");
    },
    end: () => {
      const rests = [...open.values()].map((line) => {
        const rest = line.rest + line.decoder.end();
        return { stream: line.stream, text: rest === "" ? "" : format(line, rest) };
      });
      open.clear();
      return rests.filter(({ text }) => text !== "");
    },
  };
}

interface OpenLine {
  readonly drone: string;
  readonly stream: OutputStream;
  readonly decoder: StringDecoder;
  rest: string;
}
