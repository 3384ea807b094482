/** HTTP and bytes from this machine. */
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { PropagitError } from "@propagit/protocol";
import type { HostAnswer, HostMessage, HostRequest } from "../command.js";

export const bodyBytesMax = 65_536;

/** @throws TASK_FAILED */
export async function requestFromHere(request: HostRequest): Promise<HostAnswer> {
  const { url, method = "GET", headers = {}, body, timeoutMs, signal } = request;
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await fetch(url, {
      method,
      headers,
      redirect: "manual",
      signal: signal ? AbortSignal.any([limit, signal]) : limit,
      ...(body !== undefined && { body }),
    });
    return { status: answer.status, body: await firstOf(answer.body) };
  } catch (thrown) {
    const late = `it took longer than ${timeoutMs / 1_000} s`;
    const why = limit.aborted ? late : reasonOf(thrown);
    // Its address may hold a secret; who it goes to does not.
    const message = `no answer from ${hostOf(url)}: ${why}`;
    throw new PropagitError("TASK_FAILED", message, { cause: thrown });
  }
}

export async function sendFromHere(message: HostMessage): Promise<void> {
  const { protocol, host, port, timeoutMs, signal } = message;
  try {
    await (protocol === "tcp" ? sendTcp(message) : sendUdp(message));
  } catch (thrown) {
    const why = signal?.aborted === true ? "it was ended" : reasonOf(thrown);
    const text = `${host}:${port} did not take it within ${timeoutMs / 1_000} s: ${why}`;
    throw new PropagitError("TASK_FAILED", text, { cause: thrown });
  }
}

export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "an address that is none";
}

async function firstOf(stream: ReadableStream<Uint8Array> | null): Promise<string> {
  if (!stream) return "";
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  let text = "";
  for (let bytes = 0; bytes < bodyBytesMax;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.length;
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  return text.slice(0, bodyBytesMax);
}

/** Until the kernel has all of it and the end, of a connection that was there. */
function sendTcp({ host, port, text, timeoutMs, signal }: HostMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const end = (error?: Error) => {
      socket.destroy();
      if (error) reject(error);
      else resolve();
    };
    const limit = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]);
    const onLimit = () => end(new Error("it does not answer"));
    limit.addEventListener("abort", onLimit, { once: true });
    if (limit.aborted) onLimit();
    socket.once("error", end).resume();
    socket.end(text, () => end());
  });
}

/** Nobody knows whether it arrives; that is the point of it. */
function sendUdp({ host, port, text }: HostMessage): Promise<void> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.send(text, port, host, (error) => {
      socket.close();
      if (error) reject(error);
      else resolve();
    });
  });
}

function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause instanceof Error ? thrown.cause.message : thrown.message;
}
