/** Commands that tell somebody: what is secret stays so, what fails says why. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { SimClock } from "@propagit/runtime";
import {
  argsOf,
  checkPlan,
  toolBox,
  type DrainPart,
  type Host,
  type HostRequest,
} from "../../src/index.js";
import { mailText } from "../../src/core/mail-text.js";
import { FakeConsul } from "../support/fake-consul.js";
import { hostWithServices } from "../support/fake-services.js";
import { temporaryFolder } from "../support/folders.js";
import { carryOut, commandOf, noMeans, outcomeOf } from "../support/tool-box.js";

function answering(status: number | Error, asked: HostRequest[] = []): Host {
  return {
    name: "fe001",
    execute: () => Promise.reject(new Error("nothing is run")),
    put: () => Promise.reject(new Error("nothing is put")),
    exists: () => Promise.resolve(false),
    request: async (request) => {
      asked.push(request);
      if (status instanceof Error) throw status;
      return { status, body: "the body of\nthe answer" };
    },
    send: () => Promise.reject(new Error("nothing is sent")),
  };
}

describe("notify", () => {
  const secret = "https://hooks.example.org/services/T0/B0/secret";
  const means = {
    ...noMeans,
    secret: async (name: string) => (name === "SLACK" ? secret : undefined),
  };

  it("has its address from a secret, which is in no error and no description", async () => {
    const asked: HostRequest[] = [];
    await carryOut(
      "notify",
      { text: "x", slack: "$SLACK" },
      { host: answering(200, asked), means },
    );
    assert.equal(asked[0]?.url, secret);
    const written = { text: "x", slack: secret };
    const command = commandOf("notify");
    assert.ok(!command.describe(argsOf(command, written)).includes("secret"));
    await assert.rejects(carryOut("notify", written, { host: answering(404) }), (thrown) => {
      assert.ok(thrown instanceof PropagitError);
      assert.equal(thrown.message, "https://hooks.example.org/… answered 404 the body of");
      return true;
    });
    const unknown = carryOut(
      "notify",
      { text: "x", slack: "$NONE" },
      { host: answering(200), means },
    );
    await assert.rejects(unknown, { code: "TASK_FAILED", message: /there is no secret NONE/ });
  });

  it("sends e-mail by sendmail, and lets nobody add to its head", async (t) => {
    const { host, state } = await hostWithServices(await temporaryFolder(t));
    const args = { text: "Über\nall", email: ["ops@example.org", "dev@example.org"] };
    await carryOut("notify", args, { host });
    const mail = await readFile(join(state, "mail"), "utf8");
    assert.match(
      mail,
      /^To: ops@example\.org,\n dev@example\.org\nSubject: =\?utf-8\?B\?w5xiZXI=\?=\n/,
    );
    const body = mail.split("\n\n").at(1) ?? "";
    assert.equal(Buffer.from(body, "base64").toString(), "Über\nall");
    const command = commandOf("notify");
    for (const email of ["a@b\nBcc: c@d", "-oQ/tmp@x", "a b@c", "<a@b>"]) {
      assert.throws(() => argsOf(command, { text: "x", email }), { code: "BAD_PLAN" });
    }
    const subject = mailText({ to: ["a@b"], subject: "a\nBcc: evil@example.org", text: "" });
    assert.ok(!/^Bcc/m.test(subject));
    const long = mailText({ to: ["a@b"], subject: "💥".repeat(60), text: "" });
    assert.ok(long.split("\n").every((line) => line.length <= 90));
  });

  it("refuses to tell nobody", () => {
    assert.throws(() => argsOf(commandOf("notify"), { text: "x" }), { message: /tells nobody/ });
  });

  it("does not fail a plan, unless that is asked for", () => {
    const stage = (task: object) => ({ name: "s", tasks: [{ command: "notify", ...task }] });
    const tasks = [
      { text: "x", slack: "$A" },
      { text: "x", slack: "$A", continueOnFail: false },
    ];
    const value = {
      name: "p",
      stages: tasks.map((task, at) => ({ ...stage(task), name: `s${at}` })),
    };
    const checked = checkPlan({ maker: "test", value }, toolBox);
    assert.ok(checked.ok);
    const lines = checked.plan.stages.flatMap(({ lines }) => lines.flat());
    assert.deepEqual(
      lines.map(({ continueOnFail }) => continueOnFail),
      [true, false],
    );
  });
});

describe("wait-http", () => {
  it("says in the end what was answered, or that nothing was", async () => {
    const waits = async (host: Host, message: RegExp) => {
      const clock = new SimClock();
      const args = { url: "http://a/up?token=1", within: "5s" };
      const failed = assert.rejects(carryOut("wait-http", args, { host, clock }), { message });
      await clock.advance(6_000);
      await failed;
    };
    await waits(answering(503), /^http:\/\/a\/… answered 503, after 5 s$/);
    const lost = new PropagitError("TASK_FAILED", "no answer from a: connect ECONNREFUSED");
    await waits(answering(lost), /^no answer from a: connect ECONNREFUSED, after 5 s$/);
  });

  it("looks at what is in the answer, too", async () => {
    const host = answering(200);
    const args = { url: "http://a/", contains: "the answer" };
    assert.equal(await outcomeOf("wait-http", args, { host }), "unchanged");
    const clock = new SimClock();
    const other = carryOut("wait-http", { ...args, contains: "others" }, { host, clock });
    const failed = assert.rejects(other, { message: /200 without the text/ });
    await clock.advance(61_000);
    await failed;
  });

  it("goes over HTTP only", () => {
    for (const url of ["ftp://a", "file:///etc/passwd", "a", "http://a b"]) {
      assert.throws(() => argsOf(commandOf("wait-http"), { url }), { code: "BAD_PLAN" });
    }
  });
});

describe("drain", () => {
  it("is our balancer's business, which gets the machine and the part", async () => {
    const parts: DrainPart[] = [];
    const balancer = {
      drain: async (part: DrainPart) => {
        parts.push(part);
        return { outcome: "done" } as const;
      },
      undrain: async () => ({ outcome: "unchanged" }) as const,
    };
    const given = { host: answering(200), means: { ...noMeans, balancer } };
    const part = { repo: "shop", environment: "production", service: "web" };
    assert.equal(await outcomeOf("drain", { ...part, within: "5s" }, given), "done");
    const [{ signal: _, ...told } = { signal: undefined }] = parts;
    assert.deepEqual(told, { ...part, machine: "fe001", timeoutMs: 5_000 });
    assert.equal(await outcomeOf("undrain", {}, given), "unchanged");
  });

  it("says so where nothing balances, or a webhook does not want to", async () => {
    await assert.rejects(carryOut("drain", {}, { host: answering(200) }), {
      message: /nothing here balances/,
    });
    const args = { webhook: "https://lb/x", machine: "a" };
    const refused = carryOut("drain", args, { host: answering(500) });
    await assert.rejects(refused, { message: "https://lb/… answered 500 to drain of a" });
    assert.throws(
      () => argsOf(commandOf("drain"), { environment: "production" }),
      /without its `repo`/,
    );
  });
});

describe("drain and undrain with Consul", () => {
  const consul = { service: "web:1" };

  function hostWith(agent: FakeConsul): Host {
    return { ...answering(200), request: async (request) => agent.answer(request) };
  }

  it("put a service into maintenance once, and take it out when it is healthy to Consul", async () => {
    const agent = new FakeConsul();
    const clock = new SimClock();
    const given = { host: hostWith(agent), clock };
    assert.equal(await outcomeOf("drain", { consul }, given), "done");
    assert.equal(await outcomeOf("drain", { consul }, given), "unchanged");
    assert.deepEqual([...agent.maintained], ["web:1"]);
    agent.health = 503;
    const back = outcomeOf("undrain", { consul }, given);
    await clock.advance(5_000);
    agent.health = 200;
    await clock.advance(5_000);
    assert.equal(await back, "done");
    assert.equal(await outcomeOf("undrain", { consul }, given), "unchanged");
    const calls = ["true", "false"].map((is) => `PUT service/maintenance/web%3A1?enable=${is}`);
    assert.deepEqual(agent.calls, calls);
  });

  it("do so with a whole machine, and with a token that is in no plan", async () => {
    const agent = new FakeConsul();
    agent.token = "the-token";
    const means = { ...noMeans, secret: async () => agent.token };
    const given = { host: hostWith(agent), means };
    const args = { consul: { token: "$CONSUL_TOKEN" } };
    assert.equal(await outcomeOf("drain", args, given), "done");
    assert.deepEqual([...agent.maintained], [""]);
    assert.equal(await outcomeOf("undrain", args, given), "done");
    assert.deepEqual(agent.calls, ["PUT maintenance?enable=true", "PUT maintenance?enable=false"]);
    await assert.rejects(carryOut("drain", { consul: {} }, given), {
      message: "http://127.0.0.1:8500/… answered 403 to maintenance of fe001: Permission denied",
    });
    await assert.rejects(carryOut("drain", args, { host: hostWith(agent) }), {
      message: "there is no secret CONSUL_TOKEN",
    });
  });

  it("fail when the service does not become healthy, and take no second balancer", async () => {
    const agent = new FakeConsul();
    agent.health = 404;
    const clock = new SimClock();
    const given = { host: hostWith(agent), clock };
    const failed = assert.rejects(carryOut("undrain", { consul, within: "5s" }, given), {
      message: "web:1 is unknown to Consul, after 5 s",
    });
    await clock.advance(10_000);
    await failed;
    for (const other of [{ repo: "shop" }, { service: "web" }, { webhook: "http://a/b" }]) {
      assert.throws(() => argsOf(commandOf("drain"), { consul, ...other }), /beside it/);
    }
    const token = { consul: { token: "the-token" } };
    assert.throws(() => argsOf(commandOf("drain"), token), /is in no plan/);
  });
});

describe("send-metrics", () => {
  it("speaks StatsD, and takes no name or place that could be read in two ways", async () => {
    const sent: unknown[] = [];
    const host = { ...answering(200), send: async (message: unknown) => void sent.push(message) };
    const values = { "deploys.begun": 1, took: 2.5 };
    await carryOut(
      "send-metrics",
      { to: "[::1]:8125", protocol: "statsd", values, kind: "gauge" },
      { host },
    );
    const [message] = sent as { text: string; host: string; protocol: string }[];
    assert.deepEqual(
      [message?.protocol, message?.host, message?.text],
      ["udp", "::1", "deploys.begun:1|g\ntook:2.5|g\n"],
    );
    const command = commandOf("send-metrics");
    for (const args of [
      { to: "host", values: {} },
      { to: "a b:1", values: {} },
      { to: "a:1", values: { "a b": 1 } },
      { to: "a:1", values: { "a\nb": 1 } },
      { to: "a:1", values: { a: "x" } },
    ]) {
      assert.throws(() => argsOf(command, args), { code: "BAD_PLAN" });
    }
  });
});
