#!/usr/bin/env bash
# Makes sure that there are node and npm, which the interop test needs, and
# installs the packages that it pins. What is missing comes from apt-get, as root
# or through sudo.
set -euo pipefail
cd "$(dirname "$0")/../loadtest/interop"

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
	if ! command -v apt-get >/dev/null; then
		echo "the interop test needs node 18 or newer with npm: install them" >&2
		exit 1
	fi
	as_root=()
	[ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
	export DEBIAN_FRONTEND=noninteractive
	"${as_root[@]}" apt-get update -qq
	"${as_root[@]}" apt-get install -y -qq --no-install-recommends nodejs npm
fi

npm ci --no-progress
