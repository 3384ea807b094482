import { createProxy } from "@propagit/proxy";

const { PORT = 8000, OLD = 8001, NEW = 8002 } = process.env;
const arms = { old: Number(OLD), new: Number(NEW) };

const proxy = createProxy({
  async route({ path, header, signal }) {
    if (path === "/health") return { status: 200, body: "fine\n" };
    const known = /(?:^|; )arm=(old|new)(?:;|$)/.exec(header("cookie") ?? "")?.[1];
    const arm = known ?? (Math.random() < 0.1 ? "new" : "old");
    await isThere(arms[arm], signal);
    return {
      to: arms[arm],
      headers: { set: { "X-Arm": arm } },
      answerHeaders: known ? {} : { set: { "Set-Cookie": `arm=${arm}; Path=/; HttpOnly` } },
    };
  },
});

const started = new Set();

/** Holds a visitor while his version is starting, ten seconds at most. */
async function isThere(port, signal) {
  for (let attempt = 1; attempt <= 100 && !started.has(port) && !signal.aborted; attempt++) {
    const answer = await fetch(`http://localhost:${port}`).catch(() => undefined);
    if (answer) started.add(port);
    else await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const { port } = await proxy.listen({ port: Number(PORT) });
console.log(`http://localhost:${port}`);
