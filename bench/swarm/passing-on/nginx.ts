/**
 * nginx with one file: over TLS 1.3 with the cipher that lines of a swarm have, and plain with sendfile. And a second
 * one before it, which does what a drone does short of checking: it takes the file over TLS, keeps it and passes it
 * on over TLS (`proxy_store`).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { get as getPlain, type IncomingMessage } from "node:http";
import { get as getSecure } from "node:https";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { findFreePort, makeCertificate, makeCertificateKey, nodeRandom } from "@propagit/runtime";
import { cpuUs, familyOf } from "../../proxy/cpu.js";

export interface Nginx {
  /** CPU seconds of sending the file once. */
  send(way: "tls" | "plain"): Promise<number>;
  /** CPU seconds of the second one, of taking the file, keeping it and passing it on once. */
  passOn(): Promise<number>;
  stop(): Promise<void>;
}

export async function startNginx(folder: string, file: string): Promise<Nginx> {
  const ports = {
    plain: await findFreePort({ random: nodeRandom }),
    secure: await findFreePort({ random: nodeRandom }),
    through: await findFreePort({ random: nodeRandom }),
  };
  await writeFiles(folder, { ...ports, root: dirname(file) });
  const first = await run(folder, "first", ports.plain);
  const second = await run(folder, "second", ports.through);
  const path = `/${file.slice(dirname(file).length + 1)}`;
  return {
    send: (way) =>
      first.cpuSecondsOf(() => fetchAway(way, way === "tls" ? ports.secure : ports.plain, path)),
    async passOn() {
      const seconds = await second.cpuSecondsOf(() => fetchAway("tls", ports.through, path));
      await rm(join(folder, "kept", path));
      return seconds;
    },
    async stop() {
      await first.stop();
      await second.stop();
    },
  };
}

async function run(folder: string, name: string, port: number) {
  const child = spawn("nginx", ["-p", folder, "-c", join(folder, `${name}.conf`)], {
    stdio: "inherit",
  });
  await answering(port);
  const workers = (await familyOf(child.pid ?? 0)).slice(1);
  return {
    async cpuSecondsOf(work: () => Promise<void>) {
      const before = await cpuUs(workers);
      await work();
      return ((await cpuUs(workers)) - before) / 1e6;
    },
    async stop() {
      const gone = once(child, "exit");
      child.kill();
      await gone;
    },
  };
}

interface Places {
  readonly plain: number;
  readonly secure: number;
  readonly through: number;
  readonly root: string;
}

async function writeFiles(folder: string, { plain, secure, through, root }: Places): Promise<void> {
  const key = makeCertificateKey();
  const now = Date.now();
  const certificate = makeCertificate({
    names: ["localhost"],
    key,
    notBefore: now - 60_000,
    notAfter: now + 86_400_000,
  });
  await writeFile(join(folder, "certificate.pem"), certificate);
  await writeFile(join(folder, "key.pem"), key, { mode: 0o600 });
  await mkdir(join(folder, "kept"));
  await writeFile(
    join(folder, "first.conf"),
    configuration(
      folder,
      "first",
      `server { listen 127.0.0.1:${plain}; root ${root}; }
  server { listen 127.0.0.1:${secure} ssl; root ${root}; }`,
    ),
  );
  // Buffers as long as a drone's blocks: with those of its default it costs more.
  await writeFile(
    join(folder, "second.conf"),
    configuration(
      folder,
      "second",
      `server { listen 127.0.0.1:${through} ssl; root ${folder}/kept;
    location / { proxy_pass https://127.0.0.1:${secure}; proxy_http_version 1.1;
      proxy_ssl_protocols TLSv1.3; proxy_ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
      proxy_buffer_size 64k; proxy_buffers 16 64k; proxy_busy_buffers_size 256k; proxy_store on; } }`,
    ),
  );
}

function configuration(folder: string, name: string, servers: string): string {
  const user = process.getuid?.() === 0 ? "user root; " : "";
  return `${user}worker_processes 1; daemon off; pid ${folder}/${name}.pid; error_log stderr error;
events { worker_connections 100; }
http { access_log off; sendfile on; tcp_nopush on;
  client_body_temp_path ${folder}/b-${name}; proxy_temp_path ${folder}/p-${name};
  fastcgi_temp_path ${folder}/f-${name}; uwsgi_temp_path ${folder}/u-${name};
  scgi_temp_path ${folder}/s-${name};
  ssl_certificate ${folder}/certificate.pem; ssl_certificate_key ${folder}/key.pem;
  ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
  ${servers} }
`;
}

/** All of it, to nowhere. */
function fetchAway(way: "tls" | "plain", port: number, path: string): Promise<void> {
  const at = { host: "127.0.0.1", port, path, agent: false };
  return new Promise((resolve, reject) => {
    const drain = (answer: IncomingMessage) => {
      if (answer.statusCode !== 200) reject(new Error(`nginx says ${answer.statusCode}`));
      answer.on("error", reject);
      answer.on("end", () => resolve());
      answer.resume();
    };
    const request =
      way === "plain"
        ? getPlain(at, drain)
        : getSecure({ ...at, rejectUnauthorized: false, servername: "localhost" }, drain);
    request.on("error", reject);
  });
}

async function answering(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const socket = connect(port, "127.0.0.1");
    const isThere = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    if (isThere) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("nginx does not answer");
}
