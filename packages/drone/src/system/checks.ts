/** Asks an instance how it is: over HTTP, by connecting, or by a command. */
import { spawn } from "node:child_process";
import { get as httpGet } from "node:http";
import { connect } from "node:net";
import { constants } from "node:os";
import { toPropagitError } from "@propagit/protocol";
import { errnoOf } from "@propagit/runtime";
import type { CheckResult, Checks } from "../world.js";
import { signalGroup } from "./process-group.js";
import { describeExit } from "./shim-process.js";
import { checkLaunchable } from "./shim-program.js";
import { accountOf } from "./shim-user.js";

/** Of an answer's body, which is of no interest: only so much that short ones end in peace. */
const bodyBytesMax = 64 * 1024;

const passed: CheckResult = { ok: true, reason: "" };

export const nodeChecks: Checks = {
  http: checkHttp,
  tcp: checkTcp,
  command: (request, timeoutMs) =>
    checkCommand(request, timeoutMs).catch((thrown: unknown) =>
      failed(toPropagitError(thrown).message),
    ),
};

/** A redirect is an answer, not a way to go: what it leads to is not this instance. */
function checkHttp(url: string, timeoutMs: number): ReturnType<Checks["http"]> {
  return new Promise((resolve) => {
    const headers = { "user-agent": "propagit-health", connection: "close" };
    let timer: NodeJS.Timeout | undefined;
    try {
      const request = httpGet(url, { agent: false, headers }, (response) => {
        const { statusCode: status = 0 } = response;
        let bytes = 0;
        response.on("error", () => undefined);
        response.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > bodyBytesMax) request.destroy();
        });
        response.once("close", () => clearTimeout(timer));
        resolve({ ...passed, status });
      });
      timer = setTimeout(() => {
        resolve(late(timeoutMs));
        request.destroy();
      }, timeoutMs);
      request.on("error", (thrown) => {
        clearTimeout(timer);
        resolve(failed(reasonOf(thrown)));
      });
    } catch (thrown) {
      // A URL that is none.
      resolve(failed(reasonOf(thrown)));
    }
  });
}

function checkTcp(host: string, port: number, timeoutMs: number): Promise<CheckResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const timer = setTimeout(() => end(late(timeoutMs)), timeoutMs);
    const end = (result: CheckResult) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    socket.once("connect", () => end(passed));
    socket.on("error", (thrown) => end(failed(reasonOf(thrown))));
  });
}

async function checkCommand(
  request: Parameters<Checks["command"]>[0],
  timeoutMs: number,
): Promise<CheckResult> {
  await checkLaunchable(request);
  const account = await accountOf(request.user);
  const child = spawn(
    "/bin/sh",
    ["-c", `exec ${account?.become ?? ""} "$@"`, "propagit-check", ...request.command],
    {
      cwd: request.folder,
      env: { ...request.variables, ...account?.variables },
      stdio: "ignore",
      detached: true,
    },
  );
  const { pid } = child;
  return new Promise((resolve) => {
    const end = (result: CheckResult) => {
      clearTimeout(timer);
      // Its children, too: they would gather from check to check.
      if (pid !== undefined) signalGroup(pid, "SIGKILL");
      resolve(result);
    };
    const timer = setTimeout(() => end(late(timeoutMs)), timeoutMs);
    child.once("error", (thrown) => end(failed(reasonOf(thrown))));
    child.once("exit", (code, signal) => {
      if (code === 0) end(passed);
      else end(failed(describeExit(code ?? 128 + constants.signals[signal ?? "SIGKILL"]).how));
    });
  });
}

function failed(reason: string): CheckResult {
  return { ok: false, reason };
}

function late(timeoutMs: number): CheckResult {
  return failed(`no answer within ${timeoutMs / 1_000} s`);
}

function reasonOf(thrown: unknown): string {
  const { syscall } = (thrown ?? {}) as { syscall?: unknown };
  const code = errnoOf(thrown);
  if (code === undefined) return thrown instanceof Error ? thrown.message : String(thrown);
  return typeof syscall === "string" ? `${syscall} ${code}` : code;
}
