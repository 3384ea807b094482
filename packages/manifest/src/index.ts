export { environmentOfBranch, manifestFiles, readManifest, specificationOf } from "./manifest.js";
export type { BranchRule, Manifest } from "./manifest.js";
