/** The example of every command's page is carried out for real, twice; nothing acts before it is carried out. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, readlink, stat, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import {
  argsOf,
  localHost,
  toolBox,
  whyNoCommand,
  type CommandEnd,
  type CommitMeans,
  type FilesMeans,
  type Host,
} from "../../src/index.js";
import { hostWithServices } from "../support/fake-services.js";
import { temporaryFolder } from "../support/folders.js";
import { carryOut, commandOf, noMeans } from "../support/tool-box.js";

interface Stage {
  readonly app: string;
  readonly host: Host;
  readonly state: string;
  readonly asked: readonly string[];
}

interface Trial {
  /** What the example finds. */
  prepare?(stage: Stage): Promise<unknown>;
  /** What it leaves, after the second time too. */
  check(stage: Stage, said: readonly string[]): Promise<unknown>;
}

const tar = (app: string) => {
  const options = { cwd: join(app, "made") };
  execFileSync("tar", ["-czf", "../incoming/app.tar.gz", "."], options);
};
const tree = async (folder: string) => (await readdir(folder, { recursive: true })).toSorted();
const text = (...path: string[]) => readFile(join(...path), "utf8");
const callsOf = async (state: string) => (await text(state, "calls")).trim().split("\n");

const trials: Readonly<Record<string, Trial>> = {
  execute: { check: async ({ app }) => assert.notEqual(await text(app, "made"), "") },
  upload: {
    prepare: ({ app }) => writeFile(join(app, "app.tar.gz"), "bytes"),
    check: async ({ app }) => {
      assert.equal(await text(app, "incoming/app.tar.gz"), "bytes");
      assert.equal((await stat(join(app, "incoming/app.tar.gz"))).mode & 0o777, 0o640);
    },
  },
  unpack: {
    prepare: async ({ app }) => {
      await mkdir(join(app, "made/bin"), { recursive: true });
      await writeFile(join(app, "made/bin/web.js"), "code");
      tar(app);
    },
    check: async ({ app }) => {
      assert.deepEqual(await tree(join(app, "releases/7")), ["bin", "bin/web.js"]);
      assert.deepEqual(await readdir(join(app, "releases")), ["7"]);
    },
  },
  "create-directory": {
    check: async ({ app }) => {
      assert.equal((await stat(join(app, "releases/7"))).mode & 0o777, 0o750);
    },
  },
  copy: {
    prepare: async ({ app }) => {
      await mkdir(join(app, "releases/7"));
      await writeFile(join(app, "config/app.conf"), "conf");
    },
    check: async ({ app }) => assert.equal(await text(app, "releases/7/config/app.conf"), "conf"),
  },
  move: {
    prepare: ({ app }) => mkdir(join(app, "incoming/7")),
    check: async ({ app }) => {
      assert.deepEqual(await tree(join(app, "incoming")), []);
      assert.deepEqual(await tree(join(app, "releases")), ["7"]);
    },
  },
  "write-file": {
    check: async ({ app }) => {
      assert.equal(await text(app, "config/app.conf"), "listen = 127.0.0.1:8080\n");
    },
  },
  symlink: {
    prepare: ({ app }) => mkdir(join(app, "releases/7")),
    check: async ({ app }) => assert.equal(await readlink(join(app, "current")), "releases/7"),
  },
  remove: {
    prepare: ({ app }) => mkdir(join(app, "incoming/old/deep"), { recursive: true }),
    check: async ({ app }) => assert.deepEqual(await tree(join(app, "incoming")), []),
  },
  cleanup: {
    prepare: async ({ app }) => {
      for (let release = 1; release <= 9; release++) {
        const folder = join(app, `releases/${release}`);
        await mkdir(folder);
        await utimes(folder, 1_000_000 + release, 1_000_000 + release);
      }
      execFileSync("ln", ["-s", "releases/2", join(app, "current")]);
    },
    check: async ({ app }) => {
      assert.deepEqual(await tree(join(app, "releases")), ["2", "5", "6", "7", "8", "9"]);
    },
  },
  archive: {
    prepare: async ({ app }) => {
      await mkdir(join(app, "releases/7"));
      await writeFile(join(app, "releases/7/web.js"), "code");
    },
    check: async ({ app }) => {
      const [kept, source] = ["archive/7/web.js", "releases/7/web.js"].map((path) =>
        join(app, path),
      );
      assert.equal((await stat(kept ?? "")).ino, (await stat(source ?? "")).ino);
    },
  },
  "list-directory": {
    prepare: ({ app }) => mkdir(join(app, "releases/7"), { mode: 0o750 }),
    check: async (_, said) => {
      assert.equal(said.length, 2);
      for (const line of said) assert.match(line, /^drwxr-x--- .* 7$/);
    },
  },
  // With git, on a drone: packages/drone/test/commands-commits.test.ts.
  distribute: { check: async ({ asked }) => assert.deepEqual(asked, ["shop", "shop"]) },
  checkout: {
    check: async ({ asked, app }) => {
      const one = `shop to ${join(app, "releases/7")}`;
      assert.deepEqual(asked, [one, one]);
    },
  },
  // Through a hub, on drones: test/e2e/targets.test.ts and delegation.test.ts.
  "put-files": {
    check: async ({ asked, app }) => {
      const one = `files to ${join(app, "site")}`;
      assert.deepEqual(asked, [one, one]);
    },
  },
  "check-service": {
    prepare: ({ state }) => writeFile(join(state, "app"), ""),
    check: async ({ state }) => {
      assert.deepEqual(await callsOf(state), Array(2).fill("systemctl is-active -- app"));
    },
  },
  "start-service": {
    check: async ({ state }) => {
      const calls = await callsOf(state);
      assert.equal(calls.filter((call) => call === "systemctl start -- app").length, 1);
    },
  },
  "stop-service": {
    prepare: ({ state }) => writeFile(join(state, "app"), ""),
    check: async ({ state }) => {
      const calls = await callsOf(state);
      assert.equal(calls.filter((call) => call === "systemctl stop -- app").length, 1);
    },
  },
  "enable-service": {
    check: async ({ state }) => {
      const calls = await callsOf(state);
      assert.equal(calls.filter((call) => call === "systemctl enable -- app").length, 1);
      assert.equal(await text(state, "app.enabled"), "");
    },
  },
  "disable-service": {
    prepare: ({ state }) => writeFile(join(state, "app.enabled"), ""),
    check: async ({ state }) => {
      const calls = await callsOf(state);
      assert.equal(calls.filter((call) => call === "systemctl disable -- app").length, 1);
    },
  },
  "restart-service": {
    check: async ({ state }) => {
      const calls = await callsOf(state);
      assert.equal(calls.filter((call) => call === "systemctl restart -- app").length, 2);
    },
  },
  "reload-service": {
    prepare: ({ state }) => writeFile(join(state, "app"), ""),
    check: async ({ state }) => {
      const calls = await callsOf(state);
      assert.equal(calls.filter((call) => call === "systemctl reload -- app").length, 2);
    },
  },
  drain: {
    check: async ({ asked }) => {
      assert.match(asked[0] ?? "", /^POST \/balancer \{"action":"drain","machine":"fe001",/);
    },
  },
  undrain: {
    check: async ({ asked }) => {
      assert.match(asked[0] ?? "", /^POST \/balancer \{"action":"undrain","machine":"fe001",/);
    },
  },
  "wait-http": { check: async ({ asked }) => assert.deepEqual(asked, ["GET /up ", "GET /up "]) },
  notify: {
    check: async ({ asked }) => {
      const told = 'POST /slack {"text":"Version 7 of the shop is on its way"}';
      assert.deepEqual(asked, [told, told]);
    },
  },
  "send-metrics": {
    check: async ({ asked }) => {
      // What was sent is in the kernel; that the server has read it comes a moment later.
      while (asked.length < 2) await new Promise((resolve) => setImmediate(resolve));
      for (const one of asked) assert.match(one, /^TCP deploys\.shop\.begun 1 \d{10}\n$/);
    },
  },
  message: {
    check: async (_, said) => assert.deepEqual(said, ["Hello World", "Hello World"]),
  },
};

/** Only a hub hands on, and only to a relay: test/e2e/delegation.test.ts. */
const isForHub = (name: string) => name === "delegate";

describe("the example of", () => {
  for (const [name, command] of [...toolBox].filter(([one]) => !isForHub(one))) {
    const trial = trials[name === "put" ? "upload" : name];
    it(`${name} does what its page says, and the second time ${command.actsAgain ? "does it again" : "finds it done"}`, async (t) => {
      assert.ok(trial, "every command has a trial");
      const folder = await temporaryFolder(t);
      const app = join(folder, "srv", "an 'app'");
      for (const one of ["incoming", "releases", "config"]) {
        await mkdir(join(app, one), { recursive: true });
      }
      const asked: string[] = [];
      const ports = { http: await listenHttp(t, asked), tcp: await listenTcp(t, asked) };
      const stage = { ...(await hostWithServices(folder)), app, asked };
      await trial.prepare?.(stage);
      const said: string[] = [];
      const means = {
        ...noMeans,
        secret: async () => `http://127.0.0.1:${ports.http}/slack`,
        commits: commitsThatNote(asked),
        files: filesThatNote(asked),
      };
      const given = { host: stage.host, means, say: (line: string) => said.push(line) };
      const example = placed(command.example, app, ports);
      const first = await carryOut(name, example, given);
      const isLook = name === "check-service" || name === "wait-http";
      // A balancer's webhook says itself whether it was so already.
      const isAsked = name === "drain" || name === "undrain";
      const actsAgain = name !== "execute" && command.actsAgain === true;
      assert.equal(first.outcome, isLook ? "unchanged" : "done");
      const second = await carryOut(name, example, given);
      assert.equal(second.outcome, actsAgain && !isAsked ? "done" : "unchanged");
      await trial.check(stage, said);
    });
  }
});

describe("delegate", () => {
  it("is refused wherever no relay is", async () => {
    const { example } = commandOf("delegate");
    const given = { host: localHost({ name: "here" }), means: noMeans };
    await assert.rejects(carryOut("delegate", example, given), {
      code: "TASK_REFUSED",
      message: /here takes over no part of a plan/,
    });
  });
});

describe("every command", () => {
  for (const [name, command] of toolBox) {
    it(`${name} is one, says what it would do by its arguments alone, and takes back in words that are known`, () => {
      assert.equal(whyNoCommand(command), undefined);
      const args = argsOf(command, command.example);
      assert.match(command.describe(args), /^would /);
      assert.ok(command.summary.endsWith("."));
      for (const { command: undoName, ...undo } of command.undo?.(args) ?? []) {
        argsOf(commandOf(undoName), undo);
      }
    });

    it(`${name} refuses what it does not know`, () => {
      assert.throws(
        () => argsOf(command, { ...command.example, nonsense: 1 }),
        /"nonsense" is not known/,
      );
    });
  }
});

function filesThatNote(asked: string[]): FilesMeans {
  return {
    put: async ({ path }) => {
      asked.push(`files to ${path}`);
      return { outcome: asked.length === 1 ? "done" : "unchanged" };
    },
  };
}

/** The second time it is there already. */
function commitsThatNote(asked: string[]): CommitMeans {
  const note = async (what: string): Promise<CommandEnd> => {
    asked.push(what);
    return { outcome: asked.length === 1 ? "done" : "unchanged" };
  };
  return {
    distribute: ({ repo }) => note(repo),
    checkOut: ({ repo }, path) => note(`${repo} to ${path}`),
  };
}

function placed<T>(
  example: T,
  app: string,
  ports: { readonly http: number; readonly tcp: number },
): T {
  const written = JSON.stringify(example)
    .replaceAll("/srv/app", JSON.stringify(app).slice(1, -1))
    .replaceAll(/127\.0\.0\.1:80[89]0/g, `127.0.0.1:${ports.http}`)
    .replaceAll("127.0.0.1:2003", `127.0.0.1:${ports.tcp}`);
  return JSON.parse(written) as T;
}

/** `/balancer` says the second time that it was so already. */
async function listenHttp(t: TestContext, asked: string[]): Promise<number> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += String(chunk)));
    request.on("end", () => {
      const again = asked.length > 0 && request.url === "/balancer";
      asked.push(`${request.method} ${request.url} ${body}`);
      response.writeHead(again ? 304 : 200).end();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

async function listenTcp(t: TestContext, asked: string[]): Promise<number> {
  const server = createTcpServer((socket) => {
    socket.on("data", (chunk) => asked.push(`TCP ${chunk.toString()}`));
    socket.on("error", () => undefined);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}
