#!/usr/bin/env bash
# Makes sure that there is a Chromium or Chrome, which the browser test needs.
set -euo pipefail

for name in chromium chromium-browser google-chrome google-chrome-stable; do
	command -v "$name" >/dev/null && exit 0
done

"$(dirname "$0")/apt-install.sh" chromium || {
	echo "the browser test needs Chromium or Chrome: install one" >&2
	exit 1
}
