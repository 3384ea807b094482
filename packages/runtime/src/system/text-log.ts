import type { Log } from "../log.js";

/** Lines for people: `12:03:11 drone  web: ready on port 15194`. */
export function textLog(part: string, write: (line: string) => void): Log {
  const line = (mark: string, message: string) => {
    write(`${new Date().toTimeString().slice(0, 8)} ${part} ${mark}${message}\n`);
  };
  return { info: (message) => line("", message), warn: (message) => line("! ", message) };
}
