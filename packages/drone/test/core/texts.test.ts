import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "@propagit/runtime";
import { buildEnvironment } from "../../src/core/environment.js";
import { lastLinesOf } from "../../src/core/last-lines.js";
import { checkOptions, type DroneOptions } from "../../src/core/options.js";
import { asName, serviceNameOf } from "../../src/core/service-name.js";
import { versionOf } from "../../src/core/version.js";

test("names a service after the script that runs", () => {
  const names: [string, string][] = [
    ["node web.js", "web"],
    ["node --inspect dist/say.mjs --loud", "say"],
    ["npm start", "start"],
    ["npm run worker", "worker"],
    ["./bin/server --x", "server"],
    ["/usr/bin/python3 -m http.server", "http.server"],
    ["python3 app.py", "app"],
    ["sh -c echo", "sh"],
    ["serve", "serve"],
    ["./ünï.js", "n"],
    ["node", "node"],
  ];
  for (const [command, name] of names) {
    assert.equal(serviceNameOf(command.split(" ")), name, command);
  }
  assert.equal(asName("…"), "app");
  assert.equal(asName("x".repeat(100)).length, 63);
});

test("takes the version of package.json when it is one", () => {
  assert.deepEqual(versionOf(undefined), { version: "0.0.0" });
  assert.deepEqual(versionOf("{}"), { version: "0.0.0" });
  assert.deepEqual(versionOf('{"version":"1.2.3-rc.1+b5"}'), { version: "1.2.3-rc.1+b5" });
});

test("goes on with 0.0.0 and a warning when the version is none", () => {
  const warning = (manifest: string) => versionOf(manifest).warning;
  assert.equal(warning("{"), "package.json is not JSON; registering as 0.0.0");
  assert.equal(
    warning('{"version":7}'),
    "the version in package.json is not a text; registering as 0.0.0",
  );
  assert.equal(
    warning('{"version":"v1"}'),
    'the version "v1" in package.json is not a semantic version; registering as 0.0.0',
  );
  assert.equal(versionOf(`{"version":"1.0.0-${"a".repeat(80)}"}`).version, "0.0.0");
});

test("shows the last lines of an output, without colours and control characters", () => {
  const output = `\u001B[31mred\u001B[0m\r\n\n\u0007bell\ttab\n${"x".repeat(600)}\n`;
  assert.deepEqual(lastLinesOf(output), ["red", "bell\ttab", "x".repeat(500)]);
  const many = Array.from({ length: 50 }, (_, index) => `line ${index}`).join("\n");
  assert.deepEqual([lastLinesOf(many).length, lastLinesOf(many)[0]], [20, "line 30"]);
});

test("builds an environment from nothing, lets --env have the last word", () => {
  const own = { PATH: "/bin", HOME: "/home/me", LC_ALL: "C", SECRET: "x", NODE_ENV: "test" };
  const environment = buildEnvironment({
    own,
    folder: "/c",
    host: "10.0.0.1",
    ports: [
      { name: "http", port: 5_000 },
      { name: "admin-api", port: 5_001 },
    ],
    repo: "webapp",
    commit: "1234567890",
    environment: "staging",
    release: 7,
    service: "web",
    drone: "one",
    process: "abc",
    registry: "hub:6001",
    token: undefined,
    variables: { COLOUR: "blue", SIZE: "big", LC_ALL: "de", PORT: "1", RELEASE: "x" },
    extra: { HOME: "/elsewhere", COLOUR: "red" },
  });
  assert.deepEqual(environment, {
    PATH: "/c/node_modules/.bin:/bin",
    HOME: "/elsewhere",
    LC_ALL: "de",
    SIZE: "big",
    HOST: "10.0.0.1",
    PORT: "5000",
    PORT_ADMIN_API: "5001",
    REPO: "webapp",
    COMMIT: "1234567890",
    RELEASE: "7",
    ENVIRONMENT: "staging",
    SERVICE: "web",
    DRONE_ID: "one",
    PROCESS_ID: "abc",
    REGISTRY: "hub:6001",
    COLOUR: "red",
  });
});

test("gives what never listens no PORT, whoever set one", () => {
  const environment = buildEnvironment({
    own: { PORT: "1" },
    folder: "/c",
    host: "10.0.0.1",
    ports: [],
    repo: "webapp",
    commit: "1234567890",
    environment: "production",
    release: 1,
    service: "worker",
    drone: "one",
    process: "abc",
    registry: "hub:6001",
    token: undefined,
    variables: { PORT: "2" },
    extra: {},
  });
  assert.equal(environment["PORT"], undefined);
});

test("refuses options of a command to a drone that has none", () => {
  const options = { hub: { host: "localhost", port: 6001 }, log: silentLog };
  assert.deepEqual(
    [checkOptions(options, "box").service, checkOptions(options, "box").command],
    [undefined, undefined],
  );
  for (const given of [{ service: "web" }, { worker: true }, { readyTimeoutMs: 1_000 }]) {
    assert.throws(() => checkOptions({ ...options, ...given }, "box"), { code: "BAD_USAGE" });
  }
});

test("refuses options that cannot be meant", () => {
  const good: DroneOptions = {
    hub: { host: "localhost", port: 6001 },
    command: ["node", "web.js"],
    log: silentLog,
  };
  const code = (change: Partial<DroneOptions>) => {
    try {
      checkOptions({ ...good, ...change }, "box");
      return "fine";
    } catch (thrown) {
      return (thrown as { code: string }).code;
    }
  };
  assert.equal(checkOptions(good, "web box.local").name, "web-box.local");
  assert.equal(code({ command: [] }), "BAD_USAGE");
  assert.equal(code({ command: [""] }), "BAD_USAGE");
  assert.equal(code({ command: ["a\0b"] }), "BAD_USAGE");
  assert.equal(code({ name: "../evil" }), "BAD_NAME");
  assert.equal(code({ service: "a b" }), "BAD_NAME");
  assert.equal(code({ labels: { "a b": "c" } }), "BAD_NAME");
  assert.equal(code({ labels: { role: "web" } }), "fine");
  assert.equal(code({ env: { "A=B": "c" } }), "BAD_USAGE");
  for (const name of ["PORT", "RELEASE", "ENVIRONMENT"]) {
    assert.equal(code({ env: { [name]: "80" } }), "BAD_USAGE");
  }
  assert.equal(code({ env: { NODE_ENV: "production" } }), "fine");
  assert.equal(code({ portRange: { low: 5, high: 4 } }), "BAD_USAGE");
  assert.equal(code({ portRange: { low: 0, high: 4 } }), "BAD_USAGE");
  assert.equal(code({ host: "a host" }), "BAD_USAGE");
  assert.equal(code({ readyTimeoutMs: Number.NaN }), "BAD_USAGE");
  assert.equal(code({ stopTimeoutMs: -1 }), "BAD_USAGE");
});
