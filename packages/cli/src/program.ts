import type { Command } from "commander";

/** Help is the same in every terminal, so that it can be kept equal to the documentation. */
const helpWidth = 100;

/** What all commands of a program share: errors are thrown, the nearest name is suggested. */
export function finish(program: Command): Command {
  for (const command of [program, ...program.commands]) {
    command
      .exitOverride()
      .configureHelp({ helpWidth, sortSubcommands: false })
      .configureOutput({ getOutHasColors: () => false, getErrHasColors: () => false })
      .showSuggestionAfterError(true)
      .showHelpAfterError(`(see \`${nameOf(command, program)}\`)`)
      .helpOption("-h, --help", "print help");
  }
  return program.helpCommand("help [command]", "print help for a command");
}

function nameOf(command: Command, program: Command): string {
  return command === program
    ? `${program.name()} help`
    : `${program.name()} help ${command.name()}`;
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
