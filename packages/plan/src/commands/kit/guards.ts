/** What no script takes away or replaces, by the place where it really is. */

/**
 * `physical PATH` goes to the folder of it, for real: `$name` is its name there, `$full` where that is. What is
 * done to `./$name` afterwards is done there, even when somebody turns a folder above into a link meanwhile.
 * `guard PATH WHAT` refuses `/`, folders directly below, and homes.
 */
export const guardScript = `physical() {
  name=\${1##*/}
  cd -P -- "\${1%/*}/" || exit 1
  full=$(pwd -P; echo .); full=\${full%??}
  full=\${full%/}/$name
}
guard() {
  case \${1#/} in
    '') refuse "/ is never $2" ;;
    */*) ;;
    *) refuse "$1 is directly below /, and never $2" ;;
  esac
  [ "$1" != "\${HOME:-}" ] || refuse "$1 is a home, and never $2"
  ! is_home "$1" || refuse "$1 is a home, and never $2"
}
# Line by line, not by grep: to grep, a name that has a line break in it is several names, and one of them a home.
is_home() {
  { getent passwd 2>/dev/null || cat /etc/passwd; } | (
    while IFS=: read -r _ _ _ _ _ home _; do
      [ "$1" != "\${home%/}" ] || exit 0
    done
    exit 1
  )
}
rename() {
  case $(uname -s) in
    Darwin | *BSD) mv -fh "$1" "$2" ;;
    *) mv -fT -- "$1" "$2" ;;
  esac
}
`;
