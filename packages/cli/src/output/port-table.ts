import type { ShownTable } from "@propagit/registry";

/** The table as JSON, an endpoint a line, as the ancestor showed it. */
export function formatPortTable(table: ShownTable): string {
  const commits = Object.entries(table).map(([commit, services]) => {
    const lines = Object.entries(services).map(([service, places]) => {
      const list = places.map(
        ({ host, port }) => `{ "host": ${JSON.stringify(host)}, "port": ${port} }`,
      );
      return `    ${JSON.stringify(service)}: ${formatList(list)}`;
    });
    return `  ${JSON.stringify(commit)}: {\n${lines.join(",\n")}\n  }`;
  });
  return commits.length === 0 ? "{}\n" : `{\n${commits.join(",\n")}\n}\n`;
}

function formatList(items: readonly string[]): string {
  if (items.length < 2) return `[ ${items.join("")} ]`;
  return `[\n${items.map((item) => `      ${item}`).join(",\n")}\n    ]`;
}
