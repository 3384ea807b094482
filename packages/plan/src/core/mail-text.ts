/** An e-mail as sendmail reads it: RFC 5322, with what is not ASCII in the ways of RFC 2047 and 2045. */

export interface Mail {
  readonly to: readonly string[];
  readonly from?: string | undefined;
  readonly subject: string;
  readonly text: string;
}

/** Lines of a header and of base64 are no longer than this. */
const lineCharsMax = 76;
/** Bytes whose base64 fits into one encoded word, with its frame. */
const wordBytesMax = 42;

export function mailText({ to, from, subject, text }: Mail): string {
  const head = [
    ...(from === undefined ? [] : [`From: ${from}`]),
    `To: ${to.join(",\n ")}`,
    `Subject: ${headerText(subject)}`,
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: base64",
    // So that no answering machine answers.
    "Auto-Submitted: auto-generated",
  ];
  const body = base64(new TextEncoder().encode(text)).match(/.{1,76}/g) ?? [];
  const lines = [...head, "", ...body, ""];
  // sendmail on a Unix reads lines that end as Unix ends them.
  return lines.join("\n");
}

function headerText(value: string): string {
  const line = value.replaceAll(/\s+/g, " ").trim();
  if (/^[\x20-\x7e]*$/.test(line) && line.length <= lineCharsMax - "Subject: ".length) return line;
  const words: string[] = [];
  let part = "";
  const bytesOf = (piece: string) => new TextEncoder().encode(piece);
  // By whole characters: a word of RFC 2047 never ends within one.
  for (const char of line) {
    if (bytesOf(part + char).length > wordBytesMax) {
      words.push(part);
      part = "";
    }
    part += char;
  }
  return [...words, part].map((word) => `=?utf-8?B?${base64(bytesOf(word))}?=`).join("\n ");
}

function base64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCodePoint(byte)).join(""));
}
