/**
 * Makes `$work`, a folder beside `./$name` that is gone in the end, however that comes. What is to be replaced goes
 * to `$work/old`, and comes back when nothing has taken its place. After `guardScript`, once `physical` was called.
 */
export const replacingScript = `work=$(mktemp -d ./.propagit-XXXXXXXX) || exit 1
finish() {
  if [ -d "$work/old" ] && ! there "./$name"; then rename "$work/old" "./$name"; fi
  rm -rf -- "$work"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM PIPE
`;
