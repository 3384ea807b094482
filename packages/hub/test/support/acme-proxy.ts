/** A proxy as far as certificates are concerned: follows the hub, and answers authorities on two ports. */
import { once } from "node:events";
import { createServer as createHttp } from "node:http";
import { createServer as createTls } from "node:tls";
import type { TestContext } from "node:test";
import type { CertificateUpdate, Challenge } from "@propagit/protocol";
import { nodeCrypto, type Conversation } from "@propagit/runtime";

export interface AcmeProxy {
  readonly httpPort: number;
  readonly tlsPort: number;
  /** What it goes by. */
  readonly certificates: ReadonlyMap<string, CertificateUpdate["certificates"][number]>;
  readonly challenges: readonly Challenge[];
  /** Paths that authorities asked for. */
  readonly asked: readonly string[];
  /** Follows the hub at the other end. */
  follow(hub: Conversation, options?: { keys?: boolean; confirms?: boolean }): void;
}

export async function startAcmeProxy(test: TestContext): Promise<AcmeProxy> {
  const certificates = new Map<string, CertificateUpdate["certificates"][number]>();
  const asked: string[] = [];
  let challenges: readonly Challenge[] = [];
  const http = createHttp((request, response) => {
    asked.push(request.url ?? "");
    const token = request.url?.replace("/.well-known/acme-challenge/", "");
    const challenge = challenges.find((one) => one.token === token);
    response.statusCode = challenge ? 200 : 404;
    response.end(challenge?.keyAuthorization);
  });
  const tls = createTls({
    ALPNProtocols: ["acme-tls/1"],
    SNICallback: (name, use) => {
      asked.push(name);
      const { certificate: cert, key } = challenges.find(({ host }) => host === name) ?? {};
      if (cert === undefined || key === undefined) return use(new Error("no challenge"));
      import("node:tls").then(
        ({ createSecureContext }) => use(null, createSecureContext({ cert, key })),
        (error: unknown) => use(error as Error),
      );
    },
  });
  tls.on("tlsClientError", () => undefined);
  for (const server of [http, tls]) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    test.after(() => server.close());
  }
  return {
    httpPort: portOf(http),
    tlsPort: portOf(tls),
    certificates,
    asked,
    get challenges() {
      return challenges;
    },
    follow: (hub, { keys = true, confirms = true } = {}) => {
      const open = (hidden: string) =>
        nodeCrypto.decrypt(hub.peer?.sessionKey ?? "", hidden) ?? "none";
      const onPart = (update: CertificateUpdate) => {
        if (update.whole) certificates.clear();
        for (const one of update.certificates) {
          certificates.set(one.id, { ...one, key: open(one.key) });
        }
        for (const id of update.dropped) certificates.delete(id);
        if (update.more) return;
        challenges = update.challenges.map(({ key, ...one }) => ({
          ...one,
          ...(key !== undefined && { key: open(key) }),
        }));
        if (confirms) hub.tell("hub.certificate-book-taken", { revision: update.revision });
      };
      hub.call("hub.certificate-book", { keys }, { limitMs: 0, onPart }).catch(() => undefined);
    },
  };
}

function portOf(server: { address(): unknown }): number {
  return (server.address() as { port: number }).port;
}
