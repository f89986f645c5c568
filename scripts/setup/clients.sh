# Sourced after environment.sh: on Debian and Ubuntu, as root, installs the real clients that tests compare with; elsewhere
# names what is missing. Never fails: what a missing client means to a test, fixtures/describe-with-clients.ts decides.

missing_clients() { node "$root/scripts/setup/missing-clients.ts"; }

apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "$@"
}

install_clients() {
  local missing package
  missing="$(missing_clients)"
  [[ -n "$missing" ]] || return 0
  if [[ "$(id -u)" != 0 ]] || ! command -v apt-get >/dev/null; then
    echo "Not on this machine: $missing. The tests that need them are skipped (with CI=true they fail)." >&2
    return 0
  fi
  echo "Installing the clients that the tests use: $missing …" >&2
  local log="$root/.cache/apt.log"
  mkdir -p -- "$root/.cache"
  # shellcheck disable=SC2086 # a list of package names
  { apt update && apt install -y --no-install-recommends $missing; } >"$log" 2>&1 ||
    # One package that this release doesn't have must not keep the others away.
    for package in $missing; do apt install -y --no-install-recommends "$package" >>"$log" 2>&1 || true; done
  missing="$(missing_clients)"
  [[ -z "$missing" ]] || echo "apt could not install $missing (see $log)." >&2
}

# `dnf reposync` and `dnf download` are plugins, and Debian's package of them declares that it breaks zypper: only one of the
# two can be installed. So where dnf lacks the plugins their package is unpacked into .cache/dnf-plugins, from where
# fixtures/clients.ts takes them.
unpack_dnf_plugins() {
  local folder="$root/.cache/dnf-plugins"
  [[ ! -f "$folder/plugins/reposync.py" ]] || return 0
  command -v dnf >/dev/null && command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 0
  # In a home of its own: rpm makes its database there.
  ! HOME="$root/.cache" dnf --quiet reposync --help >/dev/null 2>&1 || return 0
  local work
  work="$(mktemp -d)"
  # The plain failure (no network, not in this release) leaves the plugins missing, which the tests that need them will say.
  if (cd -- "$work" && { apt-get -qq download dnf-plugins-core || { apt update && apt-get -qq download dnf-plugins-core; }; } &&
    dpkg-deb --extract ./*.deb unpacked) >/dev/null 2>&1; then
    rm -rf -- "$folder"
    mkdir -p -- "$folder/plugins"
    local packages="$work/unpacked/usr/lib/python3/dist-packages"
    cp -R -- "$packages/dnfpluginscore" "$folder/"
    # reposync last: it is what says that this is complete
    cp -- "$packages/dnf-plugins/download.py" "$packages/dnf-plugins/reposync.py" "$folder/plugins/"
  fi
  rm -rf -- "$work"
}

install_clients
unpack_dnf_plugins
