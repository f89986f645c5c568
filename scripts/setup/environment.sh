# Sourced by every command under scripts/: brings the dependencies to what the lock file says, and puts the Node that
# came with them first on PATH. Sets `root`, the checkout. Needs bash, npm, and any Node from 20 on to begin with.

root="$(cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)"

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

# at_least 22.18 22.9.1 → false: compares major and minor as numbers.
at_least() {
  local wanted_major="${1%%.*}" wanted_minor="${1#*.}" found="$2"
  local major="${found%%.*}" rest="${found#*.}"
  local minor="${rest%%.*}"
  ((major > wanted_major || (major == wanted_major && minor >= wanted_minor)))
}

node_version() { node -p process.versions.node 2>/dev/null || echo 0.0; }

check_node_and_npm() {
  command -v node >/dev/null || fail 'Node.js is not on PATH. Install Node 20 or later together with npm, then run this again.'
  command -v npm >/dev/null || fail 'npm is not on PATH. Install npm 9 or later (it usually comes with Node), then run this again.'
  local node npm
  node="$(node_version)"
  at_least 20.0 "$node" || fail "Node $node at $(command -v node) is too old: install Node 20 or later, then run this again."
  npm="$(npm --version 2>/dev/null || echo 0.0)"
  at_least 9.0 "$npm" || fail "npm $npm at $(command -v npm) is too old: install npm 9 or later, then run this again."
}

# What an installation depends on: the lock file and the platform whose binaries were chosen.
installation_digest() {
  node -e '
    const { createHash } = require("node:crypto")
    const { readFileSync } = require("node:fs")
    const lock = createHash("sha256").update(readFileSync(process.argv[1])).digest("hex")
    console.log(process.platform, process.arch, lock)
  ' "$root/package-lock.json"
}

install_dependencies() {
  local stamp="$root/node_modules/.repokeeper-setup" digest
  digest="$(installation_digest)"
  [[ -f "$stamp" && "$(cat -- "$stamp")" == "$digest" ]] && return

  check_node_and_npm
  mkdir -p -- "$root/.cache"
  # Two commands started at once must not both replace node_modules. macOS has no flock; there it is up to the person.
  if command -v flock >/dev/null; then
    exec 9>"$root/.cache/setup.lock"
    flock 9
  fi
  if [[ ! -f "$stamp" || "$(cat -- "$stamp")" != "$digest" ]]; then
    echo 'Installing the dependencies (npm ci) …' >&2
    # The person's own npm settings (NODE_ENV=production, omit, engine-strict) are about their projects, not about this one.
    (cd -- "$root" && npm ci --include=dev --include=optional --no-engine-strict --no-audit --no-fund --loglevel=error >/dev/null) ||
      fail 'npm ci failed; what it said stands above. Nothing else was done.'
    node "$root/scripts/setup/link-node.mjs" # where install scripts are switched off, nobody has done it yet
    printf '%s\n' "$digest" >"$stamp"
  fi
  exec 9>&-
}

use_bundled_node() {
  export PATH="$root/node_modules/.bin:$PATH"
  hash -r
  local node
  node="$(node_version)"
  at_least 22.18 "$node" ||
    fail "repokeeper runs on Node 22.18 or later; this machine has $node, and none comes with the dependencies for $(uname -sm)." \
      'Install a newer Node, then run this again.'
}

command -v node >/dev/null || check_node_and_npm
install_dependencies
use_bundled_node
