// The registry speaks HTTP and JSON, so this needs no package and any language can do it. (`fetch` would
// be shorter, but refuses some ports that registries like, 6000 among them.)
import { request } from "node:http";

// All of these variables come from the drone.
const { COMMIT, HOST, PORT, PROCESS_ID, REGISTRY, REGISTRY_TOKEN } = process.env;

const renewMs = 5_000;

/** Tells the registry that this process serves `service` on PORT, until the process ends. */
export async function announce(service) {
  let lease;
  const keep = async () => {
    try {
      if (lease && (await call("POST", `/v1/leases/${lease}/renew`)).status === 200) return;
      const record = {
        service,
        commit: COMMIT,
        host: HOST,
        port: Number(PORT),
        meta: { process: PROCESS_ID },
      };
      const { status, json } = await call("POST", "/v1/records", record);
      if (status !== 201) throw new Error(json.error.message);
      ({ lease } = json);
    } catch (error) {
      console.error(`the registry does not answer, trying again: ${error.message}`);
    }
  };
  await keep();
  setInterval(keep, renewMs);
  process.once("SIGTERM", async () => {
    // Leave the registry first, so that nobody is sent here any more; then end.
    await call("DELETE", `/v1/leases/${lease}`).catch(() => undefined);
    process.exit();
  });
}

/** Where `service` of the same commit listens: `http://host:port`, or undefined. */
export async function find(service) {
  const query = `service=${service}&commit=${COMMIT}`;
  const { status, json } = await call("GET", `/v1/records?${query}`);
  if (status !== 200) throw new Error(json.error.message);
  const [first] = json.endpoints;
  return first && `http://${first.host}:${first.port}`;
}

/** One request; resolves with its status and its JSON. */
function call(method, path, body) {
  const headers = {
    ...(body && { "content-type": "application/json" }),
    ...(REGISTRY_TOKEN && { authorization: `Bearer ${REGISTRY_TOKEN}` }),
  };
  return new Promise((resolve, reject) => {
    const asked = request(`http://${REGISTRY}${path}`, { method, headers, timeout: renewMs });
    asked.on("timeout", () => asked.destroy(new Error(`${REGISTRY} says nothing`)));
    asked.on("error", reject);
    asked.on("response", async (response) => {
      try {
        const text = (await response.toArray()).join("");
        resolve({ status: response.statusCode, json: text && JSON.parse(text) });
      } catch (error) {
        reject(error);
      }
    });
    asked.end(body && JSON.stringify(body));
  });
}
