/** What others do when all want the same: each fetches from the hub with git, or downloads a file. */
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hubMachine, type Fleet } from "@propagit/test-support";
import { execa } from "execa";
import { workOf } from "./cores.js";
import { familyOf } from "../proxy/cpu.js";

const limitMs = 60 * 60_000;
const plainPort = 8080;
const tlsPort = 8443;

/** Time until the last of these machines has the commit, each with `git fetch` from the hub at the same moment. */
export async function gitByAll(
  fleet: Fleet,
  names: readonly string[],
  repo: string,
): Promise<number> {
  const folder = join(fleet.folder, "by-git");
  const places = names.map((name) => join(folder, `${name}.git`));
  for (const place of places)
    await execa("git", ["init", "--quiet", "--bare", "--template=", place]);
  const ms = await timed(names, async (name, index) => {
    const fetch = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"];
    const from = [fleet.urlOf(repo), "+refs/heads/master:refs/heads/master"];
    await fleet.on(name, ["git", "-C", places[index] ?? "", ...fetch, ...from], limitMs);
  });
  await rm(folder, { recursive: true });
  return ms;
}

export interface FileServer {
  readonly plainUrl: string;
  readonly tlsUrl: string;
  /** CPU time of the process that serves. */
  workUs(): Promise<number>;
  stop(): Promise<void>;
}

/** nginx with one worker on the hub's machine, serving a folder as it is. */
export async function startFileServer(fleet: Fleet, folder: string): Promise<FileServer> {
  const home = join(fleet.folder, "nginx");
  const { address } = fleet.machines.machine(hubMachine);
  await mkdir(home, { recursive: true });
  await symlink(folder, join(home, "files"));
  const subject = ["-subj", "/CN=hub", "-days", "1", "-nodes"];
  const files = ["-keyout", join(home, "key.pem"), "-out", join(home, "certificate.pem")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  await execa("openssl", ["req", "-x509", ...curve, ...subject, ...files]);
  await writeFile(join(home, "nginx.conf"), nginxConfig(home));
  const [first, ...words] = [...fleet.machines.machine(hubMachine).elsewhere, "nginx", "-p", home];
  const child = execa(first, [...words, "-c", join(home, "nginx.conf")], { reject: false });
  await fleet.on(hubMachine, [
    "curl",
    "--silent",
    "--output",
    "/dev/null",
    ...retry,
    `http://${address}:${plainPort}/`,
  ]);
  const [, worker = 0] = await familyOf(child.pid ?? 0);
  return {
    plainUrl: `http://${address}:${plainPort}`,
    tlsUrl: `https://${address}:${tlsPort}`,
    workUs: async () => (await workOf(worker)).ownUs,
    async stop() {
      child.kill();
      await child;
    },
  };
}

/** Time until the last of these machines has the file. */
export async function httpByAll(
  fleet: Fleet,
  names: readonly string[],
  url: string,
): Promise<number> {
  const download = [
    "curl",
    "--silent",
    "--show-error",
    "--fail",
    "--insecure",
    "--output",
    "/dev/null",
    url,
  ];
  return timed(names, async (name) => fleet.on(name, download, limitMs));
}

const retry = ["--retry", "20", "--retry-delay", "0", "--retry-connrefused"];

async function timed(
  names: readonly string[],
  fetch: (name: string, index: number) => Promise<unknown>,
): Promise<number> {
  const start = performance.now();
  await Promise.all(names.map(fetch));
  return performance.now() - start;
}

/** The cipher is the one of the lines between drones. */
function nginxConfig(home: string): string {
  const tls = `ssl_certificate ${home}/certificate.pem; ssl_certificate_key ${home}/key.pem;
      ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;`;
  return `user root; worker_processes 1; daemon off; pid ${home}/pid; error_log /dev/null;
events { worker_connections 1024; }
http { access_log off; sendfile on; tcp_nopush on;
  client_body_temp_path ${home}/b; proxy_temp_path ${home}/p; fastcgi_temp_path ${home}/f;
  uwsgi_temp_path ${home}/u; scgi_temp_path ${home}/s;
  server { listen ${plainPort}; root ${home}/files; }
  server { listen ${tlsPort} ssl; root ${home}/files; ${tls} } }
`;
}
