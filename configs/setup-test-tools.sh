#!/usr/bin/env bash
# Makes sure that there is a C compiler, which Go's race detector needs. Does
# nothing where there is one; otherwise installs gcc with apt-get, as root or
# through sudo.
set -euo pipefail

command -v "${CC:-cc}" >/dev/null && exit 0

if ! command -v apt-get >/dev/null; then
	echo "the race detector needs a C compiler: install one (cc), or use make test-short" >&2
	exit 1
fi

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo -n)

export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends gcc libc6-dev
