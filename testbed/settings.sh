# Where the testbed keeps what, and the few functions that its commands share. Read with ". settings.sh", never run.
# shellcheck shell=sh disable=SC2034,SC2154

repository=$(cd "$here/.." && pwd)

# What takes minutes to build and is the same for every site. Nothing in it is ever changed in place.
cache=${PHOENIX_TESTBED_CACHE:-/var/cache/phoenix-testbed}
# The machines: their layers, their disks, and the process that holds them all. One directory for each testbed that runs.
run=${PHOENIX_TESTBED_RUN:-/var/lib/phoenix-testbed}

step_ca_version=0.29.0
# The first is the one that the mesh runs unless PHOENIX_TESTBED_TRAEFIK names another.
traefik_versions="3.7.15 3.0.4"

say() {
  printf '%s\n' "$*" >&2
}

fail() {
  say "Error: $1"
  shift
  for hint; do [ -z "$hint" ] || say "  hint: $hint"; done
  exit 1
}

need_root() {
  [ "$(uname -s)" = Linux ] || fail "the testbed needs Linux, and this is $(uname -s)"
  [ "$(id -u)" = 0 ] || fail "the testbed boots machines, which only root can" "sudo $0"
}

# The first bits of the hash of what is read: enough to name a version of something.
digest() {
  sha256sum | cut -c1-12
}

debian_part=$cache/debian-$(cat "$here/build-debian" "$here/debian/packages" | digest)
step_ca_part=$cache/step-ca-$step_ca_version
# What virtual machines get for Docker: images, and programs beside the engine, which contain parts of the lab.
images_part=$cache/images-$( (cd "$repository" && find testbed/docker script/esbuild-options.mjs lab src/formats -type f -exec sha256sum {} + | sort && echo "$debian_part") | digest)
registry_part=$cache/registry-$(cat "$here/build-debian" "$here/debian/build-registry" | digest)
ansible_part=$cache/ansible-$(cat "$here/debian/build-ansible" "$here/debian/packages" | digest)
traefik_part() {
  echo "$cache/traefik-$1"
}

# The control groups of all its processes: in either version of the hierarchy, or both where a machine has both.
groups_of_testbed() {
  for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
    [ ! -w "$hierarchy/cgroup.procs" ] || echo "$hierarchy/phoenix-testbed-$(echo "$run" | digest)"
  done
}

# The process that holds "pve" and its mounts, if it runs. A number that another process has got meanwhile does not count.
holder_of_pve() {
  holder=$(cat "$run/holder" 2>/dev/null) || return 1
  [ -r "/proc/$holder/cmdline" ] || return 1
  tr '\0' '\n' <"/proc/$holder/cmdline" | grep -qxF -e "--directory=$run/root" -e "$run" || return 1
  echo "$holder"
}

# The first process of "pve", to enter it by.
leader_of_pve() {
  holder=$(holder_of_pve) || return 1
  # The list has no line feed at its end, which read takes for a failure.
  read -r first _ <"/proc/$holder/task/$holder/children" || [ -n "$first" ] || return 1
  echo "$first"
}

in_pve() {
  leader=$(leader_of_pve) || return 1
  nsenter --target "$leader" --all -- "$@"
}
