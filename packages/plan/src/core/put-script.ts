/**
 * How a file gets to its place, whole or not at all, on any host that has a POSIX shell.
 *
 *     stdin --> a new file beside it --> as long as it should be? --> the same already? --> mode --> disk --> renamed
 *
 * The number of its bytes is known beforehand: a connection that breaks looks like the end of the file.
 */

/** What the script says by how it ends; anything else is a failure. */
export const scriptEnds = { done: 0, unchanged: 90, refused: 91 } as const;

/** For every script: how it says what became of it. A reason is one line, the last of what it tells. */
export const scriptPreamble = `set -u
unset CDPATH
LC_ALL=C; export LC_ALL
unchanged() { exit ${scriptEnds.unchanged}; }
refuse() { printf '%s\\n' "$1" >&2; exit ${scriptEnds.refused}; }
fail() { printf '%s\\n' "$1" >&2; exit 1; }
there() { [ -e "$1" ] || [ -L "$1" ]; }
mode_of() { stat -c %a -- "$1" 2>/dev/null || stat -f %Lp -- "$1"; }
owner_of() { stat -c %u:%g -- "$1" 2>/dev/null || stat -f %u:%g -- "$1"; }
`;

/** Its words: the path, how many bytes come, the mode in octal or nothing. */
export const putScript = `path=$1 bytes=$2 mode=$3
folder=\${path%/*}; [ -n "$folder" ] || folder=/
[ -d "$folder" ] || fail "there is no folder $folder"
[ ! -d "$path" ] || refuse "$path is a folder"
if there "$path" && [ ! -f "$path" ] && [ ! -L "$path" ]; then refuse "$path is no file"; fi
new=$(mktemp "\${folder%/}/.propagit-XXXXXXXX") || exit 1
trap 'rm -f -- "$new"' EXIT
trap 'exit 1' HUP INT TERM PIPE
cat >"$new" || fail "$path could not be written"
[ "$(wc -c <"$new")" -eq "$bytes" ] || fail "$path did not come whole"
if [ -n "$mode" ]; then chmod "$mode" "$new" || exit 1
elif [ -f "$path" ]; then chmod "$(mode_of "$path")" "$new" || exit 1
else chmod =rw "$new" || exit 1
fi
if [ -f "$path" ]; then
  if [ ! -L "$path" ] && cmp -s "$new" "$path" && [ "$(mode_of "$new")" = "$(mode_of "$path")" ]; then
    unchanged
  fi
  [ "$(owner_of "$new")" = "$(owner_of "$path")" ] || chown "$(owner_of "$path")" "$new" 2>/dev/null || :
fi
sync -- "$new" 2>/dev/null || sync
mv -f -- "$new" "$path" || exit 1
sync -- "$folder" 2>/dev/null || :
`;
