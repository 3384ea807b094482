/** What every network promises, over the simulated and the real one. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { Address } from "@propagit/protocol";
import {
  nodeClock,
  simulate,
  spliceWires,
  webSocketNetwork,
  type Network,
  type Wire,
} from "../src/index.js";
import { relayed } from "./support/relayed.js";
import { startWebServer, until } from "./support/web-servers.js";

interface Setting {
  readonly network: Network;
  readonly address: Address;
  /** Waits, in the setting's own time. */
  readonly wait: (what: string, condition: () => boolean) => Promise<void>;
  /** Ends the server as a dying process does. */
  readonly kill: () => void;
}

type Start = (test: TestContext, accept: (wire: Wire) => void) => Promise<Setting>;

const settings: Readonly<Record<string, Start>> = {
  "the simulated network": async (_, accept) => {
    const sim = simulate(1);
    const address = { host: "hub", port: 6001 };
    const kill = sim.network.serve(address, "/session", accept);
    const wait = (what: string, condition: () => boolean) => sim.clock.until(what, condition);
    return { network: sim.network.from("127.0.0.1"), address, wait, kill };
  },
  "the websocket network": async (test, accept) => {
    const web = await startWebServer(test, { "/session": accept });
    const kill = () => web.stop();
    return { network: webSocketNetwork, address: web.address, wait: until, kill };
  },
  "the simulated network through a relay": async (_, accept) => {
    const { sim, near } = await relayed((wire) => accept(wire));
    const address = { host: "relay", port: 6001 };
    const kill = sim.network.serve(address, "/session", (wire) =>
      spliceWires(sim.clock, wire, near.open("/session", wire.remoteHost)),
    );
    const wait = (what: string, condition: () => boolean) => sim.clock.until(what, condition);
    return { network: sim.network.from("127.0.0.1"), address, wait, kill };
  },
  "the websocket network through a splice": async (test, accept) => {
    const hub = await startWebServer(test, { "/session": accept });
    const relay = await startWebServer(test, {
      "/session": (wire) =>
        void webSocketNetwork
          .connect(hub.address, "/session", 5_000)
          .then((onward) => spliceWires(nodeClock, wire, onward)),
    });
    const kill = () => relay.stop();
    return { network: webSocketNetwork, address: relay.address, wait: until, kill };
  },
};

/** Collects what comes on a wire. */
function collect(wire: Wire): { readonly heard: string[]; readonly ends: string[] } {
  const heard: string[] = [];
  const ends: string[] = [];
  wire.listen({ message: (text) => heard.push(text), closed: (reason) => ends.push(reason) });
  return { heard, ends };
}

for (const [name, start] of Object.entries(settings)) {
  describe(name, () => {
    async function connected(test: TestContext, accept: (wire: Wire) => void) {
      const setting = await start(test, accept);
      let near: Wire | undefined;
      void setting.network
        .connect(setting.address, "/session", 5_000)
        .then((wire) => (near = wire));
      await setting.wait("it is connected", () => near !== undefined);
      assert.ok(near);
      return { ...setting, near };
    }

    it("carries texts both ways, in order", async (test) => {
      const { near, wait } = await connected(test, (far) => {
        far.listen({ message: (text) => far.send(`${text}!`), closed: () => undefined });
      });
      const { heard } = collect(near);
      const texts = ["", "grüße ✓", "x".repeat(100_000), "last"];
      for (const text of texts) near.send(text);
      await wait("all came back", () => heard.length === texts.length);
      assert.deepEqual(
        heard,
        texts.map((text) => `${text}!`),
      );
    });

    it("keeps what comes before anybody listens", async (test) => {
      const { near, wait } = await connected(test, (far) => {
        far.send("early");
        far.send("bird");
      });
      let echoed = false;
      await wait("time passes", () => (echoed = !echoed));
      const { heard } = collect(near);
      await wait("both came", () => heard.length === 2);
      assert.deepEqual(heard, ["early", "bird"]);
    });

    it("tells whoever listens late that it is closed, once", async (test) => {
      const { near, wait } = await connected(test, (far) => {
        far.send("last words");
        far.close();
      });
      const early = collect(near);
      await wait("it is closed", () => early.ends.length > 0);
      near.close();
      const late = collect(near);
      await wait("it is told", () => late.ends.length > 0);
      assert.deepEqual([early.heard, early.ends.length, late.ends.length], [["last words"], 1, 1]);
    });

    it("delivers what was sent before a close", async (test) => {
      let far: { heard: string[]; ends: string[] } | undefined;
      const { near, wait } = await connected(test, (wire) => (far = collect(wire)));
      near.send("a");
      near.send("b");
      near.close();
      near.send("too late");
      await wait("the other side closed", () => far?.ends.length === 1);
      assert.deepEqual(far?.heard, ["a", "b"]);
    });

    it("closes wires when the server dies", async (test) => {
      const { near, wait, kill } = await connected(test, (wire) => void collect(wire));
      const { ends } = collect(near);
      kill();
      await wait("it is noticed", () => ends.length === 1);
    });

    it("knows the address of the other side", async (test) => {
      let remoteHost = "";
      const { wait } = await connected(test, (wire) => (remoteHost = wire.remoteHost));
      await wait("it is known", () => remoteHost !== "");
      assert.equal(remoteHost, "127.0.0.1");
    });

    it("refuses with UNREACHABLE where nothing listens, at the path or at all", async (test) => {
      const { network, address, wait, kill } = await start(test, () => undefined);
      const codes: unknown[] = [];
      const note = (error: { code?: unknown }) => void codes.push(error.code);
      network.connect(address, "/elsewhere", 5_000).catch(note);
      await wait("the path is refused", () => codes.length === 1);
      kill();
      network.connect(address, "/session", 5_000).catch(note);
      await wait("the address is refused", () => codes.length === 2);
      assert.deepEqual(codes, ["UNREACHABLE", "UNREACHABLE"]);
    });
  });
}
