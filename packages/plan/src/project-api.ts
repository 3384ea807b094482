/** What a project's `propagit.config` imports: `import { defineCommand, text } from "propagit/config"`. */
export { groupsFor, inGroups } from "./core/min-up.js";
export { wavesOf } from "./core/waves.js";
export { type WrittenStage } from "./core/write-plan.js";
export { defineCommand } from "./define-command.js";
export {
  type Command,
  type CommandContext,
  type CommandEnd,
  type Host,
  type TaskDraft,
} from "./command.js";
export {
  defineConfig,
  defineGenerator,
  hostGroups,
  hostsWithout,
  inOrder,
  type Asked,
  type GeneratedPlan,
  type Generator,
  type Package,
  type ProjectConfig,
  type RunningInstance,
  type VersionPlace,
  type Versions,
} from "./config/index.js";
export {
  choice,
  command,
  described,
  duration,
  list,
  mapped,
  number,
  object,
  oneOrMany,
  orJust,
  parsed,
  percent,
  record,
  size,
  text,
  variants,
  verbatim,
  whole,
  withDefault,
  yesNo,
  type Shape,
  type ValueOf,
} from "@propagit/shapes";
export { PropagitError } from "@propagit/protocol";
