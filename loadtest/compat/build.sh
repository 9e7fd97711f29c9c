#!/usr/bin/env bash
# Builds FerretDB, unless that was done, and prints where the program is. Some lines
# of its source are mended on the way:
# - an update reads and writes its documents in one step, as MongoDB's does and its
#   users rely on: one runs at a time,
# - an update lets go of a document when it is done with it: those with a hundred
#   documents waited for a connection that they held themselves,
# - documents are found by _id through the index on _id, which was made over another
#   spelling of the same expression,
# - also where the filter has more conditions.
set -euo pipefail
cd "$(dirname "$0")"

# Named after what it is made of, so that another version is another file.
version=$(cat go.mod go.sum ferretdb/main.go build.sh | cksum | cut -d' ' -f1)
program=$(cd ../.. && pwd)/.tools/bin/ferretdb-$version
[ ! -x "$program" ] || { echo "$program"; exit 0; }

work=$(mktemp -d)
trap 'chmod -R +w "$work"; rm -rf "$work"' EXIT

go mod download github.com/FerretDB/FerretDB
cp -r "$(go list -m -f '{{.Dir}}' github.com/FerretDB/FerretDB)" "$work/FerretDB"
chmod -R +w "$work/FerretDB"

# mend FILE EXPRESSION: edits one of its files with sed; that must change it.
mend() {
	local file="$work/FerretDB/$1"
	sed "$2" "$file" >"$file.mended"
	! cmp -s "$file" "$file.mended" || { echo "nothing to mend in $1" >&2; exit 1; }
	mv "$file.mended" "$file"
}

printf 'package handler\n\nimport "sync"\n\nvar turn sync.Mutex\n' >"$work/FerretDB/internal/handler/turn.go"
mend internal/handler/msg_update.go 's/common\.GetUpdateParams(.*)$/&; turn.Lock(); defer turn.Unlock()/'
mend internal/handler/msg_findandmodify.go 's/common\.GetFindAndModifyParams(.*)$/&; turn.Lock(); defer turn.Unlock()/'
mend internal/handler/msg_update.go 's/matched += result\.Matched\.Count/closer.Close(); &/'
mend internal/backends/sqlite/metadata/metadata.go "s/->'\\\$\\._id'/->\\\\\"_id\\\\\"/"
mend internal/backends/sqlite/collection.go 's/params\.Filter\.Len() == 1/params.Filter.Len() > 0/'

cp go.mod go.sum "$work"
go mod edit -replace="github.com/FerretDB/FerretDB=$work/FerretDB" "$work/go.mod"
# Without the folder's name in it (-trimpath) what was compiled before counts again.
CGO_ENABLED=0 go build -modfile="$work/go.mod" -trimpath -o "$work/ferretdb" ./ferretdb
mkdir -p "$(dirname "$program")"
mv "$work/ferretdb" "$program.$$" # from another file system, perhaps
mv "$program.$$" "$program"
echo "$program"
