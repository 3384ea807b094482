/** `web-1, web-2 and 3 more`: the first names of a list, and how many there are beside them. */
export function someOf(names: readonly string[], namedMax = 10): string {
  const more = names.length > namedMax ? ` and ${names.length - namedMax} more` : "";
  return `${names.slice(0, namedMax).join(", ")}${more}`;
}
