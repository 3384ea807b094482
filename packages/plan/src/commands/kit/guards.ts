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
  if { getent passwd 2>/dev/null || cat /etc/passwd; } | cut -d: -f6 | grep -Fxq -- "$1"; then
    refuse "$1 is a home, and never $2"
  fi
}
rename() {
  case $(uname -s) in
    Darwin | *BSD) mv -fh "$1" "$2" ;;
    *) mv -fT -- "$1" "$2" ;;
  esac
}
`;
