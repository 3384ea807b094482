// The registry speaks HTTP and JSON, so this needs no package and any language can do it.
// All of these variables come from the drone.
const { COMMIT, HOST, PORT, PROCESS_ID, REGISTRY, REGISTRY_TOKEN } = process.env;

const renewMs = 5_000;

/** Tells the registry that this process serves `service` on PORT, until the process ends. */
export async function announce(service) {
  let lease;
  const keep = async () => {
    try {
      if (lease && (await call("POST", `/v1/leases/${lease}/renew`)).ok) return;
      const record = {
        service,
        commit: COMMIT,
        host: HOST,
        port: Number(PORT),
        meta: { process: PROCESS_ID },
      };
      const answer = await call("POST", "/v1/records", record);
      if (!answer.ok) throw new Error(await answer.text());
      ({ lease } = await answer.json());
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
  const answer = await call("GET", `/v1/records?service=${service}&commit=${COMMIT}`);
  const { endpoints } = await answer.json();
  const [first] = endpoints;
  return first && `http://${first.host}:${first.port}`;
}

function call(method, path, body) {
  return fetch(`http://${REGISTRY}${path}`, {
    method,
    headers: {
      ...(body && { "content-type": "application/json" }),
      ...(REGISTRY_TOKEN && { authorization: `Bearer ${REGISTRY_TOKEN}` }),
    },
    body: body && JSON.stringify(body),
  });
}
