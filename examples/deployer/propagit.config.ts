/** The generator and the command of deployerlib's own manual, as they are here. */
import {
  defineCommand,
  defineConfig,
  defineGenerator,
  list,
  object,
  record,
  text,
  whole,
} from "propagit/config";

const testCommand = defineCommand({
  name: "test-command",
  summary: "Says something",
  // What `initialize(self, message, optional_argument=None)` checked by hand.
  args: object({ message: text(), optionalArgument: text() }, ["message"]),
  describe: ({ message, optionalArgument = "none" }) =>
    `initializing test command: ${message} / ${optionalArgument}`,
  run: async ({ message, optionalArgument = "none" }, { say }) => {
    say(`executing test command: ${message} / ${optionalArgument}`);
    return { outcome: "done" };
  },
  actsAgain: true,
  example: { message: "Hello World" },
});

const name = { pattern: "^[a-z][a-z0-9-]*$", why: "is not a name", max: 1_000 };
const hosts = list(text(), 10_000);

const testGenerator = defineGenerator({
  name: "test",
  summary: "One stage with one task",
  config: object({
    hostgroup: record(name, hosts),
    service: record(name, object({ hosts, port: whole(1, 65_535) }, ["hosts", "port"])),
  }),
  generate({ log }) {
    log.info("generating test task list");

    const task = {
      command: "test-command",
      message: "Hello World",
    };

    const stage = {
      name: "Test stage",
      concurrency: 1,
      tasks: [task],
    };

    return {
      name: "Test Generator",
      stages: [stage],
    };
  },
});

export default defineConfig({ commands: [testCommand], generators: [testGenerator] });
