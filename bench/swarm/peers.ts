/** What others do when all want the same: each fetches from the hub with git, or downloads a file. */
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hubMachine, type Fleet } from "@propagit/test-support";
import { execa } from "execa";

const port = 8080;
let servers = 0;

/** Time until the last of these machines has the commit, each with `git fetch` from the hub at the same moment. */
export async function gitByAll(
  fleet: Fleet,
  names: readonly string[],
  repo: string,
  limitMs: number,
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

/** The files of `randomTree` as one, as everybody downloads it; its name in the folder. */
export async function wholeFileOf(folder: string): Promise<string> {
  const name = "whole.pack";
  await execa("sh", ["-c", `cat random-*.bin > ${name}`], { cwd: folder });
  return name;
}

export interface FileServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** nginx with one worker on the hub's machine, serving a folder as it is. */
export async function startFileServer(fleet: Fleet, folder: string): Promise<FileServer> {
  const home = join(fleet.folder, `nginx-${servers++}`);
  const { address, elsewhere } = fleet.machines.machine(hubMachine);
  await mkdir(home, { recursive: true });
  await symlink(folder, join(home, "files"));
  await writeFile(join(home, "nginx.conf"), nginxConfig(home));
  const [first, ...words] = [...elsewhere, "nginx", "-p", home];
  const child = execa(first, [...words, "-c", join(home, "nginx.conf")], { reject: false });
  const url = `http://${address}:${port}`;
  await fleet.on(hubMachine, ["curl", "--silent", "--output", "/dev/null", ...retry, `${url}/`]);
  return {
    url,
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
  limitMs: number,
): Promise<number> {
  const download = ["curl", "--silent", "--show-error", "--fail", "--output", "/dev/null", url];
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

function nginxConfig(home: string): string {
  return `user root; worker_processes 1; daemon off; pid ${home}/pid; error_log /dev/null;
events { worker_connections 1024; }
http { access_log off; sendfile on; tcp_nopush on; send_timeout 600s;
  client_body_temp_path ${home}/b; proxy_temp_path ${home}/p; fastcgi_temp_path ${home}/f;
  uwsgi_temp_path ${home}/u; scgi_temp_path ${home}/s;
  server { listen ${port}; root ${home}/files; } }
`;
}
