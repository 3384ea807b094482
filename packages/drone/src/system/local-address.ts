/** Which address of this machine others reach it by. */
import { createSocket } from "node:dgram";
import { isLoopback, type Address } from "@propagit/protocol";

const loopback = "127.0.0.1";
const lookupMsMax = 3_000;

/**
 * The local address that leads to the hub, as the registry would see it; nothing is sent. Loopback
 * when the hub's name cannot be looked up now.
 */
export async function addressTowards({ host, port }: Address): Promise<string> {
  if (isLoopback(host)) return loopback;
  return (
    (await sourceAddress("udp4", host, port)) ??
    (await sourceAddress("udp6", host, port)) ??
    loopback
  );
}

function sourceAddress(
  type: "udp4" | "udp6",
  host: string,
  port: number,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(type);
    let isOver = false;
    const end = (address: string | undefined) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      socket.close();
      resolve(address);
    };
    const timer = setTimeout(() => end(undefined), lookupMsMax);
    socket.once("error", () => end(undefined));
    // Connecting a datagram socket only chooses the route.
    socket.connect(port, host, () => end(socket.address().address));
  });
}
