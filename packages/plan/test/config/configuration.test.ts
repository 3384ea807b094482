import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkConfiguration, defineGenerator, type ConfigSources } from "@propagit/plan";
import { formatProblem, list, object, record, text, whole, withDefault } from "@propagit/shapes";

const name = { pattern: "^[a-z][a-z0-9-]*$", why: "is not a name", max: 100 };
const service = object(
  {
    type: text(),
    hosts: list(text(), 100),
    port: whole(1, 65_535),
    keepVersions: withDefault(whole(1, 99), 5),
    limits: object({ memory: text(), files: whole(1, 9_999) }),
  },
  ["hosts", "port"],
);
const web = defineGenerator({
  name: "web",
  summary: "for tests",
  config: object({ branch: text(), user: text(), service: record(name, service) }, ["branch"]),
  generate: () => ({ name: "nothing", stages: [] }),
});
const other = defineGenerator({ ...web, name: "other" });
const generators = new Map([
  ["web", web],
  ["other", other],
]);

/** What comes of these texts, named a.yaml, b.yaml …; as JSON, or what is wrong. */
function read(texts: readonly string[], more: Omit<ConfigSources, "files"> = {}) {
  const files = texts.map((text, index) => ({ name: `${"abc"[index]}.yaml`, text }));
  const checked = checkConfiguration({ files, ...more }, generators);
  if (!checked.ok) return { problems: checked.problems.map(formatProblem) };
  const { plain, values, environment, generator } = checked.configuration;
  const from = Object.fromEntries(values.map((one) => [one.path, one.from]));
  return { plain: plain as Record<string, unknown>, from, environment, generator: generator.name };
}

const one = `generator: web
branch: main
service:
  web-1: { hosts: [a], port: 80 }
`;

describe("a configuration", () => {
  it("is read with its defaults, and knows where each value was written", () => {
    const { plain, from } = read([one]);
    assert.deepEqual(plain, {
      branch: "main",
      service: { "web-1": { hosts: ["a"], port: 80, keepVersions: 5 } },
    });
    assert.deepEqual(from, {
      branch: "a.yaml:2:9",
      "service.web-1.hosts": "a.yaml:4:19",
      "service.web-1.port": "a.yaml:4:30",
      "service.web-1.keepVersions": "default",
    });
  });

  it("tells a key that must be there and is not, which an ancestor forgot to", () => {
    const { problems } = read(["generator: web\nservice: { web: { port: 80 } }"]);
    assert.deepEqual(problems, [
      "a.yaml:1:1: it has no `branch`",
      "a.yaml:2:17: `service.web` has no `hosts`",
    ]);
  });

  it("tells all that is wrong, in which file", () => {
    const { problems } = read([one, "service:\n  web-1: { prot: 81 }\n  x: { hosts: a, port: 0 }"]);
    assert.deepEqual(problems, [
      'b.yaml:2:12: "prot" is not known in `service.web-1`; did you mean `port`?',
      "b.yaml:3:15: `service.x.hosts` is text, not a list",
      'b.yaml:3:24: `service.x.port` "0" is not a whole number from 1 to 65535',
    ]);
  });

  it("is laid over the one before, key by key; lists are replaced, null takes away", () => {
    const more = "user: bob\nservice: { web-1: { hosts: [b, c], limits: { files: 9 } } }";
    const { plain } = read([
      `${one}user: ann\n`,
      more,
      "user: null\nservice: { web-1: { limits: { memory: 1G } } }",
    ]);
    assert.deepEqual(plain, {
      branch: "main",
      service: {
        "web-1": {
          hosts: ["b", "c"],
          port: 80,
          limits: { files: 9, memory: "1G" },
          keepVersions: 5,
        },
      },
    });
  });

  it("is nothing that cannot be read, and no list", () => {
    assert.match(read(["a: [1"]).problems?.[0] ?? "", /^a\.yaml:1:/);
    assert.deepEqual(read(["- a"]).problems, ["a.yaml:1:1: is not a map of keys and values"]);
  });

  it("names its generator, unless there is only one", () => {
    assert.match(read(["branch: main"]).problems?.[0] ?? "", /no `generator` is named/);
    assert.match(
      read(["generator: wbe"]).problems?.[0] ?? "",
      /a\.yaml:1:12: .*did you mean `web`/,
    );
    assert.equal(read(["branch: main"], { generator: "other" }).generator, "other");
    const alone = checkConfiguration(
      { files: [{ name: "a", text: "branch: x" }] },
      new Map([["web", web]]),
    );
    assert.ok(alone.ok);
  });
});

describe("environments", () => {
  const text = `${one}environments:
  staging: { branch: develop, user: stage }
  prod: { inherits: staging, branch: release }
  canary: { inherits: prod, user: null }
  empty:
  round: { inherits: trip }
  trip: { inherits: round }
  lost: { inherits: stagin }
`;

  it("are laid over the rest", () => {
    const { plain, from } = read([text], { environment: "staging" });
    assert.equal(plain?.["branch"], "develop");
    assert.equal(from?.["branch"], "a.yaml:6:22");
    assert.equal(read([text]).plain?.["branch"], "main");
    assert.equal(read([text], { environment: "empty" }).plain?.["branch"], "main");
  });

  it("that inherit keep their own name and branch; with an ancestor, prod became staging", () => {
    const { plain, environment } = read([text], { environment: "prod" });
    assert.equal(environment, "prod");
    assert.equal(plain?.["branch"], "release");
    assert.equal(plain?.["user"], "stage");
  });

  it("inherit through others, and may take something away", () => {
    const { plain } = read([text], { environment: "canary" });
    assert.deepEqual([plain?.["branch"], plain?.["user"]], ["release", undefined]);
  });

  it("that are not there, or inherit themselves, are refused", () => {
    assert.match(
      read([text], { environment: "prd" }).problems?.[0] ?? "",
      /"prd" in `environments`; did you mean `prod`/,
    );
    assert.match(
      read([text], { environment: "round" }).problems?.[0] ?? "",
      /round -> trip -> round/,
    );
    assert.match(
      read([text], { environment: "lost" }).problems?.[0] ?? "",
      /a\.yaml:12:21: .*did you mean `staging`/,
    );
  });
});

describe("defaults by the type of a service", () => {
  const text = `generator: web
branch: main
defaults:
  base: { keepVersions: 2, limits: { memory: 1G, files: 10 } }
  frontend: { inherits: base, port: 8080, limits: { files: 20 } }
service:
  web: { type: frontend, hosts: [a] }
  api: { type: frontend, hosts: [b], port: 9090, limits: { memory: null } }
  own: { hosts: [c], port: 1 }
`;

  it("hold where a service does not say it, and show where they were written", () => {
    const { plain, from } = read([text]);
    assert.deepEqual(plain?.["service"], {
      web: {
        keepVersions: 2,
        limits: { memory: "1G", files: 20 },
        port: 8080,
        type: "frontend",
        hosts: ["a"],
      },
      api: { keepVersions: 2, limits: { files: 20 }, port: 9090, type: "frontend", hosts: ["b"] },
      own: { hosts: ["c"], port: 1, keepVersions: 5 },
    });
    assert.equal(from?.["service.web.port"], "a.yaml:5:37");
    assert.equal(from?.["service.web.limits.memory"], "a.yaml:4:46");
  });

  it("that are wrong are told where they stand", () => {
    const { problems } = read([text.replace("port: 8080", "port: no")]);
    assert.deepEqual(problems, [
      'a.yaml:5:37: `defaults.frontend.port` "no" is not a whole number from 1 to 65535',
    ]);
    const unknown = read([text.replace("type: frontend, hosts: [a]", "type: frontnd, hosts: [a]")]);
    assert.match(
      unknown.problems?.join("\n") ?? "",
      /a\.yaml:7:16: there is no "frontnd" in `defaults`; did you mean `frontend`/,
    );
  });
});

describe("variables and flags", () => {
  it("win over files, flags over variables", () => {
    const variables = { PROPAGIT_CONFIG_BRANCH: "v", PROPAGIT_CONFIG_USER: "v", OTHER: "x" };
    const { plain, from } = read([one], { variables, sets: ["branch=f"] });
    assert.deepEqual([plain?.["branch"], plain?.["user"]], ["f", "v"]);
    assert.deepEqual(
      [from?.["branch"], from?.["user"]],
      ["--set branch=f", "PROPAGIT_CONFIG_USER"],
    );
  });

  it("mean keys whatever their letters and dashes are", () => {
    const variables = {
      PROPAGIT_CONFIG_SERVICE__WEB_1__KEEP_VERSIONS: "7",
      PROPAGIT_CONFIG_SERVICE__WEB_1__HOSTS: "[x, y]",
    };
    const { plain } = read([one], { variables });
    assert.deepEqual(plain?.["service"], {
      "web-1": { hosts: ["x", "y"], port: 80, keepVersions: 7 },
    });
  });

  it("are told by their names when they are wrong", () => {
    const wrong = read([one], {
      variables: { PROPAGIT_CONFIG_SERVICE__WEB_1__PORT: "x", PROPAGIT_CONFIG_A____B: "1" },
      sets: ["service.web-1.prt=1", "nonsense"],
    });
    const text = wrong.problems?.join("\n") ?? "";
    assert.match(
      text,
      /PROPAGIT_CONFIG_SERVICE__WEB_1__PORT: `service\.web-1\.port` "x" is not a whole number/,
    );
    assert.match(text, /PROPAGIT_CONFIG_A____B: has no key between two of its `__`/);
    assert.match(text, /--set service\.web-1\.prt=1: .*did you mean `port`/);
    assert.match(text, /--set nonsense: is not of the form/);
  });

  it("may say the generator", () => {
    assert.equal(read([one], { sets: ["generator=other"] }).generator, "other");
    assert.equal(
      read([one], { variables: { PROPAGIT_CONFIG_GENERATOR: "other" } }).generator,
      "other",
    );
  });
});
