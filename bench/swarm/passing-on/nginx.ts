/** nginx with one file: over TLS 1.3 with the cipher that lines of a swarm have, and plain with sendfile. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { get as getPlain, type IncomingMessage } from "node:http";
import { get as getSecure } from "node:https";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { findFreePort, makeCertificate, makeCertificateKey, nodeRandom } from "@propagit/runtime";
import { cpuUs, familyOf } from "../../proxy/cpu.js";

export interface Nginx {
  /** CPU seconds of sending the file once. */
  send(way: "tls" | "plain"): Promise<number>;
  stop(): Promise<void>;
}

export async function startNginx(folder: string, file: string): Promise<Nginx> {
  const plain = await findFreePort({ random: nodeRandom });
  const secure = await findFreePort({ random: nodeRandom });
  await writeFiles(folder, { plain, secure, root: dirname(file) });
  const child = spawn("nginx", ["-p", folder, "-c", join(folder, "nginx.conf")], {
    stdio: "inherit",
  });
  await answering(plain);
  const workers = (await familyOf(child.pid ?? 0)).slice(1);
  const path = `/${file.slice(dirname(file).length + 1)}`;
  return {
    async send(way) {
      const before = await cpuUs(workers);
      await fetchAway(way, way === "tls" ? secure : plain, path);
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
  readonly root: string;
}

async function writeFiles(folder: string, { plain, secure, root }: Places): Promise<void> {
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
  const user = process.getuid?.() === 0 ? "user root; " : "";
  await writeFile(
    join(folder, "nginx.conf"),
    `${user}worker_processes 1; daemon off; pid ${folder}/pid; error_log stderr error;
events { worker_connections 100; }
http { access_log off; sendfile on; tcp_nopush on;
  client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
  uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server { listen 127.0.0.1:${plain}; root ${root}; }
  server { listen 127.0.0.1:${secure} ssl; root ${root};
    ssl_certificate ${folder}/certificate.pem; ssl_certificate_key ${folder}/key.pem;
    ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256; } }
`,
  );
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
