/** Files of this installation; the same from the bundle and from what the compiler made. */
import { fileURLToPath } from "node:url";

export const propagitProgramFile = fromPackage("bin/propagit.js");
export const registryProgramFile = fromPackage("bin/registry.js");
/** JSON Schema of propagit.yaml, for editors. */
export const schemaFile = fromPackage("dist/propagit.schema.json");

function fromPackage(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}
