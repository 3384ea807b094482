import { Command } from "commander";
import { version } from "./version.js";

export function namedPropagit(): Command {
  return new Command("propagit").version(version, "-V, --version", "print the version");
}
