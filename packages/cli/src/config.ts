/** What a project's `propagit.config` imports: `import { defineCommand, text } from "propagit/config"`. */
export * from "@propagit/plan/project-api";
