/** Connections in the clear that may speak HTTP/2 with prior knowledge: their first bytes tell, and are put back. */
import type { Socket } from "node:net";
import { isHttp2Preface } from "../core/request-views.js";
import type { EngineCore } from "./core.js";
import { Http2Front } from "./http2-front.js";
import { carriedBy } from "./proxy-header.js";
import { waitFor } from "./waiting-visitor.js";

/** Hands the socket to HTTP/2, or to `http1`; ends it when it says too little for too long. */
export function chooseByPreface(core: EngineCore, raw: Socket, http1: (raw: Socket) => void): void {
  let bytes: Buffer = Buffer.alloc(0);
  const end = () => raw.destroy();
  const leave = waitFor(core, end);
  const choose = (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    const answer = isHttp2Preface(bytes, 0, bytes.length);
    if (answer === "more") return;
    leave();
    raw.off("data", choose).off("end", end).off("error", end).off("close", leave).pause();
    raw.unshift(bytes);
    if (core.isStopping) end();
    else if (answer === "no") http1(raw);
    else startHttp2(core, raw);
  };
  raw.on("data", choose).on("end", end).on("error", end).on("close", leave);
  // Whoever read a PROXY header has paused it.
  raw.resume();
}

function startHttp2(core: EngineCore, raw: Socket): void {
  const { remoteAddress: address = "", localPort: port } = raw;
  const carried = carriedBy(raw) ?? { address, port };
  Http2Front.start(core, raw, { ...carried, isSecure: false });
}
