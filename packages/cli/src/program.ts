import { isNear } from "@propagit/protocol";
import type { Command } from "commander";
import { warningColour } from "./output/colour.js";

/** Help is the same in every terminal, so that it can be kept equal to the documentation. */
const helpWidth = 100;

/** Adds commands below a heading of their own in the help. */
export function addGroup(program: Command, heading: string, commands: readonly Command[]): void {
  for (const command of commands) program.addCommand(command.helpGroup(heading));
}

/** What all commands of a program share: errors are thrown, the nearest name is suggested. */
export function finish(program: Command): Command {
  for (const { command, path } of commandsOf(program)) {
    command
      .exitOverride()
      .configureHelp({ helpWidth, sortSubcommands: false, subcommandTerm })
      .configureOutput({
        getOutHasColors: () => false,
        getErrHasColors: () => false,
        outputError: (text, write) => write(formatUsageError(program.name(), text, command)),
      })
      .showSuggestionAfterError(true)
      .showHelpAfterError(`  see \`${[program.name(), "help", ...path].join(" ")}\``)
      .helpOption("-h, --help", "print help");
    // `propagit help env set` says it; below each command it would be one more line in every list.
    if (command !== program) command.helpCommand(false);
  }
  program.hook("preAction", (_, action) => refuseForeignFlags(action));
  return program.helpCommand("help [command]", "print help for a command");
}

/**
 * commander takes a flag for the first command of the line that knows it. Where only one above knows it, nobody
 * would heed it: `rollout abort webapp --dry-run` would abort, had only `rollout` that flag.
 */
function refuseForeignFlags(action: Command): void {
  const own = new Set(action.options.map((option) => option.attributeName()));
  for (let above = action.parent; above; above = above.parent) {
    for (const option of above.options) {
      const name = option.attributeName();
      if (own.has(name) || above.getOptionValueSource(name) !== "cli") continue;
      action.error(`error: unknown option '${option.long ?? option.flags}'`);
    }
  }
}

/** What commander says about a command line, as all our errors are told: flag or argument first, then why. */
function formatUsageError(program: string, text: string, command: Command): string {
  const plain = text
    .trimEnd()
    .replace(/^error: /, "")
    .replace(/^option '(?:-\w, )?(--[\w-]+).*?' argument '.*?' is invalid\. /s, "$1: ")
    .replace(/^command-argument value '.*?' is invalid for argument '(.*?)'\. /s, "$1: ")
    .replace(/\n\(Did you mean (?:one of )?(.*)\?\)/s, (_, names: string) =>
      suggestionFor(/^unknown \w+ '(.*?)'/.exec(text.replace(/^error: /, ""))?.[1] ?? "", names),
    );
  const [said = "", ...why] = plain.split("\n");
  const what = unknownWord(said, command) ?? said + elsewhere(said, command);
  return [warningColour(`${program}: ${what}`), ...why].map((line) => `${line}\n`).join("");
}

/** What has commands of its own, and more words than it takes: the first of them was to be one of these. */
function unknownWord(said: string, { args, commands, registeredArguments }: Command) {
  const [word] = args;
  if (!said.startsWith("too many arguments") || word === undefined) return undefined;
  const suggestion = suggestionFor(word, commands.map((command) => command.name()).join(", "));
  const mayBeArgument = commands.length === 0 || registeredArguments.length > 0;
  return mayBeArgument && suggestion === "" ? undefined : `unknown command '${word}'${suggestion}`;
}

/** Names that more commands have below them say nothing. */
const elsewhereMax = 4;

/** Words for drones, plans and pushes, which people say without saying of what. */
function elsewhere(said: string, command: Command): string {
  const word = /^unknown command '(.*?)'/.exec(said)?.[1];
  if (word === undefined || said.includes("did you mean") || command.parent) return "";
  const named = commandsOf(command).filter(
    // What can be planned is done by a command of its own.
    ({ path }) => path.length > 1 && path.at(-1) === word && path[0] !== "plan",
  );
  if (named.length === 0 || named.length > elsewhereMax) return "";
  return `; did you mean ${named.map(({ path }) => path.join(" ")).join(" or ")}?`;
}

/** commander takes names for near of which half is another. */
function suggestionFor(word: string, names: string): string {
  const near = names.split(", ").filter((name) => isNear(word, name));
  return near.length === 0 ? "" : `; did you mean ${near.join(" or ")}?`;
}

/** Every command has options; what it is about says more. */
function subcommandTerm(command: Command): string {
  const words = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...words].join(" ");
}

export interface PlacedCommand {
  readonly command: Command;
  /** Words that lead to it, without the program's own name. */
  readonly path: readonly string[];
}

/** The program and all its commands, each followed by its own. */
export function commandsOf(command: Command, path: readonly string[] = []): PlacedCommand[] {
  const below = command.commands.flatMap((one) => commandsOf(one, [...path, one.name()]));
  return [{ command, path }, ...below];
}

/** Help of a command as plain text, the way `help` prints it. */
export function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  return text.trim();
}
