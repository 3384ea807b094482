/**
 * What a process with a command of a project's own and the one that started it say to each other:
 *
 *     parent --begin--> child: loads propagit.config, checks the arguments, runs the command
 *     parent <--call n-- child: what its context can: the host, secrets, files …
 *     parent --answer n, output n--> child
 *     parent <--say, ended | failed-- child
 *
 * The child holds no more than the code: programs are run and secrets are known by the parent, which ends all of it.
 */
import type { ErrorData } from "@propagit/protocol";
import type { CommandEnd } from "../command.js";

export interface BeginWords {
  readonly kind: "begin";
  /** With the propagit.config. */
  readonly folder: string;
  readonly command: string;
  /** As they are written in the plan. */
  readonly args: Readonly<Record<string, unknown>>;
  readonly host: string;
  readonly key: string;
  /** What there is beside the host. */
  readonly has: readonly ("balancer" | "commits")[];
}

/** Of `CommandContext`. */
export type Asked =
  | "execute"
  | "put"
  | "exists"
  | "request"
  | "send"
  | "secret"
  | "readFile"
  | "drain"
  | "undrain"
  | "distribute"
  | "checkOut";

export type ToProject =
  | BeginWords
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "refusal"; readonly id: number; readonly error: ErrorData }
  /** A line that the program said which it had executed. */
  | { readonly kind: "output"; readonly id: number; readonly line: string }
  /** It is to end soon. */
  | { readonly kind: "abort" };

export type FromProject =
  | {
      readonly kind: "call";
      readonly id: number;
      readonly asked: Asked;
      /** Without signals and functions, which stay where they are. */
      readonly params: readonly unknown[];
    }
  /** Nobody wants the answer any more. */
  | { readonly kind: "cancel"; readonly id: number }
  | { readonly kind: "say"; readonly line: string }
  | { readonly kind: "ended"; readonly end: CommandEnd }
  | { readonly kind: "failed"; readonly error: ErrorData };
