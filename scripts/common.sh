# What all scripts share; sourced by them, from the root of the repository.
# shellcheck shell=bash

# Rust's installer puts cargo here and relies on a login shell to find it.
PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
export PATH

# The build never looks at a database, also when DATABASE_URL is set for the engine that runs later.
export SQLX_OFFLINE=true

# Where storage looks for a database server that no package manager knows about.
# shellcheck disable=SC2034 # scripts/setup uses it.
bundle_dir="${XDG_CACHE_HOME:-$HOME/.cache}/troupe/postgres"

say() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
}

fail() {
  say "$@"
  exit 1
}

has() {
  command -v "$1" >/dev/null 2>&1
}

# The directory that cargo builds into.
target_directory() {
  cargo metadata --format-version 1 --no-deps |
    sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}

# Where the pinned Rust is installed under another name (stable, mostly), that one serves: rustup
# would download the same compiler again, or fail without a network.
choose_toolchain() {
  local pinned name
  pinned=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
  if [ -n "${RUSTUP_TOOLCHAIN:-}" ] || ! has rustup || rustup run "$pinned" rustc --version >/dev/null 2>&1; then
    return
  fi
  while read -r name _; do
    if [[ "$(rustup run "$name" rustc --version 2>/dev/null)" == "rustc $pinned "* ]]; then
      export RUSTUP_TOOLCHAIN=$name
      return
    fi
  done < <(rustup toolchain list)
}
choose_toolchain
