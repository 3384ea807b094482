#!/usr/bin/env node
import { setFlagsFromString } from "node:v8";

const args = process.argv.slice(2);
if (args[0] === "drone") {
  // A drone is on every machine and mostly idle. V8 would let the space for new objects grow with every burst
  // of work, to 32 MB, and give it back late: without growth it takes 10 MB less with 50 instances.
  setFlagsFromString("--semi-space-growth-factor=1");
  const { runDrone } = await import("../dist/bundle/drone-main.js");
  await runDrone(args);
} else if (args[0] === "proxy") {
  const { runProxy } = await import("../dist/bundle/proxy-main.js");
  await runProxy(args);
} else {
  const { runPropagit } = await import("../dist/bundle/index.js");
  await runPropagit(args);
}
