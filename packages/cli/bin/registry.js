#!/usr/bin/env node
import { runRegistry } from "../dist/src/index.js";

await runRegistry(process.argv.slice(2));
