/**
 * A service's name out of its command, for drones without `--service`: the script's file name.
 *
 *     node web.js              web          npm start          start
 *     node --inspect say.mjs   say          npm run worker     worker
 *     ./bin/server --x         server       python3 -m http.server   http.server
 */
import { basename } from "node:path/posix";

/** Programs that run a file named in their arguments. */
const interpreters =
  /^(?:node|nodejs|bun|deno|tsx|ts-node|python[0-9.]*|ruby|perl|php|sh|bash|dash|zsh)$/;
const packageRunners = /^(?:npm|pnpm|yarn|npx)$/;
/** Words between a runner and the name of what it runs. */
const runnerVerbs = ["run", "run-script", "exec"];
const extensions = /\.(?:[cm]?[jt]sx?|py|rb|pl|php|sh)$/;
const nameDefault = "app";

export function serviceNameOf(command: readonly string[]): string {
  const [program = "", ...args] = command;
  return asName(scriptOf(basename(program), args) ?? basename(program));
}

/** Foreign text as a name of at most 63 letters, digits, `.`, `_` and `-`. */
export function asName(text: string): string {
  const bare = basename(text).replace(extensions, "");
  const allowed = bare.replaceAll(/[^A-Za-z0-9._-]+/g, "-").replaceAll(/^[^A-Za-z0-9]+|-+$/g, "");
  return allowed.slice(0, 63) || nameDefault;
}

function scriptOf(program: string, args: readonly string[]): string | undefined {
  const words = args.filter((arg) => !arg.startsWith("-"));
  if (packageRunners.test(program)) return words.find((word) => !runnerVerbs.includes(word));
  if (!interpreters.test(program)) return undefined;
  // `sh -c "…"` and `node -e "…"` run a text, not a file.
  if (args.some((arg) => /^-(?:c|e|p|-eval|-print)$/.test(arg))) return undefined;
  return words.find((word) => !runnerVerbs.includes(word));
}
