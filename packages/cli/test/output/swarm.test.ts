import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { briefView, filesRepo, type SwarmView } from "@propagit/protocol";
import { formatSwarm } from "../../src/output/swarm.js";
import { formatSwarmDetail } from "../../src/output/swarm-detail.js";
import { flowsOf, zonesOf } from "../../src/output/swarm-flows.js";
import { widthOf } from "../../src/output/text-width.js";
import { start } from "../support/samples.js";
import { artifact, mib, share, view } from "../support/swarm-samples.js";

function table(views: readonly SwarmView[], columns = 200): string {
  return formatSwarm(views, { now: start, columns });
}

function detail(one: SwarmView, columns = 200, rowsMax = 50): string {
  return formatSwarmDetail(one, { now: start, columns, rowsMax });
}

describe("all artifacts", () => {
  it("have a line each, the same whether shares were told or counted", () => {
    const { base: _, ...whole } = view({
      artifact: "b".repeat(64),
      repo: filesRepo,
      shares: [share("web-1")],
      hubSentBytes: 34 * mib,
    });
    const text = `2 artifacts, 4.0 MiB/s

ARTIFACT      REPO     COMMIT   AGAINST  SIZE    AGE  HAVE IT  RATE       HUB SENT  BEHIND  FAILED  BANNED
3f2a9c1e0b12  webapp   74336bc  40548da  34 MiB   3m      2/4  4.0 MiB/s     1.1 ×       1       1       1
bbbbbbbbbbbb  (files)  74336bc           34 MiB   3m      1/1                1.0 ×
`
      .replace("SIZE    AGE", "  SIZE  AGE")
      .replace("RATE       HUB", "     RATE  HUB");
    assert.equal(table([view(), whole]), text);
    assert.equal(table([view(), whole].map(briefView)), text);
  });

  it("say nothing of what the hub sent of one in its life before", () => {
    const before = view({ shares: [share("web-1")], hubSentBytes: 0 });
    assert.doesNotMatch(table([before]), /×/);
    assert.match(detail(before), /the hub sent nothing of it since it started/);
  });

  it("say what is not among them when there are none", () => {
    assert.match(table([]), /^no artifact is on its way.*straight from the hub\n$/);
  });

  for (const columns of [40, 60, 80, 120]) {
    it(`fit into ${columns} columns`, () => {
      for (const line of table([view()], columns).split("\n")) {
        assert.ok(widthOf(line) <= columns, `${columns}: ${line}`);
      }
    });
  }
});

describe("one artifact", () => {
  it("shows who has what, what crosses into zones, who gives to whom, and who is banned", () => {
    assert.equal(
      detail(view()),
      `webapp 74336bc, thin against 40548da, artifact 3f2a9c1e0b12
34 MiB in 544 pieces of 64 KiB, made 3m ago; the hub sent 37 MiB: 1.1 × its size
███████████████████░░░░░░░░░░░  64 %  4.0 MiB/s  2/4 have it

ZONE  HAVE IT       RATE        CAME IN  RELAYS
a         1/2  4.0 MiB/s  30 MiB, 0.9 ×
b         0/2   40 KiB/s  27 MiB, 0.8 ×  relay-b

DRONE    ZONE  STATE          HAS       RATE      GOT    GAVE  MOST FROM
relay-b  b     relay, done  100 %              34 MiB     0 B  web-1 20 MiB, hub 7.0 MiB
web-1    a     done         100 %              34 MiB  40 MiB  hub 30 MiB, web-2 4.0 MiB
web-2    a     taking        50 %  4.0 MiB/s   17 MiB     0 B  web-1 17 MiB
web-3    b     failed         0 %                 0 B     0 B                             away, the disk is full
web-10   b     taking         7 %   40 KiB/s  3.0 MiB     0 B  relay-b 3.0 MiB            behind, 64 KiB wasted

FROM     TO         BYTES
hub      web-1     30 MiB
web-1    relay-b   20 MiB
web-1    web-2     20 MiB
hub      relay-b  7.0 MiB
web-2    web-1    4.0 MiB
relay-b  web-10   3.0 MiB

web-3 is banned by web-10: piece 7 is not what the manifest says
`,
    );
  });

  it("folds to what needs a look, and to the heaviest lines", () => {
    const text = detail(view(), 200, 2);
    assert.match(text, /\nweb-3 .*\nweb-10 .*\nand 3 more drones; --all shows all\n/);
    assert.match(text, /\nhub +web-1 .*\nweb-1 +relay-b .*\nand 4 more lines; --all shows all\n/);
  });

  for (const columns of [40, 80]) {
    it(`keeps to ${columns} columns`, () => {
      const lines = detail(view(), columns).split("\n");
      const tables = lines.filter((line) => /^(relay-b|web-\d+|[ab]|ZONE|DRONE) /.test(line));
      for (const line of tables.filter((one) => !one.includes("banned"))) {
        assert.ok(widthOf(line) <= columns, `${columns}: ${line}`);
      }
    });
  }

  it("of ten thousand drones is drawn in a moment", () => {
    const shares = Array.from({ length: 10_000 }, (_, index) =>
      share(`web-${index}`, {
        state: "taking",
        pieces: index % 544,
        lines: Array.from({ length: 8 }, (__, peer) => ({
          peer: `web-${index + peer}`,
          receivedBytes: index,
          sentBytes: 0,
        })),
      }),
    );
    // Time of the processor: this machine may be busy with other things too.
    const began = process.cpuUsage();
    const lines = detail(view({ shares }), 100, 20).split("\n").length;
    const tookMs = process.cpuUsage(began).user / 1_000;
    assert.ok(lines < 60, `${lines} lines`);
    assert.ok(tookMs < 5_000, `it took ${tookMs} ms`);
  });
});

describe("lines between drones", () => {
  it("carry what either end says, and no zones are shown where there are none", () => {
    const shares = [
      share("web-1", { lines: [{ peer: "web-2", receivedBytes: 5, sentBytes: 7 }] }),
      share("web-2", { lines: [{ peer: "web-1", receivedBytes: 6, sentBytes: 9 }] }),
    ];
    assert.deepEqual(flowsOf({ shares }), [
      { from: "web-2", to: "web-1", bytes: 9 },
      { from: "web-1", to: "web-2", bytes: 7 },
    ]);
    assert.deepEqual(zonesOf({ shares }, []), []);
    assert.equal(artifact.length, 64);
  });
});
