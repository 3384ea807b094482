/** `propagit config`: whether a configuration is right, and what comes of it. */
import { verifyConfiguration, type Configuration } from "@propagit/plan";
import { silentLog } from "@propagit/runtime";
import { print, printJson } from "../output/print.js";
import { formatNames } from "../output/quantity.js";
import { formatTable, type Column } from "../output/table.js";
import { plainText } from "../output/text-width.js";
import { openProject, readProjectConfiguration } from "./project.js";
import type { SourceFlags } from "./source-flags.js";

export async function verifyConfig(flags: SourceFlags): Promise<void> {
  const project = await openProject(flags.project);
  const verified = readProjectConfiguration(project, flags, silentLog, verifyConfiguration);
  const { generator, values, environments } = verified;
  const others = flags.environment === undefined ? environments : [];
  const also = others.length === 0 ? "" : `, also in ${formatNames(others)}`;
  print(
    `the configuration is right: ${values.length} values for generator ${generator.name}${plainText(also)}\n`,
  );
}

export async function showConfig(flags: SourceFlags & { readonly json?: boolean }): Promise<void> {
  const { generator, environment, plain, values } = await read(flags);
  if (flags.json) {
    return printJson({
      generator: generator.name,
      ...(environment === undefined ? {} : { environment }),
      config: plain,
      values,
    });
  }
  print(
    `generator ${generator.name}${environment === undefined ? "" : `, environment ${environment}`}\n\n`,
  );
  print(formatTable(columns, values));
}

const columns: readonly Column<Configuration["values"][number]>[] = [
  { head: "KEY", cell: ({ path }) => plainText(path) },
  { head: "VALUE", cut: "early", cell: ({ value }) => plainText(JSON.stringify(value) ?? "") },
  { head: "FROM", cell: ({ from }) => plainText(from) },
];

async function read(flags: SourceFlags): Promise<Configuration> {
  return readProjectConfiguration(await openProject(flags.project), flags, silentLog);
}
