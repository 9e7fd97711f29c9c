#!/usr/bin/env bash
# Makes sure that there are node and npm, and installs the packages that a folder
# pins: setup-node.sh FOLDER.
set -euo pipefail
folder=$1

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
	"$(dirname "$0")/apt-install.sh" nodejs npm || {
		echo "$folder needs node 18.19 or newer with npm: install them" >&2
		exit 1
	}
fi

cd "$folder"
npm ci --no-progress
