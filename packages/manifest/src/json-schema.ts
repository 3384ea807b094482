/** propagit.yaml as JSON Schema, for editors: made of the same shapes that read it. */
import type { JsonSchema } from "@propagit/shapes";
import { fileSchema } from "./core/language.js";

/** docs/propagit.schema.json is this; a test keeps both equal. */
export function manifestSchema(): JsonSchema {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "propagit.yaml",
    description: "What a repository consists of, and how it runs.",
    ...fileSchema(),
  };
}
