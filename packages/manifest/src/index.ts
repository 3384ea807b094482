export {
  checkManifest,
  environmentOfBranch,
  isEnvironmentName,
  manifestFiles,
  productionEnvironment,
  readManifest,
  specificationOf,
} from "./manifest.js";
export type { BranchRule, CheckedManifest, Manifest } from "./manifest.js";
export { manifestSchema } from "./json-schema.js";
export { badManifest, formatProblem, type Problem } from "./core/problems.js";
export { readRuleChanges, readRuleName, type RuleChanges } from "./rule-text.js";
export { wordOfRule } from "./core/rules.js";
export { isNear } from "./core/nearest.js";
export { parseDuration } from "./core/units.js";
