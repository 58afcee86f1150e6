/**
 * The scripts behind a host's file operations. POSIX sh with the tools that coreutils and busybox share: they run in dash and
 * in busybox, on the hypervisor and in guests. The embedded lab simulates them by name, so each documents exactly what it
 * takes and prints.
 */
import { ownerNotSet } from "./host.ts";
import type { Script } from "./script.ts";

/**
 * `enter DIRECTORY [make]`, for the scripts below: goes there, and makes what is missing of it (755) when told to. Others can write
 * below the boundary of a path (`host.ts`), so from there on no link is followed: the kernel is asked where each step has led,
 * and a directory that somebody exchanges meanwhile is noticed. 1: it cannot be entered, 2: a link is in the way.
 */
const enter = `enter() {
  base=\${1%%/./*} rest=
  case $1 in */./*) rest=\${1#*/./} ;; esac
  if [ "$2" = make ]; then (umask 022 && mkdir -p -- "$base/") || return 1; fi
  cd -P -- "$base/" || return 1
  place=$(pwd -P)
  while [ -n "$rest" ]; do
    step=\${rest%%/*} place=\${place%/}/\${rest%%/*}
    case $rest in */*) rest=\${rest#*/} ;; *) rest= ;; esac
    if [ "$2" = make ] && [ ! -e "./$step" ] && [ ! -L "./$step" ]; then
      (umask 022 && mkdir -- "./$step") || [ -d "./$step" ] || return 1
    fi
    if [ ! -L "./$step" ]; then cd -P -- "./$step" || return 1; fi
    [ "$(pwd -P)" = "$place" ] || { echo "$place is a symbolic link" >&2; return 2; }
  done
}
`;

/**
 * Parameters: absolute paths. Prints a line for each:
 *
 *     file MODE USER:GROUP UID:GID LINK CONTENT     a file, or a link to one; all but LINK as of the file
 *     dangling MODE USER:GROUP UID:GID LINK         a link to nothing
 *     part MODE USER:GROUP UID:GID SIZE …           an ordinary file of SIZE bytes; its content stands further down
 *     absent | directory | other | denied           `denied` has its reason on standard error
 *     linked                                        a link is below the path's boundary
 *
 * LINK is the base64 of the link's target, "-" when the path is no link. CONTENT is base64, empty for an empty file.
 * Ordinary files are read together, by five processes for all: their lines come last, in order, and behind them a line
 * `content CONTENT` with that of all, one after the other. Before them the lines of other paths begin with the path's
 * number, counted from 0. Lines without a number are about the paths that have none, in order.
 */
export const readFiles: Script = {
  name: "read-files",
  // The lines of base64 are joined by the shell itself: two processes for each file that is read alone instead of five.
  body: `set -f
lines='
'
IFS=$lines
print() {
  printf 'file %s %s ' "$1" "$2"
  shift 2
  IFS=
  printf '%s\\n' "$*"
  IFS=$lines
}
alone() {
  path=$1 link=-
  [ ! -L "$path" ] || link=$(readlink -n "$path" | base64 | tr -d '\\n')
  if [ -d "$path" ]; then
    echo directory
  elif [ -f "$path" ]; then
    if meta=$(stat -L -c '%a %U:%G %u:%g' "$path") && content=$(base64 <"$path"); then
      print "$meta" "$link" $content
    elif [ -e "$path" ]; then
      echo denied
    else
      echo absent
    fi
  elif [ -e "$path" ]; then
    echo other
  elif [ -L "$path" ]; then
    printf 'dangling %s %s\\n' "$(stat -c '%a %U:%G %u:%g' "$path")" "$link"
  elif [ -x "\${path%/*}/" ]; then
    echo absent
  else
    case $(LC_ALL=C stat "$path" 2>&1) in
    *'ermission denied'*) echo "$path: Permission denied" >&2; echo denied ;;
    *) echo absent ;;
    esac
  fi
}
within() {
  real=$(cd -P -- "\${1%%/./*}/" 2>/dev/null && pwd -P) || { echo absent; return; }
  path=\${real%/}/\${1#*/./} at=\${real%/}
  IFS=/
  for step in \${1#*/./}; do
    at=$at/$step
    if [ -L "$at" ]; then IFS=$lines; echo linked; return; fi
  done
  IFS=$lines
  if [ ! -f "$path" ]; then
    if [ -d "$path" ]; then echo directory; elif [ -e "$path" ]; then echo other; else echo absent; fi
    return
  fi
  # What is open stays what it is, whoever exchanges a directory on its path for a link now.
  {
    case $(readlink /proc/self/fd/7) in
    "$path" | "$path (deleted)")
      if meta=$(stat -L -c '%a %U:%G %u:%g' /proc/self/fd/7) && content=$(base64 <&7); then
        print "$meta" - $content
      else echo denied; fi ;;
    *) echo linked ;;
    esac
  } 7<"$path" || echo absent
}
together() {
  parts=$(stat -c 'part %a %U:%G %u:%g %s %i %y' "$@") && content=$(cat "$@" | base64 | tr -d '\\n') || return 1
  # What was changed meanwhile is read one by one: the sizes would cut the content in the wrong places.
  [ "$(stat -c 'part %a %U:%G %u:%g %s %i %y' "$@")" = "$parts" ] || return 1
  size=0
  for part in $parts; do
    part=\${part#part * * * }
    size=$((size + \${part%% *}))
  done
  case $content in *==) padding=2 ;; *=) padding=1 ;; *) padding=0 ;; esac
  [ "$((\${#content} / 4 * 3 - padding))" -eq "$size" ]
}
number=0
for path; do
  shift
  case $path in */./*) place=within ;; *) place=alone ;; esac
  if [ "$place" = alone ] && [ -f "$path" ] && [ -r "$path" ] && [ ! -L "$path" ]; then
    set -- "$@" "$path"
  else
    printf '%s ' "$number"
    "$place" "$path"
  fi
  number=$((number + 1))
done
[ "$#" -gt 0 ] || exit 0
if [ "$#" -gt 1 ] && together "$@" 2>/dev/null; then
  printf '%s\\ncontent %s\\n' "$parts" "$content"
else
  for path; do alone "$path"; done
fi`,
};

/** The exit code of every script that finds a link below the boundary of a path. */
const linkInTheWay = 88;

/** What the exit codes of `write-files` mean. The lab answers with the same ones. */
export const writeFailures: Readonly<Record<number, string>> = {
  81: "no temporary file can be made beside it",
  [ownerNotSet]: "its owner or mode cannot be set",
  83: "its content cannot be written",
  84: "what was written is not what was sent",
  85: "a directory is in its place",
  86: "it cannot be renamed into place",
  87: "/etc/pve is not mounted",
  [linkInTheWay]: "a symbolic link is in its path, below a directory that guests can write to",
  89: "writing was interrupted",
};

/**
 * Parameters, five for each file: path, mode, owner, SHA-256 of the content, staging directory; "" for what is not
 * given. Standard input: one line of base64 for each file. Nothing is replaced unless all temporary files are
 * complete; on a failure they are removed, the last line of standard error is `file N` (counted from 0), and the exit
 * code is one of `writeFailures`.
 *
 * - Temporary files are called .phx.XXXXXX; those that a killed run left behind go after five minutes.
 * - Without a mode a file gets 644 where chmod works. pmxcfs (/etc/pve) refuses it and sets its own (pve-cluster 9.1).
 * - When pmxcfs is not mounted, /etc/pve is an ordinary empty directory: what is written there would be lost.
 * - A staging directory on another mount is not used: mv would copy, and readers would see half a file.
 * - New parent directories get 755. `sync FILE` syncs one file where it can, and everything on an old busybox.
 * - The temporary file is created by its open descriptor and only used through it: another file in its place gets nothing.
 */
export const writeFiles: Script = {
  name: "write-files",
  body: `umask 077
${enter}count=$(($# / 5)) at=0
forget() {
  i=0
  while [ "$i" -lt "$at" ]; do
    eval "temporary=\\$temporary_$i path=\\$path_$i"
    [ -z "$temporary" ] || { enter "\${path%/*}/" && rm -f -- "$temporary"; }
    i=$((i + 1))
  done
}
fail() { echo "file $2" >&2; exit "$1"; }
trap forget EXIT
trap 'exit 89' HUP INT TERM
while [ "$at" -lt "$count" ]; do
  path=$1 mode=$2 owner=$3 sum=$4 staging=$5 n=$at
  shift 5
  case $path in /etc/pve/*) [ -e /etc/pve/.version ] || fail 87 "$n" ;; esac
  [ -z "$staging" ] || (umask 022 && mkdir -p -- "$staging") || fail 81 "$n"
  enter "\${path%/*}/" make
  case $? in 0) ;; 2) fail 88 "$n" ;; *) fail 81 "$n" ;; esac
  [ ! -d "./\${path##*/}" ] || fail 85 "$n"
  directory=.
  if [ -n "$staging" ]; then
    mounts=$(df -P -- "$staging/" . | awk 'NR > 1 { print $6 }' | sort -u | wc -l)
    [ "$mounts" -ne 1 ] || directory=$staging
  fi
  find "$directory" -maxdepth 1 -type f -name '.phx.??????' -mmin +5 -exec rm -f {} \\; 2>/dev/null
  temporary=$(mktemp -u "$directory/.phx.XXXXXX") || fail 81 "$n"
  set -C
  command exec 8>"$temporary" || fail 81 "$n"
  set +C
  eval "temporary_$n=\\$temporary path_$n=\\$path"
  at=$((at + 1)) open=/proc/self/fd/8
  [ -z "$owner" ] || chown "$owner" $open || fail 82 "$n"
  if [ -n "$mode" ]; then chmod "$mode" $open || fail 82 "$n"; else chmod 644 $open 2>/dev/null; fi
  IFS= read -r line || fail 84 "$n"
  printf '%s\\n' "$line" | base64 -d >&8 || fail 83 "$n"
  sync $open || fail 83 "$n"
  [ "$(sha256sum <$open)" = "$sum  -" ] || fail 84 "$n"
  exec 8>&-
done
i=0
while [ "$i" -lt "$count" ]; do
  eval "temporary=\\$temporary_$i path=\\$path_$i"
  enter "\${path%/*}/"
  case $? in 0) ;; 2) fail 88 "$i" ;; *) fail 86 "$i" ;; esac
  # Without -T a link to a directory that appears now would be followed. An old busybox does not have it.
  case $path in */./*) whole=T ;; *) whole= ;; esac
  mv "-f$whole" -- "$temporary" "./\${path##*/}" || fail 86 "$i"
  eval "temporary_$i="
  sync .
  i=$((i + 1))
done`,
};

/**
 * Parameters: a path, a mode, an owner; "" for what is not given. Makes the directory and its missing parents (755); one that is
 * there keeps its mode and owner. Exit codes as of `write-files`: 81 it cannot be made, 82, 88.
 */
export const makeDirectory: Script = {
  name: "make-directory",
  body: `${enter}enter "\${1%/*}/" make
case $? in 0) ;; 2) exit 88 ;; *) exit 81 ;; esac
step=./\${1##*/} place=\${place%/}/\${1##*/}
case $1 in */./*) [ ! -L "$step" ] || { echo "$place is a symbolic link" >&2; exit 88; } ;; esac
[ ! -d "$step" ] || exit 0
(umask 022 && mkdir -m "\${2:-755}" -- "$step") || exit 81
cd -P -- "$step" && [ "$(pwd -P)" = "$place" ] || exit 88
[ -z "$3" ] || chown "$3" . || exit 82`,
};

/** Parameter: a directory. Prints the names in it, each followed by a NUL; nothing when it is not there. 88: see `write-files`. */
export const list: Script = {
  name: "list",
  body: `${enter}if [ ! -e "$1" ]; then exit 0; fi
[ -d "$1" ] || { echo "$1: not a directory" >&2; exit 1; }
[ -r "$1" ] && [ -x "$1" ] || { echo "$1: Permission denied" >&2; exit 1; }
enter "$1"
case $? in 0) ;; 2) exit 88 ;; *) exit 1 ;; esac
for entry in ./* ./.[!.]* ./..?*; do
  if [ -e "$entry" ] || [ -L "$entry" ]; then printf '%s\\0' "\${entry##*/}"; fi
done`,
};

/** Parameters: paths of files and symbolic links; they are gone afterwards, also after a power cut. A directory stays, and fails. */
export const remove: Script = {
  name: "remove",
  body: `${enter}status=0
for path; do
  if [ ! -e "\${path%/*}/" ]; then
    case $path in */./*) ;; *) rm -f -- "$path" || status=1 ;; esac
    continue
  fi
  enter "\${path%/*}/" || { status=1; continue; }
  name=./\${path##*/}
  if [ -d "$name" ] && [ ! -L "$name" ]; then echo "$path: is a directory" >&2; status=1
  elif rm -f -- "$name"; then sync .
  else status=1; fi
done
exit "$status"`,
};
