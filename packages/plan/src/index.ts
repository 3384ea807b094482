export * from "./plan.js";
export * from "./run-event.js";
export * from "./world.js";
export * from "./command.js";
