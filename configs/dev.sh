#!/usr/bin/env bash
# Starts what STORAGE_TYPE of the environment or of .env needs, and runs the server on
# it. Needs docker for redis, postgres and mongodb.
set -euo pipefail
cd "$(dirname "$0")/.."

# from_file prints the variable of .env, without quotes; nothing if there is none.
from_file() {
	[ ! -f .env ] || sed -nE "s/^(export )?$1=[\"']?([^\"'# ]*).*/\2/p" .env | tail -n 1
}

type=${STORAGE_TYPE-$(from_file STORAGE_TYPE)}
case ${type:-sqlite} in
redis)
	make --no-print-directory docker-redis
	export REDIS_URL=redis://127.0.0.1:6380/0
	;;
postgres)
	make --no-print-directory docker-postgres
	export POSTGRES_URL=postgres://postgres:development@127.0.0.1:5433/whatsapp_auth
	;;
mongodb)
	make --no-print-directory docker-mongo
	export MONGODB_URL=mongodb://127.0.0.1:27018/whatsapp_auth
	;;
esac

go build -o bin/ ./cmd/server
exec bin/server
