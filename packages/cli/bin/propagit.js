#!/usr/bin/env node
import { runPropagit } from "../dist/bundle/index.js";

await runPropagit(process.argv.slice(2));
