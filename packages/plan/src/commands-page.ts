/** The page of all commands, made of what they say of themselves: `docs/commands.md`. */
import type { JsonSchema } from "@propagit/shapes";
import type { Command, Commands } from "./command.js";
import { argsOf } from "./core/task-args.js";

const intro = `# Commands

What a task of a plan can do. A task is \`command\`, where it is done (\`drone\` or \`host\`; neither: on the machine
that carries the plan out), what every task may say (\`timeout\`, \`retries\`, \`continueOnFail\`, \`once\`), and the
arguments of its command:

\`\`\`yaml
name: Version 7 of the shop
stages:
  - name: switch
    concurrency: 2
    tasks:
      - { command: symlink, host: deploy@fe001, path: /srv/app/current, to: releases/7 }
      - { command: symlink, host: deploy@fe002, path: /srv/app/current, to: releases/7 }
\`\`\`

- All arguments of all tasks are checked before anything begins. A key that is not known is an error.
- A command that finds everything as it should be says \`unchanged\`, and does nothing: a plan can be carried out
  again. Those that act again are marked.
- Paths are absolute at the host, or below the home of whoever does it there (\`~/app\`). What is in a name does not
  matter: nothing of it is ever read by a shell.
- Files appear at their place when they are whole, by a new name beside it and a rename.
- \`sudo: true\` does it as root by \`sudo -n\`, which asks for no password.
- \`$NAME\` for an address is the secret of that name: a setting of the hub, or in front of a user a variable of his
  environment. It is in no plan and in no error.
- A host needs \`/bin/sh\` and what every Linux has; \`unzip\` for zip archives, \`curl\` for HTTP from a host behind ssh.

Over ssh it is the system's own client: its configuration, agent and known hosts. A host whose key is not known, or
that asks for a password, is refused with what to do about it. All tasks of a host share one connection, with at most
8 of them at the same time.

This page is written by \`npm run docs:cli\` from the commands themselves; every example is carried out by a test,
twice, on a real folder (services by stand-ins for \`systemctl\` and \`supervisorctl\`).
`;

const ofHub = `## What a hub does itself

The parts of plans that a hub makes of what it is asked for, such as \`propagit deploy\`: it carries them out by what it
knows and what its drones report. They are in plans that were made of such a request, also when they were saved and
edited since, and in no others. A test finds each example in a plan that a simulated hub carries out.
`;

/**
 * @param commands of all plans
 * @param hubCommands of plans that a hub makes
 */
export function commandsPage(commands: Commands, hubCommands: readonly Command[]): string {
  const all = [...commands.values()];
  const sections = [...all.map(section), ofHub, listOf(hubCommands)];
  return `${[intro, listOf(all), ...sections, ...hubCommands.map(section)].join("\n\n")}\n`;
}

function listOf(commands: readonly Command[]): string {
  const rows = commands.map(
    ({ name, summary }) => `| [\`${name}\`](#${name}) | ${cell(summary)} |`,
  );
  return ["| command | |", "| --- | --- |", ...rows].join("\n");
}

function section(command: Command): string {
  const { name, summary, args, example } = command;
  const says = command.describe(argsOf(command, example));
  return [
    `## ${name}`,
    summary,
    argumentTable(args.schema),
    exampleText(name, example),
    `Beforehand it says: \`${says}\`.${habits(command)}`,
  ].join("\n\n");
}

function habits(command: Command): string {
  const { actsAgain, continueOnFail, once, onDroneOnly, example } = command;
  const undo = command.undo?.(argsOf(command, example)) ?? [];
  const words = [...new Set(undo.map(({ command: name }) => `\`${name}\``))].join(", ");
  return [
    onDroneOnly === true ? " Only a `drone` can do it." : "",
    actsAgain === true ? " Carried out again, it acts again." : "",
    continueOnFail === true
      ? " Its failure does not fail the plan, unless `continueOnFail: false`."
      : "",
    once === true ? " It is never carried out again by itself." : "",
    undo.length === 0 ? "" : ` A rollback takes it back by ${words}.`,
  ].join("");
}

function argumentTable({ properties, required = [] }: JsonSchema): string {
  const needed = required as readonly string[];
  const fields = Object.entries(properties as Readonly<Record<string, JsonSchema>>);
  const rows = fields.map(([key, schema]) => {
    const { description = "" } = schema as { readonly description?: string };
    const name = needed.includes(key) ? `**\`${key}\`**` : `\`${key}\``;
    return `| ${name} | ${cell(kindOf(schema))} | ${cell(description)} |`;
  });
  return ["| argument | is | |", "| --- | --- | --- |", ...rows].join("\n");
}

/** What a value is, in a word or two. */
function kindOf(schema: JsonSchema): string {
  const { type, enum: words, anyOf, items } = schema;
  if (Array.isArray(words)) return words.map((word) => `\`${String(word)}\``).join(", ");
  if (Array.isArray(anyOf))
    return [...new Set((anyOf as readonly JsonSchema[]).map(kindOf))].join(" or ");
  if (type === "array") return `list of ${kindOf((items ?? {}) as JsonSchema)}`;
  if (type === "object") return "map";
  if (type === "boolean") return "true or false";
  const types = (Array.isArray(type) ? type : [type]) as readonly unknown[];
  const names = types.map((one) =>
    one === "string" ? "text" : one === "boolean" ? "yes/no" : "number",
  );
  return [...new Set(names)].join(" or ");
}

function exampleText(name: string, example: Command["example"]): string {
  const lines = Object.entries(example).map(([key, value]) => `  ${key}: ${yamlOf(value)}`);
  return ["```yaml", `- command: ${name}`, ...lines, "```"].join("\n");
}

/** JSON is YAML; only what needs no quotes has none. */
function yamlOf(value: unknown): string {
  return typeof value === "string" &&
    /^[A-Za-z/][\w./-]*$/.test(value) &&
    !/^(?:true|false|null)$/.test(value)
    ? value
    : JSON.stringify(value);
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
