/** The name of a drone in its hub: the one it wants, or with `-1`, `-2`, … behind it on a clash. */
const nameCharsMax = 63;

export function chooseName(wanted: string, isTaken: (name: string) => boolean): string {
  if (!isTaken(wanted)) return wanted;
  for (let number = 1; ; number++) {
    const suffix = `-${number}`;
    const name = `${wanted.slice(0, nameCharsMax - suffix.length)}${suffix}`;
    if (!isTaken(name)) return name;
  }
}
