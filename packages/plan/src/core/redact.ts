/** Secrets in what tasks say: their names stand in their places. */

/** Shorter ones are in many words that are none. */
const charsMin = 4;

/** @param secrets by name */
export function redactor(secrets: ReadonlyMap<string, string>): (text: string) => string {
  const known = [...secrets].filter(([, value]) => value.length >= charsMin);
  // One may be a part of another.
  known.sort(([, left], [, right]) => right.length - left.length);
  return (text) =>
    known.reduce((redacted, [name, value]) => redacted.replaceAll(value, () => `$${name}`), text);
}
