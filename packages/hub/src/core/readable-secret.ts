/** Digits and letters that nobody confuses (Crockford's base 32). */
const letters = "0123456789abcdefghjkmnpqrstvwxyz";

/** 128 bits, given as 32 hex characters, as a secret that can be read out: `4kz9q-…`, in groups of five. */
export function readableSecret(hex: string): string {
  let value = BigInt(`0x${hex}`);
  let text = "";
  for (let at = 0; at < 26; at++) {
    text = letters.charAt(Number(value % 32n)) + text;
    value /= 32n;
  }
  return text.replace(/(.{5})(?=.)/g, "$1-");
}
