/** What an authority is answered that asks whether a host is ours (HTTP-01, RFC 8555, section 8.3). */
import type { Answer } from "@propagit/http";

/** What is answered, by token. Plain data: a worker gets a copy of it. */
export type ChallengeAnswers = Readonly<Record<string, string>>;

const prefix = "/.well-known/acme-challenge/";

/**
 * Asked before any routing, for every request. Undefined for all but tokens of ours: an app may ask
 * authorities itself.
 */
export function challengeAnswer(answers: ChallengeAnswers, target: string): Answer | undefined {
  if (!target.startsWith(prefix)) return undefined;
  const token = target.slice(prefix.length).split("?", 1)[0] ?? "";
  const body = Object.hasOwn(answers, token) ? answers[token] : undefined;
  if (body === undefined) return undefined;
  const headers = ["Content-Type", "application/octet-stream", "Cache-Control", "no-store"];
  return { kind: "answer", status: 200, headers, body };
}
