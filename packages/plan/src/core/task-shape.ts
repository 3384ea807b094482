/**
 * A task as it is written, `{ command, drone? | host?, timeout, retries, …, and the command's own arguments }`,
 * and as it is carried out.
 *
 * Commands are looked for in a map of those that there are, and nowhere else: with one of our ancestors, the
 * name of any function of the program was a command.
 */
import { quote, suggestion } from "@propagit/protocol";
import {
  described,
  locate,
  mapAt,
  mapped,
  named,
  object,
  oneOrMany,
  plainOf,
  Problems,
  refuseKind,
  unknownKey,
  yesNo,
} from "@propagit/shapes";
import type {
  JsonSchema,
  Located,
  LocatedEntry,
  LocatedMap,
  Shape,
  ValueOf,
} from "@propagit/shapes";
import { placeOf, type Command, type Commands, type TaskDraft } from "../command.js";
import type { Task, TaskPlace, UndoTask } from "../plan.js";
import { isForeign } from "./open-commands.js";
import { droneName, hostName, retries, tag, title, wait } from "./plan-words.js";

/** A task before it has its place in the plan. */
export type UnplacedTask = Omit<Task, "id">;

export const timeoutMsDefault = 10 * 60_000;

const whereFields = {
  drone: described("The drone that does it (the machine of the engine).", droneName),
  host: described("A host reached by ssh that it is done on: deploy@fe001.", hostName),
  timeout: described("Longest time an attempt may take (as its command says, or 10m).", wait(1)),
};
/** Read when it is known which command they are for. */
const someTasks: Shape<readonly Located[]> = {
  schema: { type: "array", items: { type: "object", required: ["command"] }, maxItems: 100 },
  read: (node, where, problems) =>
    node.kind === "list" && node.items.length <= 100
      ? node.items
      : refuseKind(node, where, { wanted: "a list of at most 100 tasks", problems }),
};
const askFields = { command: described("What is done.", title), ...whereFields };
const undoFields = {
  ...askFields,
  retries: described(
    "Further attempts when it fails: a number, after 1, 8, 27 … minutes; or the delay before each (0).",
    retries,
  ),
  continueOnFail: described(
    "true: its failure is told and counts for nothing (as its command says).",
    yesNo,
  ),
  undo: described(
    "What takes it back, for a project's own command (as that says): tasks.",
    someTasks,
  ),
  once: described(
    "true: never done twice; when nobody can know whether it was, the run stops there (as its command says).",
    yesNo,
  ),
};

const taskFields = {
  ...undoFields,
  after: described(
    "Of the first task of a line: time since the beginning of its stage before it begins (none).",
    wait(1),
  ),
  tags: described(
    "Words by which `--only` and `--without` know it, beside the name of its command (none).",
    mapped(oneOrMany(tag, 20), (words) => [...new Set(words)].toSorted()),
  ),
};

/** What every task may say; no command has an argument of such a name. */
export const commonKeys: readonly string[] = Object.keys(taskFields);

const taskWords = object(taskFields, ["command"]);
/** Of what takes a task back, as soon as it can. */
const undoWords = object(undoFields, ["command"]);
/** Of a gate, which asks again and again: nothing about attempts. */
const askWords = object(askFields, ["command"]);
type TaskWords = ValueOf<typeof taskWords>;

/** A task of a stage. */
export function taskShape(commands: Commands): Shape<UnplacedTask> {
  const undo = commandShape(commands, { words: undoWords, finish: (task) => task });
  return commandShape(commands, {
    words: taskWords,
    finish: (task, reading) => finishTask(task, reading, undo),
  });
}

/** A task that a gate asks by how it ends. */
export function askShape(commands: Commands): Shape<UnplacedTask> {
  return commandShape(commands, { words: askWords, finish: finishAsk });
}

/** Why a command cannot be one: a mistake of whoever made it; undefined when it can. */
export function whyNoCommand({ name, args }: Command): string | undefined {
  if (!/^[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*$/.test(name) || name.length > 63) {
    return `command ${quote(name)} has a name that is not small letters and digits, with \`-\` between words`;
  }
  const { keys } = args;
  if (!keys || args.schema["properties"] === undefined) {
    return `command ${quote(name)} has \`args\` that are not made of \`object(…)\``;
  }
  const taken = keys.find((key) => commonKeys.includes(key));
  if (taken === undefined) return undefined;
  return `command ${quote(name)} has an argument \`${taken}\`, which every task has already; call it otherwise`;
}

interface Reading {
  readonly words: Partial<TaskWords>;
  readonly command: Command;
  /** As its shape gave them. */
  readonly args: unknown;
  readonly node: LocatedMap;
  readonly where: string;
  readonly problems: Problems;
}

interface Kind {
  readonly words: Shape<TaskWords>;
  readonly finish: (task: UnplacedTask, reading: Reading) => UnplacedTask;
}

function commandShape(
  commands: Commands,
  { words: wordsShape, finish }: Kind,
): Shape<UnplacedTask> {
  const wordKeys = wordsShape.keys ?? [];
  return {
    schema: tasksSchema(commands, wordsShape),
    read(node, where, problems) {
      if (node.kind !== "map") return refuseKind(node, where, { wanted: "a task", problems });
      const command = commandOf(node, { commands, problems });
      const { own, rest } = parted(node, wordKeys);
      const words = wordsShape.read(own, where, problems);
      if (!command) return undefined;
      const known = knownOnly(rest, command, { where, problems, wordKeys });
      const value = command.args.read(known, where, problems);
      if (!words) return undefined;
      checkPlace(words, command, { node, where, problems });
      if (value === undefined) return undefined;
      const args = plainOf(command.args, known) as Task["args"];
      const reading = { words, command, args: value, node, where, problems };
      return finish(taskOf(words, command, args), reading);
    },
  };
}

function commandOf(
  node: LocatedMap,
  { commands, problems }: { readonly commands: Commands; readonly problems: Problems },
): Command | undefined {
  const written = node.entries.get("command")?.value;
  if (written?.kind !== "scalar" || typeof written.value !== "string") return undefined;
  const command = commands.get(written.value);
  if (!command) {
    const nearest = suggestion(written.value, commands.keys());
    problems.add(written.at, `there is no command ${quote(written.value)}${nearest}`);
  }
  return command;
}

/** What every task says, and what only this command has. */
function parted(node: LocatedMap, wordKeys: readonly string[]) {
  const own: [string, LocatedEntry][] = [];
  const rest: [string, LocatedEntry][] = [];
  for (const entry of node.entries) (wordKeys.includes(entry[0]) ? own : rest).push(entry);
  return { own: mapAt(node.at, own), rest: mapAt(node.at, rest) };
}

interface KeyContext {
  readonly where: string;
  readonly problems: Problems;
  readonly wordKeys: readonly string[];
}

/** Here and not by the shape of the arguments, which does not know that `timout` was meant for the task. */
function knownOnly(
  rest: LocatedMap,
  { args }: Command,
  { where, problems, wordKeys }: KeyContext,
): LocatedMap {
  if (isForeign({ args })) return rest;
  const keys = args.keys ?? [];
  const isKnown = ([key, { keyAt }]: readonly [string, LocatedEntry]) => {
    if (keys.includes(key)) return true;
    problems.add(keyAt, unknownKey(where, key, [...keys, ...wordKeys]));
    return false;
  };
  return mapAt(rest.at, [...rest.entries].filter(isKnown));
}

type Placing = Pick<Reading, "node" | "where" | "problems">;

function checkPlace(words: TaskWords, command: Command, { node, where, problems }: Placing): void {
  if (command.onDroneOnly === true && words.drone === undefined) {
    problems.add(node.at, `${named(where)}: only a \`drone\` can ${command.name}; name one`);
  }
  if (words.drone !== undefined && words.host !== undefined) {
    problems.add(
      node.at,
      `${named(where)} has both \`drone\` and \`host\`; it is done on one of them`,
    );
  }
}

function taskOf(words: TaskWords, command: Command, args: Task["args"]): UnplacedTask {
  return {
    command: command.name,
    where: placeOf(words),
    args,
    timeoutMs: words.timeout ?? command.timeoutMs ?? timeoutMsDefault,
    ...(words.after !== undefined && { afterMs: words.after }),
    ...(words.tags && words.tags.length > 0 && { tags: words.tags }),
    retryDelaysMs: words.retries ?? [],
    continueOnFail: words.continueOnFail ?? command.continueOnFail ?? false,
    once: words.once ?? command.once ?? false,
  };
}

function finishTask(task: UnplacedTask, reading: Reading, shape: Shape<UndoTask>): UnplacedTask {
  const { node, where, problems } = reading;
  if (task.once && task.retryDelaysMs.length > 0) {
    problems.add(node.at, `${named(where)} is done only \`once\`, so it cannot have \`retries\``);
  }
  const undo = undoOf(task, reading, shape);
  return undo.length > 0 ? { ...task, undo } : task;
}

function finishAsk(task: UnplacedTask, { node, where, problems }: Reading): UnplacedTask {
  if (task.once) {
    const why = "is done only once; a gate asks again and again";
    problems.add(node.at, `${named(where)}: \`${task.command}\` ${why}`);
  }
  // How it fails is what is asked.
  return { ...task, continueOnFail: false };
}

/** What takes it back, checked like any task; where it was done, unless its command says otherwise. */
function undoOf(task: UnplacedTask, reading: Reading, shape: Shape<UndoTask>): readonly UndoTask[] {
  const { words, command, node, where, problems } = reading;
  const written = words.undo?.flatMap((one) => shape.read(one, `${where}.undo`, problems) ?? []);
  if (isForeign(command)) return written ?? [];
  const said = undoSaid(task, reading, shape);
  if (written && JSON.stringify(written) !== JSON.stringify(said)) {
    const why = "says itself what takes it back, and that is not its `undo`";
    problems.add(node.at, `${named(where)}: command ${command.name} ${why}`);
  }
  return said;
}

function undoSaid(
  task: UnplacedTask,
  { command, args, node, where, problems }: Reading,
  shape: Shape<UndoTask>,
): readonly UndoTask[] {
  const drafts = command.undo?.(args) ?? [];
  return drafts.flatMap((draft) => {
    const found = new Problems(command.name);
    const written = locate({ ...wordsOfPlace(task.where, draft), ...draft }, found);
    const undo = written && shape.read(written, "", found);
    const [first] = found.all;
    if (first) {
      problems.add(
        node.at,
        `${named(where)}: what takes back \`${command.name}\` ${first.message}`,
      );
    }
    return undo && !first ? [undo] : [];
  });
}

function wordsOfPlace(where: TaskPlace, draft: TaskDraft): Pick<TaskDraft, "drone" | "host"> {
  if (draft.drone !== undefined || draft.host !== undefined) return {};
  return wordsOf(where);
}

/** How a place is written. */
export function wordsOf(where: TaskPlace): Pick<TaskDraft, "drone" | "host"> {
  switch (where.kind) {
    case "engine":
      return {};
    case "drone":
      return { drone: where.drone };
    case "host":
      return { host: where.host };
    default:
      return where satisfies never;
  }
}

/** One of the commands, each with its own arguments. */
function tasksSchema(commands: Commands, words: Shape<TaskWords>): JsonSchema {
  if (commands.size === 0) return { not: {} };
  const { command: _, ...common } = words.schema["properties"] as Readonly<Record<string, unknown>>;
  const ofCommand = ({ name, summary, args: { schema } }: Command) => ({
    type: "object",
    description: summary,
    properties: {
      command: { const: name },
      ...common,
      ...(schema["properties"] as JsonSchema),
    },
    required: ["command", ...((schema["required"] ?? []) as readonly string[])],
    additionalProperties: false,
  });
  return {
    type: "object",
    required: ["command"],
    properties: { command: { enum: [...commands.keys()] } },
    not: { required: ["drone", "host"] },
    anyOf: [...commands.values()].map(ofCommand),
  };
}
