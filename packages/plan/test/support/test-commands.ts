/** Commands as ours and a project's own are, which do nothing. */
import {
  choice,
  command as commandWords,
  duration,
  list,
  mapped,
  object,
  oneOrMany,
  record,
  size,
  text,
  variants,
  verbatim,
  whole,
  withDefault,
  yesNo,
} from "@propagit/shapes";
import type { Shape } from "@propagit/shapes";
import type { Command, Commands } from "../../src/index.js";

type Parts<Args> = Partial<Command<Args>> & { readonly name: string; readonly args: Shape<Args> };

export function testCommand<Args>(parts: Parts<Args>): Command<Args> {
  return {
    summary: `Does ${parts.name}`,
    describe: () => `would do ${parts.name}`,
    run: () => Promise.resolve({ outcome: "done" }),
    example: {},
    ...parts,
  };
}

const folder = text({ wanted: "a path", pattern: "^/.*$" });

const execute = testCommand({
  name: "execute",
  args: object({ run: commandWords, wait: withDefault(duration(), "10s") }, ["run"]),
});
/** The seed's own. */
const testing = testCommand({
  name: "test_command",
  args: object({ message: text(), optional_argument: text() }, ["message"]),
});
const symlink = testCommand({
  name: "symlink",
  args: object({ from: folder, to: folder, before: folder }, ["from", "to"]),
  undo: ({ from, before }) => [
    before === undefined
      ? { command: "remove", path: from, once: undefined }
      : { command: "symlink", from, to: before, drone: "elsewhere" },
  ],
});
const remove = testCommand({
  name: "remove",
  args: object({ path: folder, kind: withDefault(choice("file", "folder"), "file") }, ["path"]),
  timeoutMs: 60_000,
});
const notify = testCommand({
  name: "notify",
  args: object({ text: text(), to: oneOrMany(text(), 3) }, ["text"]),
  once: true,
});
/** Takes all that shapes can do. */
const everything = testCommand({
  name: "everything",
  args: mapped(
    object({
      count: whole(0, 99),
      force: withDefault(yesNo, true),
      size,
      names: list(text(), 5),
      env: record({ pattern: "^[A-Z]+$", why: "is not a name", max: 9 }, verbatim(100)),
      source: variants({
        file: object({ file: folder, mode: withDefault(verbatim(4), "0644") }, ["file"]),
        content: object({ content: text({ min: 0 }) }, ["content"]),
      }),
    }),
    (args) => new Map(Object.entries(args)),
  ),
});

export const testCommands: Commands = new Map<string, Command>(
  [execute, testing, symlink, remove, notify, everything].map((one) => [one.name, one]),
);
