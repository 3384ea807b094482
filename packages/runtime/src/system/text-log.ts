import type { Log } from "../log.js";

/** Lines for people: `12:03:11 drone  web: ready on port 15194`. */
export function textLog(part: string, write: (line: string) => void): Log {
  const line = (mark: string, message: string) => {
    write(`${new Date().toTimeString().slice(0, 8)} ${part} ${mark}${harmless(message)}\n`);
  };
  return { info: (message) => line("", message), warn: (message) => line("! ", message) };
}

/**
 * What others sent may stand in a message: it must neither look like a line of its own nor steer the
 * terminal. Lines are indented, control characters and those that turn the writing round are written out.
 */
function harmless(message: string): string {
  return (
    message
      .replaceAll("\n", "\n    ")
      // oxlint-disable-next-line no-control-regex -- they are what is looked for
      .replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, (character) => {
        return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
      })
      .replaceAll(/\p{Bidi_Control}/gu, (character) => {
        return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
      })
  );
}
