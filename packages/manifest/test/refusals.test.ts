import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { readManifest } from "../src/index.js";

/** What the error says, without the name of the file. */
function refusal(text: string, file = "propagit.yaml"): string {
  try {
    readManifest(new Map([[file, text]]));
  } catch (thrown) {
    assert.ok(thrown instanceof PropagitError, String(thrown));
    assert.equal(thrown.code, "BAD_MANIFEST");
    return thrown.message.replaceAll(`${file}:`, "");
  }
  return "nothing is refused";
}

/** Of a service `web`, which is on line 1. */
function refusalOf(...lines: readonly string[]): string {
  return refusal(
    `services:\n  web:\n    command: x\n${lines.map((line) => `    ${line}\n`).join("")}`,
  );
}

describe("what a manifest cannot say", () => {
  const services: readonly (readonly [line: string, says: RegExp])[] = [
    ["instances: -1", /^4:16: .*not a number up to 1000/],
    ["instances: { total: 1, perDrone: 1 }", /either `total` or `perDrone`/],
    ["on: role~web", /^4:9: .*"role~web" is not a term/],
    ["port: 65536", /is not a port/],
    ["port: {}", /names no port/],
    ["port: { a-b: auto, a_b: auto }", /would both be PORT_A_B/],
    ["port: { a: 80, b: 80 }", /one port number under two names/],
    ["health: up", /"up" is not a path/],
    ["health: { path: /a, tcp: true }", /more than one of/],
    ["health: { status: 200 }", /`status` but no `path`/],
    ["health: { path: /a, status: 20 }", /not an HTTP status/],
    ["health: { interval: 10 }", /"10" has no unit; write 10s/],
    ["health: { interval: soon }", /"soon" is not a duration/],
    ["stop: SIGSTOP", /"SIGSTOP" is not one of SIGTERM, SIGINT/],
    ["stop: { deadline: 8d }", /longer than 7d/],
    ["restart: allways", /did you mean `always`/],
    ["restart: { first: 2m, max: 1m }", /`first` above `max`/],
    ["env: { 1A: x }", /"1A" cannot be a variable's name/],
    ["env: { PORT: 1 }", /`services.web.env.PORT` is set by propagit itself/],
    ["env: { A: }", /`services.web.env.A` is empty/],
    ["env: { A: [1] }", /is a list, not a value/],
    ["limits: { memory: lots }", /not a size, such as 512M/],
    ["limits: { cpu: 0 }", /not a number of cores/],
    ["user: 'a b'", /not a user's name/],
    ["cwd: /etc", /is not below the commit's folder/],
    ["cwd: a/../../b", /leads out of the commit's folder/],
    ["after: web", /cannot come after itself/],
    ["after: [wbe]", /^4:13: there is no service `wbe`; did you mean `web`\?/],
    ["after: 5", /is not text; put it in quotes: "5"/],
    ["command: y", /^4:5: "command" is here twice/],
  ];
  for (const [line, says] of services) {
    it(`refuses ${line}`, () => assert.match(refusalOf(line), says));
  }

  const wholes: readonly (readonly [text: string, says: RegExp])[] = [
    ["services: [a]", /^1:11: `services` is a list, not a map/],
    ["services: { a b: c }", /"a b" cannot be a service's name/],
    ["services: { web: '' }", /`services.web.command` "" is empty/],
    ["services: { web: }", /`services.web` is empty, not a map/],
    ["services: { web: [] }", /is an empty list/],
    ["services: { web: { command: x, port: none, ready: listen } }", /cannot be `ready: listen`/],
    ["services: { web: { command: x, port: none, health: /up } }", /by a `command` only/],
    ["services: { web: { command: x, port: 80, instances: 2 } }", /one port 80 for all of them/],
    [
      "services: { a: { command: x, after: b }, b: { command: x, after: c }, c: { command: x, after: a } }",
      /services wait for each other: a after b after c after a/,
    ],
    ["routes: [a_b]", /"a_b" is not a host name/],
    ["routes: [a.b, A.B]", /a\.b is in `routes` twice/],
    ["routes: [{ host: a.b, path: api }]", /is not a path/],
    [
      "services: { w: { command: x, port: none } }\nroutes: [{ host: a.b, service: w }]",
      /no visitor can be sent/,
    ],
    ["routes: [{ host: a.b, service: w }]", /there is no service `w`/],
    ["environments: { Staging: {} }", /`Staging` cannot be an environment's name/],
    ["environments: { a--b: {} }", /cannot be an environment's name/],
    ["environments: { deadbee: {} }", /cannot be an environment's name/],
    ["environments: { production: staging }", /is not a map of what differs there/],
    ["environments: { a: { deploy: {} } }", /"deploy" is not known in `environments.a`/],
    ["environments: { a: { traffic: { pins: maybe } } }", /`environments.a.traffic.pins` "maybe"/],
    [
      "traffic: { pins: true }\nenvironments: { a: { traffic: { pins: maybe } } }",
      /^2:39: `environments.a.traffic.pins` "maybe" is neither/,
    ],
    ["traffic: { pins: maybe }\nenvironments: { a: {} }", /^1:18: `traffic.pins` "maybe"/],
    [
      "environments: { a: { services: { web: { instances: 2 } } } }",
      /`environments.a.services.web` has no `command`/,
    ],
    ["environments: []", /is not a map of environments/],
    ["deploy: { main: Production }", /"Production" cannot be an environment's name/],
    ["deploy: { main: { promote: true } }", /has no `environment`/],
    ["build: { command: x, include: ../y }", /leads out of the commit's folder/],
    ["keep: { releases: 0 }", /not a whole number from 1 to 1000/],
    ["promote: never", /neither `always` nor `first`/],
    ["hello", /^1:1: is not a map/],
    ["a: [", /^1:5: is not YAML/],
    ["a: b\n---\nc: d", /is not YAML/],
    ["services: !!binary aGk=", /.+/],
    ["a: *b", /is not YAML: Unresolved alias|no anchor "&b" before it/],
    ["? [a]\n: b", /a key that is not a plain name/],
  ];
  for (const [text, says] of wholes) {
    it(`refuses ${text.replaceAll("\n", "\\n")}`, () => assert.match(refusal(text), says));
  }

  it("refuses lines of a Procfile that are none", () => {
    assert.match(refusal("web: a\nnonsense\nweb: b\n", "Procfile"), /^2:1: is not of the form/);
    assert.match(refusal("web: a\nweb: b\n", "Procfile"), /^2:1: `web` is here twice/);
  });

  it("tells twenty problems and counts the others", () => {
    const lines = Array.from({ length: 30 }, (_, index) => `key${index}: 1`);
    const said = refusal(lines.join("\n")).split("\n");
    assert.equal(said.length, 21);
    assert.equal(said[20], "  and 10 more");
  });
});

describe("what is made to hurt", () => {
  it("is bounded: aliases of aliases, deep nesting, many values, long files", () => {
    const laughs = ["a: &a0 [x, x]"];
    for (let level = 1; level < 30; level++)
      laughs.push(`b${level}: &a${level} [*a${level - 1}, *a${level - 1}]`);
    assert.match(refusal(laughs.join("\n")), /nested too deeply|more than 20000 values/);
    assert.match(refusal("a: &a [*a]"), /nested too deeply/);
    assert.match(refusal("[".repeat(100_000)), /nested too deeply|not YAML/);
    assert.match(refusal(`a: [${"1,".repeat(30_000)}]`), /more than 20000 values/);
    assert.match(refusal("#".repeat(256 * 1024 + 1)), /is longer than 256 KiB/);
  });

  it("takes no longer than a push may wait", () => {
    const most = 256 * 1024;
    const parts = "[|- |\"|&a |{a:|nonsense\n|- - |k: 1\n|*a\n|!x |a: >\n|\t|#\n|---\n|'|? ";
    const texts = parts.split("|");
    for (const text of texts.map((part) => part.repeat(Math.floor(most / part.length)))) {
      // Time of the processor: this machine may be busy with other things too.
      const began = process.cpuUsage();
      refusal(text);
      refusal(text, "Procfile");
      const tookMs = process.cpuUsage(began).user / 1_000;
      assert.ok(tookMs < 10_000, `${text.slice(0, 9)}… ${tookMs} ms`);
    }
  });

  it("never reaches a prototype", () => {
    assert.match(refusal("__proto__: { services: {} }"), /"__proto__" is not known here/);
    assert.match(refusal("services: { __proto__: x }"), /cannot be a service's name/);
    assert.match(refusalOf("env: { __proto__: x }"), /cannot be a variable's name/);
    assert.match(refusalOf("constructor: x"), /"constructor" is not known/);
  });
});
