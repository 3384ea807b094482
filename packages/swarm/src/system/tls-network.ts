/** Dialling peers. */
import type { OnReadOpts } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { formatAddress, PropagitError, type Address } from "@propagit/protocol";
import { errnoOf } from "@propagit/runtime";
import { encodeClaim } from "../core/claim.js";
import type { PeerNetwork } from "../world.js";
import { onread } from "./receive.js";
import { TlsLine } from "./tls-line.js";
import { diallingContext } from "./tls-options.js";

export const tlsNetwork: PeerNetwork = {
  dial(address, claim, key, limitMs) {
    return new Promise((resolve, reject) => {
      let line: TlsLine | undefined;
      // `onread` is documented for this call, and missing in its types.
      const options: ConnectionOptions & { onread: OnReadOpts } = {
        ...address,
        secureContext: diallingContext(),
        pskCallback: () => ({ psk: Buffer.from(key, "hex"), identity: encodeClaim(claim) }),
        // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
        rejectUnauthorized: true,
        // Only asked when the other side shows a certificate instead of knowing the key.
        checkServerIdentity: () => new Error("it does not know the key"),
        // Nothing comes before the line is there: the key is proven first.
        onread: onread((bytes) => line?.receive(bytes)),
      };
      const socket = connect(options);
      const attempt = watch(socket, address, limitMs, reject);
      socket.once("secureConnect", () => {
        attempt.end();
        line = new TlsLine(socket, claim, address.host);
        resolve(line);
      });
    });
  },
};

/** Rejects unless it is ended before something goes wrong. */
function watch(
  socket: TLSSocket,
  address: Address,
  limitMs: number,
  reject: (error: PropagitError) => void,
): { end(): void } {
  let isConnected = false;
  const onConnect = () => {
    isConnected = true;
  };
  const onError = (error: Error) => {
    end();
    reject(isConnected ? refused(address, error) : unreachable(address, reasonOf(error), error));
  };
  const onClose = () => onError(new GivenUp("closed"));
  const limit = setTimeout(() => {
    socket.destroy(new GivenUp(`no answer within ${limitMs / 1000} s`));
  }, limitMs);
  const end = () => {
    clearTimeout(limit);
    socket.off("connect", onConnect).off("close", onClose).off("error", onError);
    // Later errors come with the end of the socket, which is told to whom it concerns.
    socket.on("error", () => undefined);
  };
  socket.once("connect", onConnect).once("error", onError).once("close", onClose);
  return { end };
}

/** What went wrong after somebody answered: a connection that broke, or else an answer in words of TLS. */
function refused(address: Address, error: Error): PropagitError {
  const hasBroken = error instanceof GivenUp || /^E(?!RR_)[A-Z]+$/.test(errnoOf(error) ?? "");
  if (hasBroken) return unreachable(address, reasonOf(error), error);
  return new PropagitError(
    "DENIED",
    `the peer at ${formatAddress(address)} does not take the grant of this artifact: ${reasonOf(error)}`,
    { hint: "grants expire; a new one comes with the next answer of the hub", cause: error },
  );
}

/** On this side, or by a close without a word. */
class GivenUp extends Error {}

function unreachable(address: Address, reason: string, cause: Error): PropagitError {
  return new PropagitError(
    "UNREACHABLE",
    `the peer at ${formatAddress(address)} cannot be reached: ${reason}`,
    { hint: "peers must reach each other's --swarm-port; others are tried meanwhile", cause },
  );
}

function reasonOf(error: Error): string {
  return errnoOf(error) ?? error.message;
}
