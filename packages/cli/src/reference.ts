/** docs/cli.md, written from the help texts; a test keeps both equal. */
import { errorCatalogue, exitCodes } from "@propagit/protocol";
import type { Command } from "commander";
import { commandsOf, helpOf } from "./program.js";
import { propagitProgram } from "./propagit.js";
import { registryProgram } from "./registry.js";

const introduction = `# The command lines

Written from the help texts by \`npm run docs:cli\`; a test keeps both equal.

Flags may be written \`--a=b\` or \`--a b\`. \`PROPAGIT_HUB\` saves \`--hub\`, \`PROPAGIT_SECRET\` or
\`PROPAGIT_SECRET_FILE\` save \`--secret\` and keep it out of the shell's history, \`PROPAGIT_REGISTRY\`
saves the registry's address, \`PROPAGIT_HOME\` moves \`~/.propagit\`, \`PROPAGIT_BY\` says who acts (else
user and machine), \`NO_COLOR\` takes colour away.

\`REPO@RELEASE\` is a release by its number, or by its commit: \`webapp@14\`, \`webapp@74336bc\`. Drones are
chosen by name, list (\`web-1,web-2\`), \`*\` or \`/regex/\` with \`--drone\`, and by their labels with
\`--label 'role=web, zone in (a,b), !gpu'\`; both together must fit.
`;

/** The whole page. */
export function cliReference(): string {
  const programs = [propagitProgram(), registryProgram()];
  return [introduction, exitCodeTable(), ...programs.map(programPage)].join("\n");
}

function programPage(program: Command): string {
  const sections = commandsOf(program).map(({ command, path }) =>
    section(path.length === 0 ? "##" : "###", [program.name(), ...path].join(" "), command),
  );
  return sections.join("\n");
}

function section(level: string, title: string, command: Command): string {
  return `${level} ${title}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\`\n`;
}

function exitCodeTable(): string {
  const rows = Object.entries(exitCodes).map(([name, code]) => {
    const codes = Object.entries(errorCatalogue)
      .filter(([, kind]) => kind.exit === code)
      .map(([error]) => error);
    return `| ${code} | ${name} | ${codes.join(", ") || "–"} |`;
  });
  return `## Exit codes

| code | meaning | errors (see [errors.md](errors.md)) |
| --- | --- | --- |
${rows.join("\n")}
| 130 | interrupted by ^C | – |
| 141 | nobody reads what it prints any more | – |
`;
}
