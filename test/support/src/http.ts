/** Requests with a Host header of our choice, as `curl -H 'Host: …'` makes them. */
import { Agent, request } from "node:http";

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly commit: string | undefined;
  /** The visitor cookie that was set, as the browser sends it back. */
  readonly cookie: string | undefined;
}

export interface GetOptions {
  readonly path?: string;
  readonly host?: string;
  readonly cookie?: string;
}

const agent = new Agent({ keepAlive: true, maxSockets: 32 });

export function get(port: number, options: GetOptions = {}): Promise<Answer> {
  const { path = "/", host, cookie } = options;
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        agent,
        port,
        path,
        host: "127.0.0.1",
        headers: { ...(host && { host }), ...(cookie && { cookie }) },
        timeout: 90_000,
      },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          body += chunk;
        });
        response.on("error", reject);
        response.on("end", () => {
          const commit = response.headers["x-propagit-commit"];
          const [cookie] = response.headers["set-cookie"] ?? [];
          resolve({
            status: response.statusCode ?? 0,
            body: body.trimEnd(),
            commit: typeof commit === "string" ? commit : undefined,
            cookie: cookie?.split(";")[0],
          });
        });
      },
    );
    asked.on("timeout", () => asked.destroy(new Error("no answer within 30 s")));
    asked.on("error", reject);
    asked.end();
  });
}

/** Ends idle keep-alive connections, so that the process can end. */
export function closeConnections(): void {
  agent.destroy();
}

/** Does `work` for 0 … count - 1, a few at a time; results in order. */
export async function inParallel<T>(
  count: number,
  work: (index: number) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const index = next++;
      results[index] = await work(index);
    }
  };
  await Promise.all(Array.from({ length: 32 }, worker));
  return results;
}
