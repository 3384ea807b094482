/** A real browser in front of a proxy with TLS: what visitors have, with all that browsers do by themselves. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  Cluster,
  echoSockets,
  freePort,
  noBrowser,
  openBrowser,
  WorkTree,
  writeCertificate,
  type Browser,
  type Page,
} from "@propagit/test-support";

/** Answers with its name, events, uploads' sizes, and websockets that say back what they hear. */
const app = (name: string) => `
import { createServer } from "node:http";
import { createHash } from "node:crypto";
const server = createServer((request, response) => {
  if (request.url.startsWith("/events")) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    let number = 0;
    const timer = setInterval(() => response.write(\`data: \${++number}\\n\\n\`), 20);
    response.on("close", () => clearInterval(timer));
    return;
  }
  if (request.url.startsWith("/upload")) {
    const hash = createHash("sha256");
    request.on("data", (part) => hash.update(part));
    request.on("end", () => response.end(hash.digest("hex")));
    return;
  }
  if (request.url.startsWith("/seen")) {
    response.end(JSON.stringify(request.headers));
    return;
  }
  response.setHeader("content-type", "text/html");
  response.end("<!doctype html><title>${name}</title><h1>${name}</h1>");
});
server.listen(process.env.PORT);
${echoSockets}`;

const manifest = `services:
  web:
    command: [node, app.mjs]
traffic:
  pins: true
`;

describe("a browser in front of the proxy", { skip: noBrowser }, () => {
  let cluster: Cluster;
  let browser: Browser;
  let origin: string;
  let plain: string;
  const commits: string[] = [];

  before(async () => {
    cluster = await Cluster.create();
    await cluster.startHub({ ownRegistry: true });
    await cluster.startDrone([], ["--name=a", `--data=${join(cluster.folder, "a")}`]);
    const tlsPort = await freePort();
    const { certificate, key } = await writeCertificate(cluster.folder, "webapp.localhost");
    await cluster.startProxy([
      `--tls-port=${tlsPort}`,
      `--certificate=${certificate},${key}`,
      `--data=${join(cluster.folder, "proxy")}`,
    ]);
    origin = `https://webapp.localhost:${tlsPort}`;
    plain = `http://webapp.localhost:${cluster.ports.proxy}`;
    const tree = await WorkTree.create(join(cluster.folder, "app"));
    await tree.write("propagit.yaml", manifest);
    for (const name of ["blue", "green"]) {
      await tree.write("app.mjs", app(name));
      commits.push(await tree.commit(name));
      await tree.git("push", "--quiet", `http://localhost:${cluster.ports.hub}/webapp`, "master");
      const deployed = await cluster.propagit("deploy", "webapp", "master");
      assert.equal(deployed.exitCode, 0, deployed.stderr);
    }
    browser = await openBrowser();
  });

  after(async () => {
    await browser?.close();
    await cluster?.destroy();
  });

  /** A new visitor's first page. */
  const visit = async (path = "/", from = origin): Promise<Page> => {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await page.goto(`${from}${path}`);
    return page;
  };

  it("speaks HTTP/2 over TLS, and the app hears of https", async () => {
    const page = await visit();
    assert.equal(await page.title(), "green");
    const protocol = "performance.getEntriesByType('navigation')[0].nextHopProtocol";
    assert.equal(await page.evaluate(protocol), "h2");
    const seen = await fetchText(page, "/seen");
    const headers = JSON.parse(seen) as Record<string, string>;
    assert.equal(headers["x-forwarded-proto"], "https");
    assert.equal(headers["x-forwarded-host"], new URL(origin).host);
    await page.context().close();
  });

  it("gets events one by one, and ends them by leaving", async () => {
    const page = await visit();
    const numbers = await page.evaluate(`new Promise((resolve) => {
      const source = new EventSource("/events");
      const heard = [];
      source.onmessage = ({ data }) => {
        heard.push(data);
        if (heard.length < 5) return;
        source.close();
        resolve(heard);
      };
    })`);
    assert.deepEqual(numbers, ["1", "2", "3", "4", "5"]);
    await page.context().close();
  });

  it("talks over websockets, with TLS and without", async () => {
    for (const from of [origin, plain]) {
      const page = await visit("/", from);
      const answer = await page.evaluate(`new Promise((resolve, reject) => {
        const socket = new WebSocket(location.origin.replace("http", "ws"));
        socket.onopen = () => socket.send("hello");
        socket.onmessage = ({ data }) => resolve(data);
        socket.onerror = () => reject(new Error("the websocket failed"));
      })`);
      assert.equal(answer, "hello", from);
      await page.context().close();
    }
  });

  it("uploads what arrives whole", async () => {
    const page = await visit();
    const [sent, received] = await page.evaluate<[string, string]>(`(async () => {
      const body = new Uint8Array(5_000_000).map((_, index) => (index * 7919) % 251);
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
      const own = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      const answer = await fetch("/upload", { method: "POST", body });
      return [own, await answer.text()];
    })()`);
    assert.equal(received, sent);
    await page.context().close();
  });

  it("stays in the variant it was given, over reloads and pages", async () => {
    const [blue = "", green = ""] = commits;
    const split = await cluster.propagit("split", "webapp", `${blue}=50`, `${green}=50`);
    assert.equal(split.exitCode, 0, split.stderr);
    const seen = new Set<string>();
    for (let visitor = 0; visitor < 12; visitor++) {
      const page = await visit();
      const first = await page.title();
      seen.add(first);
      for (const path of ["/", "/other", "/?x=1"]) {
        await page.goto(`${origin}${path}`);
        assert.equal(await page.title(), first);
      }
      await page.context().close();
    }
    // That all twelve get the same has a chance of 1 in 2,048.
    assert.equal(seen.size, 2);
    await cluster.propagit("promote", "webapp", green);
  });

  it("keeps a pin until it is let go", async () => {
    const [blue = ""] = commits;
    const page = await visit(`/?propagit=${blue.slice(0, 8)}`);
    const { title } = pageTools(page);
    assert.equal(await title(), "blue");
    assert.equal(await title("/other"), "blue");
    assert.equal(await title("/?propagit="), "green");
    assert.equal(await title("/other"), "green");
    await page.context().close();
  });
});

function pageTools(page: Page) {
  const origin = new URL(page.url()).origin;
  return {
    title: async (path?: string) => {
      if (path !== undefined) await page.goto(`${origin}${path}`);
      return page.title();
    },
  };
}

function fetchText(page: Page, path: string): Promise<string> {
  return page.evaluate(`fetch("${path}").then((answer) => answer.text())`);
}
