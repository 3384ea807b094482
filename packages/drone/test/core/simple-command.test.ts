import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { withoutWaitingShell } from "../../src/core/simple-command.js";

const run = (line: string) => withoutWaitingShell(["/bin/sh", "-c", line]);

test("puts exec before one plain command", () => {
  const lines = [
    "node server.js",
    "  ./bin/serve --port $PORT",
    "npm start",
    'node -e "console.log(1)"',
    "node -e 'a; b && c'",
    "/usr/bin/env FOO=1 node x.js",
    "python3 -m http.server ${PORT}",
    "g++ a.cc",
    'say "it\'s" \\; done',
  ];
  for (const line of lines) {
    assert.deepEqual(run(line), ["/bin/sh", "-c", `exec ${line.trimStart()}`]);
  }
});

test("leaves everything alone that may mean more to a shell", () => {
  const lines = [
    "",
    " ",
    "a; b",
    "a && b",
    "a || b",
    "a | b",
    "a &",
    "a > log",
    "a 2>&1",
    "a < in",
    "a\nb",
    "(a)",
    "{ a; }",
    "! a",
    "a $(b)",
    "a `b`",
    'a "$(b)"',
    'a "`b`"',
    "A=1 a",
    "$CMD a",
    "~/a",
    "'a' b",
    '"a" b',
    "a* b",
    "a 'b",
    'a "b',
    "a \\",
    "a \\\nb",
    "a # b",
    "exec a",
    "cd a",
    "exit 3",
    "true",
    "echo hello",
    "if a",
    "while a",
    ". ./a",
    "source a",
    "trap a",
    "-x a",
    "[ a ]",
    "é a",
  ];
  for (const line of lines) assert.deepEqual(run(line), ["/bin/sh", "-c", line], line);
});

test("leaves commands alone that are no string of a manifest", () => {
  for (const command of [
    ["node", "server.js"],
    ["/bin/sh", "-c"],
    ["/bin/sh", "-c", "a", "b"],
    ["/bin/sh", "-e", "a"],
    ["bash", "-c", "a"],
    [],
  ]) {
    assert.deepEqual(withoutWaitingShell(command), command);
  }
});

test("never changes what a line does, whatever it is made of", () => {
  // Programs, as in most shells they are builtins under these names.
  const first = [
    "/bin/echo",
    "/usr/bin/env printf",
    "echo",
    "A=1",
    "'/bin/echo'",
    "exec /bin/echo",
  ];
  const rest = [
    "a",
    "$B",
    '"$B c"',
    "'$B'",
    "\\;",
    ";",
    "&&",
    "|",
    "cat",
    "#",
    "$(echo d)",
    '"',
    "'",
  ];
  const line = fc
    .tuple(fc.constantFrom(...first), fc.array(fc.constantFrom(...rest), { maxLength: 4 }))
    .map(([program, words]) => [program, ...words].join(" "));
  const outcome = ([shell = "", ...args]: readonly string[]) => {
    const { status, stdout } = spawnSync(shell, args, {
      encoding: "utf8",
      env: { PATH: process.env["PATH"], B: "b  b" },
      stdio: ["ignore", "pipe", "ignore"],
    });
    return { status, stdout };
  };
  fc.assert(
    fc.property(line, (text) => {
      assert.deepEqual(outcome(run(text)), outcome(["/bin/sh", "-c", text]));
    }),
    { numRuns: 60 },
  );
});

test("lets the program be the process that was started", () => {
  const [shell = "", ...args] = run("cat /proc/self/stat");
  const stat = execFileSync(shell, args, { encoding: "utf8" });
  // Its parent is who started the shell.
  assert.equal(Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]), process.pid);
});
