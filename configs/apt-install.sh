#!/usr/bin/env bash
# Installs Debian packages with apt-get, as root or through sudo. Fails where there
# is no apt-get.
set -euo pipefail

command -v apt-get >/dev/null
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
