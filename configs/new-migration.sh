#!/usr/bin/env bash
# Makes an empty migration of this name for each storage that has SQL tables, under
# the number that follows its last one.
set -euo pipefail
cd "$(dirname "$0")/.."

name=${1:-}
if ! [[ $name =~ ^[a-z][a-z0-9_]{0,63}$ ]]; then
	echo "a migration is named by small letters, digits and underscores: make db-migration name=add_labels" >&2
	exit 2
fi
if taken=$(compgen -G "persist/*/migrations/*_$name.sql"); then
	echo "there is one of this name:" $taken >&2
	exit 2
fi

for folder in persist/*/migrations; do
	last=$(basename "$(printf '%s\n' "$folder"/[0-9]*.sql | sort | tail -n 1)")
	file=$folder/$(printf '%05d' $((10#${last%%_*} + 1)))_$name.sql
	printf -- '-- +goose Up\n\n-- What changes, and why.\n' >"$file"
	echo "$file"
done
