/** Writes a file out of a text with places for values. */
import { PropagitError } from "@propagit/protocol";
import {
  described,
  mapped,
  object,
  record,
  text,
  verbatim,
  withDefault,
  yesNo,
} from "@propagit/shapes";
import type { CommandContext } from "../command.js";
import { fillTemplate, valueNamePattern } from "../core/template.js";
import { defineCommand } from "../define-command.js";
import { placeOn } from "./kit/script.js";
import { fileMode, hostPath, shown, sudo } from "./kit/words.js";

const templateBytesMax = 1 << 20;

const written = object(
  {
    path: described("The file; the folder above it must be there.", hostPath),
    text: described(
      "What is in it; `{{name}}` stands for a value.",
      text({ min: 0, max: 262_144 }),
    ),
    template: described(
      "Instead of `text`: a file on the machine that carries the plan out.",
      text({ max: 4_096 }),
    ),
    values: described(
      "By name. One that is missing is an error.",
      record(
        {
          pattern: valueNamePattern,
          why: "is not a name of letters, digits, `_`, `.`, `-`",
          max: 1_000,
        },
        verbatim(65_536),
      ),
    ),
    verbatim: described("true: `{{` means nothing (false).", withDefault(yesNo, false)),
    mode: described("Such as 0644 (as it had it; of a new file what the host gives).", fileMode),
    sudo,
  },
  ["path"],
);

const args = mapped(written, (value, at, _where, problems) => {
  const { text: given, template, values, verbatim: asIs } = value;
  if ((given === undefined) === (template === undefined)) {
    problems.add(at, "has to have one of `text` and `template`");
  } else if (given !== undefined && !asIs) {
    const filled = fillTemplate(given, plainValues(values));
    if (!filled.ok) problems.add(at, `\`text\`: ${filled.why}`);
  }
  return value;
});

export const writeFile = defineCommand({
  name: "write-file",
  summary: "Writes a file, whole or not at all, with values in their places.",
  args,
  describe: ({ path, template }) =>
    `would write ${shown(path)}${template === undefined ? "" : ` as ${shown(template)} says`}`,
  async run({ path, text: given, template, values, verbatim: asIs, mode, sudo: asRoot }, context) {
    const source = given ?? (await templateText(template ?? "", context));
    const filled = asIs
      ? ({ ok: true, text: source } as const)
      : fillTemplate(source, plainValues(values));
    if (!filled.ok) throw new PropagitError("TASK_FAILED", `${shown(path)}: ${filled.why}`);
    const bytes = new TextEncoder().encode(filled.text);
    const { host, signal } = context;
    const options = { sudo: asRoot, signal, ...(mode !== undefined && { mode }) };
    return {
      outcome: await host.put({ kind: "bytes", bytes }, await placeOn(context, path), options),
    };
  },
  files: ({ template }) => (template === undefined ? [] : [template]),
  example: {
    path: "/srv/app/config/app.conf",
    text: "listen = {{host}}:{{port}}\n",
    values: { host: "127.0.0.1", port: 8080 },
    mode: "0640",
  },
});

type Values = ReadonlyMap<string, { readonly value: string }>;

function plainValues(values: Values = new Map()): ReadonlyMap<string, string> {
  return new Map([...values].map(([name, { value }]) => [name, value] as const));
}

async function templateText(path: string, { means }: CommandContext): Promise<string> {
  const bytes = await means.readFile(path, templateBytesMax);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new PropagitError("TASK_FAILED", `the template ${shown(path)} is not UTF-8 text`);
  }
}
