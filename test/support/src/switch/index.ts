export { AllowedCommits } from "./allowed.js";
export { SwitchDrill, type Visitors, type VisitorsOptions } from "./drill.js";
export { killings, switches, type Step } from "./stories.js";
export type { Tally } from "./tally.js";
