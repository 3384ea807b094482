import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hubMetricsText } from "../../src/core/metrics-text.js";
import { otherRepos, SwarmTally } from "../../src/core/swarm-tally.js";
import { mib, share, start, view } from "../support/swarm-views.js";

const later = start + 120_000;

function received(tally: SwarmTally, repo = "webapp"): number | undefined {
  return tally.byRepo.get(repo)?.receivedBytes;
}

describe("what artifacts cost", () => {
  it("only rises, also when drones and artifacts go and begin anew", () => {
    const tally = new SwarmTally(start);
    const look = (...bytes: readonly number[]) => {
      const shares = bytes.map((receivedBytes, index) => share(`web-${index}`, { receivedBytes }));
      tally.look([view(shares)], later);
      return received(tally);
    };
    assert.deepEqual([look(30), look(34), look(34, 10), look(5, 12)], [30, 34, 44, 51]);
    tally.look([], later);
    assert.equal(received(tally), 51);
    assert.equal(look(5), 56);
  });

  it("counts what the hub sent, what was wasted, who gave up, and who was banned", () => {
    const tally = new SwarmTally(start);
    const banned = [{ peer: "web-3", reason: "piece 7 is wrong" }];
    const shares = [
      share("web-1", { receivedBytes: 9, sentBytes: 4, wastedBytes: 2, banned }),
      share("web-2", { state: "failed" }),
    ];
    tally.look([view(shares, { hubSentBytes: 7 })], later);
    tally.look([view(shares, { hubSentBytes: 8 })], later);
    assert.deepEqual(tally.byRepo.get("webapp"), {
      hubSentBytes: 8,
      receivedBytes: 9,
      sentBytes: 4,
      wastedBytes: 2,
      failures: 1,
      bans: 1,
    });
  });

  it("does not count again what drones had before the hub was restarted", () => {
    const tally = new SwarmTally(start);
    const told = (receivedBytes: number) => [
      view([share("web-1", { state: "used", receivedBytes })]),
    ];
    tally.look(told(100), start + 5_000);
    assert.equal(received(tally), 0);
    tally.look(told(130), start + 6_000);
    assert.equal(received(tally), 30);
  });

  it("has a bounded number of repositories", () => {
    const tally = new SwarmTally(start);
    const views = Array.from({ length: 1_003 }, (_, index) =>
      view([share("web-1", { receivedBytes: 2 })], {
        repo: `repo-${index}`,
        artifact: String(index).padStart(64, "0"),
      }),
    );
    tally.look(views, later);
    assert.equal(tally.byRepo.size, 1_001);
    assert.equal(received(tally, otherRepos), 6);
  });
});

describe("the metrics of a hub", () => {
  it("are the text that Prometheus reads, by repository and without drones", () => {
    const tally = new SwarmTally(start);
    const shares = [
      share("web-1", { state: "used", pieces: 64, sentBytes: 3 * mib }),
      share("web-2", { receivedBytesPerSecond: mib, receivedBytes: 5 }, { lags: true }),
    ];
    const views = [view(shares, { hubSentBytes: 70 })];
    tally.look(views, later);
    const drones = new Map([
      ["connected", 2],
      ["away", 1],
    ]);
    const text = hubMetricsText({ version: "1.2.3", startedAt: start, drones, views, tally });
    const samples = text.split("\n").filter((line) => !line.startsWith("#"));
    assert.deepEqual(samples, [
      'propagit_hub_info{version="1.2.3"} 1',
      "propagit_hub_start_time_seconds 1000",
      'propagit_hub_drones{contact="connected"} 2',
      'propagit_hub_drones{contact="away"} 1',
      'propagit_hub_swarm_artifacts{repo="webapp"} 1',
      'propagit_hub_swarm_artifact_bytes{repo="webapp"} 67108864',
      'propagit_hub_swarm_shares{repo="webapp",state="taking"} 1',
      'propagit_hub_swarm_shares{repo="webapp",state="whole"} 0',
      'propagit_hub_swarm_shares{repo="webapp",state="used"} 1',
      'propagit_hub_swarm_shares{repo="webapp",state="failed"} 0',
      'propagit_hub_swarm_shares{repo="webapp",state="gone"} 0',
      'propagit_hub_swarm_lagging{repo="webapp"} 1',
      'propagit_hub_swarm_received_bytes_per_second{repo="webapp"} 1048576',
      'propagit_hub_swarm_hub_sent_bytes_total{repo="webapp"} 70',
      'propagit_hub_swarm_received_bytes_total{repo="webapp"} 5',
      'propagit_hub_swarm_sent_bytes_total{repo="webapp"} 3145728',
      'propagit_hub_swarm_wasted_bytes_total{repo="webapp"} 0',
      'propagit_hub_swarm_failures_total{repo="webapp"} 0',
      'propagit_hub_swarm_bans_total{repo="webapp"} 0',
      "",
    ]);
    assert.match(text, /# TYPE propagit_hub_swarm_hub_sent_bytes_total counter\n/);
  });
});
