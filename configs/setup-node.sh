#!/usr/bin/env bash
# Makes sure that there are node and npm, which the interop test needs, and
# installs the packages that it pins.
set -euo pipefail
cd "$(dirname "$0")"

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
	./apt-install.sh nodejs npm || {
		echo "the interop test needs node 18 or newer with npm: install them" >&2
		exit 1
	}
fi

cd ../loadtest/interop
npm ci --no-progress
