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
export { badManifest } from "./core/bad-manifest.js";
export { readRuleChanges, readRuleName, type RuleChanges } from "./rule-text.js";
export { wordOfRule } from "./core/rules.js";
