export * from "./plan.js";
export * from "./run-event.js";
export * from "./world.js";
export * from "./command.js";
export { argsOf } from "./core/task-args.js";
export { commonKeys, whyNoCommand } from "./core/task-shape.js";
export {
  checkPlan,
  readPlan,
  type CheckedPlan,
  type PlanDraft,
  type PlanText,
} from "./core/read-plan.js";
export {
  writePlan,
  type WrittenGate,
  type WrittenPlan,
  type WrittenStage,
} from "./core/write-plan.js";
export { planHash } from "./system/plan-hash.js";
export { planSchema } from "./json-schema.js";
