#!/usr/bin/env node
import { runPropagit } from "../dist/src/index.js";

await runPropagit(process.argv.slice(2));
