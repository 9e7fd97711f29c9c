#!/usr/bin/env bash
# Makes sure that there is a C compiler, which Go's race detector needs. Does
# nothing where there is one.
set -euo pipefail

command -v "${CC:-cc}" >/dev/null && exit 0

"$(dirname "$0")/apt-install.sh" gcc libc6-dev || {
	echo "the race detector needs a C compiler: install one (cc), or use make test-short" >&2
	exit 1
}
