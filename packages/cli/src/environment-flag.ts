/** `--env`, as `--environment` is often written. Help names it with the long one. */
import { Option } from "commander";

class ShortEnvironment extends Option {
  override attributeName(): string {
    return "environment";
  }
}

export function shortEnvironment(): Option {
  return new ShortEnvironment("--env <name>").hideHelp();
}
