#!/usr/bin/env bash
# Makes sure that there is what the tests need: a C compiler for Go's race detector,
# strace for what reaches the disk, FFmpeg for what is made of files, the servers that storage engines
# and sinks are tested with, and the balancer of the stack of nodes. Does nothing where all is there.
set -euo pipefail

missing=()
command -v "${CC:-cc}" >/dev/null || missing+=(gcc libc6-dev)
command -v strace >/dev/null || missing+=(strace)
command -v ffmpeg >/dev/null || missing+=(ffmpeg)
command -v redis-server >/dev/null || missing+=(redis-server)
command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
command -v nats-server >/dev/null || missing+=(nats-server)
[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || missing+=(rabbitmq-server)
[ -x /usr/sbin/haproxy ] || command -v haproxy >/dev/null || missing+=(haproxy)
[ "${#missing[@]}" -gt 0 ] || exit 0

"$(dirname "$0")/apt-install.sh" "${missing[@]}" || {
	echo "the tests need these packages: ${missing[*]}; install them, or use make test-short" >&2
	exit 1
}
