/** Whether two values out of JSON say the same, whatever the order of their keys. */
export function isSameData(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (!isObject(left) || !isObject(right) || Array.isArray(left) !== Array.isArray(right)) {
    return false;
  }
  const keys = Object.keys(left);
  let said = 0;
  for (const key of keys) {
    if (left[key] === undefined) continue;
    if (!isSameData(left[key], right[key])) return false;
    said += 1;
  }
  const others = Object.keys(right);
  return said === others.length || said === others.filter((key) => right[key] !== undefined).length;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
