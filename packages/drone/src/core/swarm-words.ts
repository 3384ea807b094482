/** What a drone says of an artifact to whoever runs it. */
import { formatBytes, type ShareReport } from "@propagit/protocol";

/**
 * `512 pieces, 16 MiB, whole after 8.31 s (1.8 MiB from the hub, 14 MiB from 7 peers)`
 *
 * @param tookMs since this drone began to take it in this life
 */
export function inWords(
  { piecesAll, receivedBytes, lines = [] }: ShareReport,
  tookMs: number,
): string {
  const seconds = (tookMs / 1000).toFixed(2);
  const head = `${counted(piecesAll, "piece")}, ${formatBytes(receivedBytes)}, whole after ${seconds} s`;
  const senders = lines.filter((line) => line.receivedBytes > 0);
  if (senders.length === 0) return head;
  const [hubs, peers] = [true, false].map((isHub) =>
    senders.filter(({ peer }) => (peer === "hub") === isHub),
  );
  const from = [
    ...(hubs?.length ? [`${formatBytes(sum(hubs))} from the hub`] : []),
    ...(peers?.length ? [`${formatBytes(sum(peers))} from ${counted(peers.length, "peer")}`] : []),
  ];
  return `${head} (${from.join(", ")})`;
}

function sum(lines: readonly { readonly receivedBytes: number }[]): number {
  return lines.reduce((bytes, line) => bytes + line.receivedBytes, 0);
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
