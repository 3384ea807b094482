export {
  defineGenerator,
  type Asked,
  type GeneratedPlan,
  type Generator,
  type HostView,
  type Package,
  type PlannerWorld,
  type PlanWish,
  type RunningInstance,
  type VersionPlace,
  type Versions,
} from "./generator.js";
export { hostGroups, hostsWithout, inOrder, type StageParts } from "./generator-help.js";
export {
  checkConfiguration,
  readConfiguration,
  verifyConfiguration,
  type Configuration,
  type ConfigSources,
  type ConfigValue,
  type Generators,
} from "./configuration.js";
export { generatePlan } from "./generate-plan.js";
export { defineConfig, type Project, type ProjectConfig } from "./project.js";
