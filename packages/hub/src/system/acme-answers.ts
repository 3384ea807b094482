/** What an authority answers, checked: it is foreign, and its mistakes become sentences. */
import { check, parseJson } from "@propagit/protocol";
import { Type, type Static, type TSchema } from "typebox";
import type { AuthorityOrder, AuthorityProof } from "../certificate-means.js";
import { AuthorityRefusal } from "../core/authority-refusal.js";
import type { AcmeAnswer } from "./acme-request.js";

const url = Type.String({ maxLength: 4_000 });
const problem = Type.Object({
  type: Type.Optional(Type.String()),
  detail: Type.Optional(Type.String()),
});

export const directorySchema = Type.Object({
  newNonce: url,
  newAccount: url,
  newOrder: url,
  meta: Type.Optional(
    Type.Object({
      termsOfService: Type.Optional(url),
      externalAccountRequired: Type.Optional(Type.Boolean()),
    }),
  ),
});
export type Directory = Static<typeof directorySchema>;

const orderSchema = Type.Object({
  status: Type.Enum(["pending", "ready", "processing", "valid", "invalid"]),
  authorizations: Type.Array(url, { maxItems: 100 }),
  finalize: url,
  certificate: Type.Optional(url),
  error: Type.Optional(problem),
});

const proofSchema = Type.Object({
  status: Type.Enum(["pending", "valid", "invalid", "deactivated", "expired", "revoked"]),
  identifier: Type.Object({ value: Type.String() }),
  challenges: Type.Array(
    Type.Object({
      type: Type.String(),
      url,
      status: Type.String(),
      token: Type.Optional(Type.String()),
      error: Type.Optional(problem),
    }),
    { maxItems: 20 },
  ),
});

export function orderOf(answer: AcmeAnswer, orderUrl: string, now: number): AuthorityOrder {
  const order = read(orderSchema, answer, "an order");
  return {
    url: orderUrl,
    status: order.status,
    authorizations: order.authorizations,
    finalizeUrl: order.finalize,
    certificateUrl: order.certificate,
    error: order.error && wordsOf(order.error),
    retryAfterMs: retryAfterMs(answer, now),
  };
}

export function proofOf(answer: AcmeAnswer, now: number): AuthorityProof {
  const { status, identifier, challenges } = read(proofSchema, answer, "an authorization");
  const failed = challenges.find(({ error }) => error !== undefined)?.error;
  return {
    status,
    host: identifier.value,
    challenges: challenges.map(({ type, token = "", ...rest }) => ({
      kind: type === "http-01" || type === "tls-alpn-01" ? type : "other",
      url: rest.url,
      status: rest.status,
      token,
    })),
    error: failed && wordsOf(failed),
    retryAfterMs: retryAfterMs(answer, now),
  };
}

/** @throws AuthorityRefusal when it is not of that shape */
export function read<S extends TSchema>(schema: S, { text }: AcmeAnswer, what: string): Static<S> {
  const result = check(schema, parseJson(text));
  if (result.ok) return result.value;
  throw new AuthorityRefusal(`the authority's answer is not ${what}: ${result.reason}`);
}

/** The last part of the problem's type, such as `badNonce`; undefined when it is none. */
export function problemKind({ text }: AcmeAnswer): string | undefined {
  const result = check(problem, parseJson(text));
  return result.ok ? result.value.type?.split(":").at(-1) : undefined;
}

export function refusalOf(answer: AcmeAnswer, now: number): AuthorityRefusal {
  const result = check(problem, parseJson(answer.text));
  const kind = problemKind(answer);
  const why = (result.ok ? wordsOf(result.value) : "") || `status ${answer.status}`;
  return new AuthorityRefusal(`the authority refuses: ${why}`, {
    retryAfterMs: retryAfterMs(answer, now),
    isBusy: answer.status === 429 || answer.status === 503 || kind === "rateLimited",
    isGone: answer.status === 404 || answer.status === 410,
  });
}

/** RFC 9110, section 10.2.3: seconds or a date. */
function retryAfterMs({ headers }: AcmeAnswer, now: number): number | undefined {
  const value = headers["retry-after"];
  if (value === undefined) return undefined;
  const ms = /^\d{1,8}$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - now;
  return ms >= 0 ? ms : undefined;
}

function wordsOf({ type, detail }: Static<typeof problem>): string {
  const kind = type?.split(":").at(-1) ?? "";
  const text = [detail, kind && `(${kind})`].filter(Boolean).join(" ");
  // It goes into events and onto terminals.
  return text.replaceAll(/[^\x20-\x7e]+/g, " ").slice(0, 1_500);
}
