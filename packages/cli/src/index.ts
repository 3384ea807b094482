export { cliReference } from "./reference.js";
export { runPropagit, runRegistry } from "./main.js";
