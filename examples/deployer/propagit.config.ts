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
  type ValueOf,
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

const graphite = object({ carbonHost: text(), carbonPort: whole(1, 65_535), prefix: text() }, [
  "carbonHost",
  "carbonPort",
  "prefix",
]);

/** What `get_graphite_stage(metric_suffix)` gave: a stage that calls the command; that it fails fails nothing. */
function graphiteStage(
  { carbonHost, carbonPort, prefix }: ValueOf<typeof graphite>,
  suffix: string,
) {
  const task = {
    command: "send-metrics",
    to: `${carbonHost}:${carbonPort}`,
    prefix,
    values: { [suffix]: 1 },
  };

  return {
    name: `Send graphite ${suffix}`,
    concurrency: 1,
    tasks: [task],
  };
}

const testGenerator = defineGenerator({
  name: "test",
  summary: "One stage with one task",
  config: object({
    hostgroup: record(name, hosts),
    service: record(name, object({ hosts, port: whole(1, 65_535) }, ["hosts", "port"])),
    graphite,
  }),
  generate({ config, log }) {
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

    const stageOf = (suffix: string) =>
      config.graphite ? [graphiteStage(config.graphite, suffix)] : [];

    return {
      name: "Test Generator",
      stages: [...stageOf("start"), stage, ...stageOf("end")],
    };
  },
});

export default defineConfig({ commands: [testCommand], generators: [testGenerator] });
