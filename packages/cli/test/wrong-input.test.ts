/** Wrong flags and arguments: what, which, why, and the next command; nothing is tried. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { exitCodes } from "@propagit/protocol";
import type { Command } from "commander";
import { propagitProgram } from "../src/propagit.js";
import { commandsOf, helpOf } from "../src/program.js";
import { explainAll } from "./support/explain.js";
import { run } from "./support/command.js";

const cases: readonly (readonly [readonly string[], RegExp])[] = [
  [
    ["depoly"],
    /^propagit: unknown command 'depoly'; did you mean deploy\?\n {2}see `propagit help`\n$/,
  ],
  [
    ["help", "env", "sett"],
    /unknown command 'sett'; did you mean set\?\n {2}see `propagit help env`/,
  ],
  [["drain", "web-1"], /unknown command 'drain'; did you mean drone drain\?/],
  [["approve"], /unknown command 'approve'; did you mean plans approve\?/],
  [["help", "depoly"], /did you mean deploy/],
  [["help", "nope"], /^propagit: unknown command 'nope'\n {2}see `propagit help`\n$/],
  [
    ["plans", "aprove", "4fa"],
    /^propagit: unknown command 'aprove'; did you mean approve\?\n {2}see `propagit help plans`\n$/,
  ],
  [["plans", "zzz"], /^propagit: unknown command 'zzz'\n/],
  [["plan", "dploy", "webapp", "main"], /unknown command 'dploy'; did you mean deploy\?/],
  [["plan", "a.yaml", "b.yaml"], /too many arguments for 'plan'/],
  [["deploy", "webapp"], /missing required argument 'commit'\n {2}see `propagit help deploy`/],
  [["deploy", "webapp", "master", "--enviroment=x"], /did you mean --environment/],
  [["deploy", "webapp", "master", "-e", "../x"], /environment name "\.\.\/x" is not allowed/],
  [
    ["rollback", "webapp", "v12"],
    /release: "v12" is not the number of a release\n.*propagit releases/,
  ],
  [
    ["deploy", "web app", "master"],
    /repo: repository name "web app" is not allowed\n {2}use 1 to 50/,
  ],
  [["deploy", "webapp", "x".repeat(300)], /commit: the name of a commit has 300 characters/],
  [["deploy", "webapp", "master", "--detach", "--follow"], /cannot be used with option '--detach'/],
  [["diff", "webapp", "1"], /missing required argument 'to'/],
  [
    ["releases", "webapp", "-n", "0"],
    /^propagit: --last: "0" is not a whole number from 1 to 10000\n {2}see `propagit help releases`\n$/,
  ],
  [["scale", "webapp", "web"], /not of the form SERVICE=N\n {2}write it like web=3/],
  [["stop", "webapp"], /a commit, or which instances, is missing\n.*add --service/],
  [["stop", "webapp@1", "2"], /given twice/],
  [["logs", "webapp@"], /names no release behind the @/],
  [["logs", "webapp", "--since=yesterday"], /is no moment\n {2}write it like 30s, 10m/],
  [["logs", "webapp", "--grep=("], /no regular expression/],
  [["logs", "webapp", "--drone=web-*"], /write \/web-\.\*\//],
  [["ps", "--label", "a in"], /label selector "a in" is not a term\n {2}write it like `role=web/],
  [["ps", "--label="], /the label selector is empty/],
  [["restart", "webapp", "../x"], /is not the id of an instance\n.*propagit ps --flat/],
  [["run", "webapp"], /run needs a command to run\n.*propagit run webapp -- /],
  [["exec", "webapp", "--drone=/x", "--", "ls"], /is not of the form \/regex\//],
  [["spawn", "webapp", "--name=a b", "--", "ls"], /service name "a b" is not allowed/],
  [["drones", "web-*"], /drone name "web-\*" is not allowed/],
  [["drone", "label", "web-1", "gpu"], /"gpu" is no change of a label\n.*role=web, or role-/],
  [["drone", "--hub=localhost:1", "--", "drain"], /drain is a command of `propagit drone`/],
  [
    ["rollout", "abort", "webapp", "--steps", "5%"],
    /unknown option '--steps'\n {2}see `propagit help rollout abort`/,
  ],
  [["deploy", "webapp", "main", "--waves=50,10"], /--waves: the percentages "50,10" do not rise/],
  [
    ["deploy", "webapp", "main", `--waves=${Array.from({ length: 51 }, (_, at) => at + 1).join()}`],
    /are more than 50\n/,
  ],
  [
    ["apply", "plan.json", "--rebase", "--without", "drain"],
    /'--rebase' cannot be used with option '--without <words>'/,
  ],
  [["drone", "undrain", "web-1", "--name=web-2"], /unknown option '--name'/],
  [["promote", "webapp"], /missing required argument/],
];

describe("wrong input", () => {
  const explained = explainAll(cases.map(([args]) => args));
  for (const [index, [args, message]] of cases.entries()) {
    it(`is explained: propagit ${args.join(" ").slice(0, 60)}`, () => {
      const { code, stdout, stderr = "" } = explained[index] ?? {};
      assert.match(stderr, message);
      assert.deepEqual([code, stdout], [exitCodes.usage, ""]);
    });
  }

  it("is asked for a hub when none is given", async () => {
    const { code, stderr } = await run(undefined, ["rollback", "webapp"]);
    assert.equal(code, exitCodes.usage);
    assert.match(stderr, /--hub/);
  });

  it("is told how an address is written when a host looks like a name", async () => {
    const { code, stderr } = await run(undefined, ["ps", "--hub=localhost"]);
    assert.equal(code, exitCodes.notFound);
    assert.match(
      stderr,
      /no hub is called "localhost" here\n.*write host:port, such as localhost:6001\n$/,
    );
  });
});

describe("the flags of a group of commands", () => {
  it("are taken by all of them", () => {
    // Nothing that commander publishes says that it does nothing itself.
    const isGroup = (command: Command) => Reflect.get(command, "_actionHandler") === null;
    const below = commandsOf(propagitProgram()).filter(({ path }) => path.length > 1);
    const strange = below.flatMap(({ command, path }) => {
      const shared = command.parent && isGroup(command.parent) ? command.parent.options : [];
      const own = new Set(command.options.map(({ long }) => long));
      return shared.filter(({ long }) => !own.has(long)).map(({ long }) => [...path, long]);
    });
    assert.deepEqual(strange, []);
  });
});

describe("the help", () => {
  const commands = commandsOf(propagitProgram()).filter(({ path }) => path.length > 0);

  it("is printed for commands of commands as well", async () => {
    const { code, stdout } = await run(undefined, ["help", "env", "set"]);
    assert.equal(code, 0);
    assert.match(stdout, /^Usage: propagit env set \[options\] <repo> <NAME=VALUE\.\.\.>/);
  });

  it("shows every command below a heading, with a line that fits", () => {
    const program = propagitProgram();
    const text = helpOf(program);
    for (const command of program.commands) {
      assert.notEqual(command.helpGroup(), "", command.name());
      assert.match(text, new RegExp(`^ {2}${command.name()} `, "m"));
    }
    assert.ok(text.split("\n").every((line) => line.length <= 100));
  });

  // Git, not a person, calls those of `credential`.
  const typed = commands.filter(
    ({ command, path }) => command.commands.length === 0 && path[0] !== "credential",
  );
  for (const { command, path } of typed) {
    it(`of ${path.join(" ")} says what it does and shows an example that starts with it`, () => {
      const text = helpOf(command);
      assert.ok(command.description().endsWith("."), command.description());
      assert.match(text, new RegExp(`Examples:\\n(.*\\n)*? +.*propagit ${path.join(" ")}`));
    });
  }
});
