/** Ports of the machine. */
import { connect } from "node:net";
import { findFreePort, type Random } from "@propagit/runtime";
import type { PortRequest, Ports } from "../world.js";

/** Bound on one attempt to connect; on the own machine it takes no time. */
const connectMsMax = 1_000;

export function nodePorts(random: Random): Ports {
  return {
    async pick({ range, wanted, avoid }: PortRequest) {
      const isFree = wanted !== undefined && (await tryPort(random, wanted, avoid));
      return isFree ? wanted : findFreePort({ range, random, avoid });
    },
    async isOpen(hosts, port) {
      const answers = await Promise.all(hosts.map((host) => accepts(host, port)));
      return answers.includes(true);
    },
  };
}

async function tryPort(
  random: Random,
  port: number,
  avoid: (port: number) => boolean,
): Promise<boolean> {
  return findFreePort({ range: { low: port, high: port }, random, avoid }).then(
    () => true,
    () => false,
  );
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(connectMsMax, () => end(false));
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}
