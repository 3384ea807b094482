#!/usr/bin/env node
import { runRegistry } from "../dist/bundle/index.js";

await runRegistry(process.argv.slice(2));
