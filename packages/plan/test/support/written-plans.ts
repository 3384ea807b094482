/** Any plan that can be written with the commands of the tests. */
import fc from "fast-check";

const duration = fc
  .tuple(fc.nat(99), fc.constantFrom("ms", "s", "m", "h"))
  .map(([count, unit]) => `${count + 1}${unit}`);
const longDuration = fc.constantFrom("1s", "2.5s", "90m", "3h", "2d");
const path = fc.stringMatching(/^\/[a-z]{1,5}$/);
const line = fc.stringMatching(/^[!-~]{1,8}$/);
const optional = { requiredKeys: [] };

const place = fc.oneof(
  fc.constant({}),
  fc.constantFrom("web-1", "db.2").map((drone) => ({ drone })),
  fc.constantFrom("fe001", "deploy@fe001", "root@::1").map((host) => ({ host })),
);
const tags = fc.constantFrom("balancer", ["web", "a.b"], ["web", "web"], []);
const common = fc.record({ timeout: duration, continueOnFail: fc.boolean(), tags }, optional);
const attempts = fc.oneof(
  fc.record({ retries: fc.oneof(fc.nat(10), fc.array(longDuration, { maxLength: 4 })) }, optional),
  fc.record({ once: fc.boolean() }, optional),
);

const execute = fc.record(
  {
    command: fc.constant("execute"),
    run: fc.oneof(line, fc.array(line, { minLength: 1, maxLength: 3 })),
    wait: duration,
  },
  { requiredKeys: ["command", "run"] },
);
const symlink = fc.record(
  { command: fc.constant("symlink"), from: path, to: path, before: path },
  { requiredKeys: ["command", "from", "to"] },
);
const everything = fc.record(
  {
    command: fc.constant("everything"),
    count: fc.nat(99),
    force: fc.boolean(),
    size: fc.constantFrom("512M", "1.5G", 4_096),
    names: fc.array(line, { maxLength: 5 }),
    env: fc.dictionary(
      fc.stringMatching(/^[A-Z]{1,4}$/),
      fc.oneof(fc.string({ maxLength: 9 }).filter(hasNoZero), fc.integer(), fc.boolean()),
      { maxKeys: 3 },
    ),
    source: fc.oneof(
      fc.record({ file: path, mode: fc.constantFrom("0600", 755) }, { requiredKeys: ["file"] }),
      fc.record({ content: fc.string({ maxLength: 9 }).filter(hasNoZero) }),
    ),
  },
  { requiredKeys: ["command"] },
);
const notify = fc
  .record(
    { text: line, to: fc.oneof(line, fc.array(line, { maxLength: 3 })) },
    { requiredKeys: ["text"] },
  )
  .map((args) => ({ command: "notify", ...args }));

const task = fc.oneof(
  fc
    .tuple(fc.oneof(execute, symlink, everything), place, common, attempts)
    .map(([own, where, words, often]) => ({ ...own, ...where, ...words, ...often })),
  fc.tuple(notify, place, common).map(([own, where, words]) => ({ ...own, ...where, ...words })),
);

const times = fc.record({ every: longDuration, timeout: longDuration }, optional);
const repo = fc.constantFrom("webapp", "shop-2");
const environment = fc.record({ environment: fc.constantFrom("staging", "production") }, optional);
const gate = fc.oneof(
  fc.record(
    {
      approval: fc.oneof(fc.constant(true), fc.constantFrom("ann", ["ann", "bob"])),
      timeout: longDuration,
    },
    { requiredKeys: ["approval"] },
  ),
  fc
    .record(
      {
        days: fc.constantFrom("mon-fri", "sat,sun", "fri-mon", "wed", ["mon", "sun"]),
        from: fc.constantFrom("00:00", "09:15"),
        to: fc.constantFrom("06:00", "24:00"),
        timeZone: fc.constantFrom("UTC", "Europe/Berlin", "America/New_York"),
      },
      { requiredKeys: ["timeZone"] },
    )
    .map((window) => ({ window })),
  fc
    .tuple(
      fc.oneof(
        fc.record(
          {
            http: fc.constantFrom("http://a/up", "https://a.example:8080/?b=c#d"),
            status: fc.constantFrom(204, [200, 301]),
          },
          { requiredKeys: ["http"] },
        ),
        fc.record(
          {
            command: fc.tuple(execute, place).map(([own, where]) => ({ ...own, ...where })),
            exit: fc.nat(255),
          },
          { requiredKeys: ["command"] },
        ),
        fc
          .tuple(
            fc.record(
              {
                health: repo,
                service: fc.constant("web"),
                ready: fc.constantFrom("90%", 50),
                for: duration,
              },
              { requiredKeys: ["health"] },
            ),
            environment,
          )
          .map(merged),
        fc.tuple(fc.record({ canary: repo }), environment).map(merged),
        fc
          .tuple(
            fc.record(
              { errors: repo, max: fc.constantFrom("1%", 0.5), over: longDuration },
              { requiredKeys: ["errors", "max"] },
            ),
            environment,
          )
          .map(merged),
      ),
      times,
    )
    .map(merged),
);

const share = fc.constantFrom(1, 7, "25%", "0.5%", "100%");
const lines = fc.uniqueArray(fc.oneof(task, fc.array(task, { minLength: 1, maxLength: 3 })), {
  maxLength: 4,
  // A list of one task is that task, and defaults may be written or not: told apart by more than that.
  selector: (one) => JSON.stringify(Array.isArray(one) ? one.map(coreOf) : [coreOf(one)]),
});

const stage = fc.record(
  {
    name: fc.stringMatching(/^[a-z]{1,4}$/),
    concurrency: share,
    concurrencyPerHost: share,
    after: fc.oneof(
      duration,
      duration.map((plan) => ({ plan })),
      duration.map((stage) => ({ stage })),
    ),
    gate: fc.oneof(gate, fc.array(gate, { maxLength: 3 })),
    maxFailures: fc.constantFrom(0, 1, "10%", "50%"),
    onFailure: fc.constantFrom("stop", "rollback", "continue"),
    tasks: lines,
  },
  { requiredKeys: ["name", "tasks"] },
);

/** As objects; names of stages differ. */
export const writtenPlans = fc
  .record(
    {
      name: line,
      basis: fc.record({
        revisions: fc.dictionary(fc.stringMatching(/^[a-z /]{1,9}$/), fc.nat(), { maxKeys: 3 }),
        at: fc.nat(),
      }),
      code: fc.constant({ repo: "deploys", commit: "0123456789".repeat(4) }),
      stages: fc.array(stage, { maxLength: 3 }),
      rollback: fc.record({ stages: fc.array(stage, { maxLength: 2 }) }),
    },
    { requiredKeys: ["name", "stages"] },
  )
  .map(({ rollback, stages, ...said }) => ({
    ...said,
    stages: numbered(stages, "stage"),
    ...(rollback && { rollback: { stages: numbered(rollback.stages, "back") } }),
  }));

function numbered<S extends { readonly name: string }>(stages: readonly S[], word: string) {
  return stages.map((one, index) => ({ ...one, name: `${word} ${index} ${one.name}` }));
}

function merged<A extends object, B extends object>([left, right]: readonly [A, B]): A & B {
  return { ...left, ...right };
}

function coreOf(one: object): unknown {
  const { command, run, from, to, text } = one as Readonly<Record<string, unknown>>;
  return command === "everything" ? "everything" : [command, run, from, to, text];
}

function hasNoZero(text: string): boolean {
  return !text.includes("\0");
}
