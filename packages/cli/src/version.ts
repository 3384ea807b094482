import { readFileSync } from "node:fs";

/** Version of this package, from its package.json: the one place that says it. */
export const version = readVersion();

function readVersion(): string {
  const path = new URL("../../package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(path, "utf8")) as { readonly version: string };
  return version;
}
