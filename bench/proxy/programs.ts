/** The proxies of the benchmark, and what stands on either side of them; each program on the core it is given. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { familyOf } from "./cpu.js";
import type { ServedSettings } from "./served.js";

const cacheFolder = fileURLToPath(new URL("../../../.cache/", import.meta.url));
const sourceFolder = fileURLToPath(new URL("../../proxy/", import.meta.url));
const httpProxyVersion = "1.18.1";
/** The proxies have one core for themselves, load and app share the other. */
export const proxyCore = "1";
export const loadCore = "0";

export interface Program {
  readonly name: string;
  readonly port: number;
  /** Those that do the work. */
  readonly pids: readonly number[];
  readonly child: ChildProcess;
  stop(): Promise<void>;
}

export function isHere(command: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** Compiles `bench/proxy/NAME.c`; gives the program's path. */
export async function compile(name: string): Promise<string> {
  await mkdir(cacheFolder, { recursive: true });
  const target = join(cacheFolder, `bench-${name}`);
  await execa("cc", ["-O2", "-o", target, join(sourceFolder, `${name}.c`)]);
  return target;
}

export async function startBackend(program: string): Promise<Program> {
  const port = await freePort();
  return start({ name: "backend", port, core: loadCore, command: [program, String(port)] });
}

export async function startOurs(
  settings: Partial<ServedSettings> & { readonly backend: number; readonly name?: string },
  core: string | undefined = proxyCore,
): Promise<Program> {
  const port = await freePort();
  const { name = "propagit", ...given } = settings;
  const whole = { port, routes: 1, changeMs: 0, workers: 1, h2c: false, ...given };
  const served = fileURLToPath(new URL("./served.js", import.meta.url));
  const command = [process.execPath, served, JSON.stringify(whole)];
  return start({ name, port, core, command, hasChannel: true });
}

/** See `splice.ts`. */
export async function startSplice(backend: number): Promise<Program> {
  const port = await freePort();
  const splice = fileURLToPath(new URL("./splice.js", import.meta.url));
  const command = [process.execPath, splice, JSON.stringify({ port, backend })];
  return start({ name: "bytes carried by Node", port, core: proxyCore, command, hasChannel: true });
}

export async function startHttpProxy(backend: number): Promise<Program> {
  const port = await freePort();
  const home = await installHttpProxy();
  const program = join(home, "proxy.cjs");
  await writeFile(
    program,
    `const http = require("node:http");
const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });
const proxy = require("http-proxy").createProxyServer({ target: "http://127.0.0.1:${backend}", agent, xfwd: true });
proxy.on("error", (error, request, response) => response.destroy?.());
http.createServer((request, response) => proxy.web(request, response))
  .on("upgrade", (request, socket, head) => proxy.ws(request, socket, head))
  .listen(${port}, "127.0.0.1");
`,
  );
  return start({
    name: `http-proxy ${httpProxyVersion}`,
    port,
    core: proxyCore,
    command: [process.execPath, program],
  });
}

export async function startNginx(
  backend: number,
  folder: string,
  isTuned: boolean,
): Promise<Program> {
  const port = await freePort();
  const name = isTuned ? "nginx (tuned)" : "nginx";
  const home = join(folder, isTuned ? "nginx-tuned" : "nginx");
  await mkdir(home, { recursive: true });
  await writeFile(join(home, "nginx.conf"), nginxConfig({ port, backend, home, isTuned }));
  const command = ["nginx", "-p", home, "-c", join(home, "nginx.conf")];
  return start({ name, port, core: proxyCore, command, worksInChildren: true });
}

export async function startHaproxy(backend: number, folder: string): Promise<Program> {
  const port = await freePort();
  const path = join(folder, "haproxy.cfg");
  await writeFile(path, haproxyConfig(port, backend));
  return start({ name: "haproxy", port, core: proxyCore, command: ["haproxy", "-f", path] });
}

interface StartOptions {
  readonly name: string;
  readonly port: number;
  readonly core: string | undefined;
  readonly command: readonly string[];
  readonly hasChannel?: boolean;
  readonly worksInChildren?: boolean;
}

async function start(options: StartOptions): Promise<Program> {
  const { name, port, core, command, hasChannel = false, worksInChildren = false } = options;
  const pinned = core === undefined ? [...command] : ["taskset", "-c", core, ...command];
  const [program = "", ...args] = pinned;
  const child = spawn(program, args, {
    stdio: hasChannel ? ["ignore", "ignore", "inherit", "ipc"] : ["ignore", "ignore", "ignore"],
  });
  const exited = once(child, "exit");
  if (hasChannel) await once(child, "message");
  await answering(child, port);
  const family = await familyOf(child.pid ?? 0);
  return {
    name,
    port,
    child,
    pids: worksInChildren ? family.slice(1) : family.slice(0, 1),
    async stop() {
      child.kill();
      await exited;
    },
  };
}

async function answering(child: ChildProcess, port: number): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (child.exitCode !== null) throw new Error(`it ended at once: ${child.spawnargs.join(" ")}`);
    const socket = connect(port, "127.0.0.1");
    const isThere = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    if (isThere) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nobody answers at port ${port}`);
}

/** From the npm registry, kept in `.cache`: nothing else of the project needs it. */
async function installHttpProxy(): Promise<string> {
  const target = join(cacheFolder, `http-proxy-${httpProxyVersion}`);
  if (await stat(target).catch(() => undefined)) return target;
  const fresh = `${target}.${process.pid}`;
  await mkdir(fresh, { recursive: true });
  const manifest = {
    name: "peer",
    private: true,
    dependencies: { "http-proxy": httpProxyVersion },
  };
  await writeFile(join(fresh, "package.json"), JSON.stringify(manifest));
  await execa("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: fresh });
  await rename(fresh, target).catch(async () => rm(fresh, { recursive: true }));
  return target;
}

interface NginxConfig {
  readonly port: number;
  readonly backend: number;
  readonly home: string;
  readonly isTuned: boolean;
}

/** What ours does besides choosing: connections kept to the app, and the visitor named to it. */
function nginxConfig({ port, backend, home, isTuned }: NginxConfig): string {
  const buffers = isTuned
    ? "proxy_buffers 8 128k; proxy_buffer_size 128k; proxy_busy_buffers_size 256k; proxy_request_buffering off; client_body_buffer_size 256k;"
    : "";
  // It would change to a user who cannot write into our folder.
  const user = process.getuid?.() === 0 ? "user root; " : "";
  return `${user}worker_processes 1; daemon off; pid ${home}/pid; error_log /dev/null;
worker_rlimit_nofile 40000;
events { worker_connections 19000; }
http { access_log off; client_max_body_size 100m; keepalive_requests 1000000000; keepalive_timeout 600s;
  client_body_temp_path ${home}/b; proxy_temp_path ${home}/p; fastcgi_temp_path ${home}/f;
  uwsgi_temp_path ${home}/u; scgi_temp_path ${home}/s;
  upstream app { server 127.0.0.1:${backend}; keepalive 600; keepalive_requests 1000000000; }
  map $http_upgrade $upgrading { default upgrade; "" ""; }
  server { listen 127.0.0.1:${port} backlog=4096;
    location / { proxy_pass http://app; proxy_http_version 1.1; ${buffers}
      proxy_set_header Connection $upgrading; proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Request-Id $request_id; } } }
`;
}

function haproxyConfig(port: number, backend: number): string {
  return `global
  nbthread 1
  maxconn 9000
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  timeout tunnel 600s
  http-reuse always
  option forwardfor
frontend visitors
  bind 127.0.0.1:${port} backlog 4096
  default_backend app
backend app
  http-request set-header X-Forwarded-Proto http
  server one 127.0.0.1:${backend} pool-max-conn 1000
`;
}
