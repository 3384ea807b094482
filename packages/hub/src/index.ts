export { Book } from "./book.js";
export { Hub, type HubOptions } from "./hub.js";
export { Ledger } from "./ledger.js";
export { hubCommands, isOfHub } from "./plan-commands/hub-commands.js";
export type { RefChange } from "./core/ref-change.js";
export type { HubWorld, Repositories } from "./world.js";
export { startHub, type RunningHub, type StartHubOptions } from "./system/start-hub.js";
export { judge, slowLimits } from "./core/canary-judgement.js";
export { addToScatter, beginScatter } from "./core/canary-scatter.js";
