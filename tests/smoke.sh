#!/usr/bin/env bash
# Smoke test of the built program: the main commands on the simulator, as a script uses them.
#   tests/smoke.sh PATH/TO/tokenring
set -euo pipefail
program=$(realpath "$1")
home=$(mktemp -d)
trap 'kill "$simulator" 2>/dev/null || true; rm -rf "$home"' EXIT
export TOKENRING_HOME=$home/home TOKENRING_STORE=file TOKENRING_PASSPHRASE_FILE=$home/passphrase
(umask 077; printf 'a passphrase for the smoke run' >"$home/passphrase")

mkfifo "$home/manifest"
"$program" sandbox --json >"$home/manifest" &
simulator=$!
read -r manifest <"$home/manifest"

field() { jq -r "$1" <<<"$manifest"; }
"$program" regions add --yes --provider snyk --id SNYK-US-01 --api "$(field '.regions["SNYK-US-01"].api')"
"$program" regions add --yes --provider snyk --id SNYK-EU-01 --api "$(field '.regions["SNYK-EU-01"].api')"
field '.credentials[] | select(.name == "us01-admin").secret' |
  "$program" add laptop --provider snyk --kind personal-token --region SNYK-EU-01

code=0; "$program" check laptop || code=$?
[ "$code" = 4 ] || { echo "in the wrong region, check must say refused (4), not $code" >&2; exit 1; }
"$program" region laptop SNYK-US-01
"$program" check laptop
"$program" request laptop '/rest/self?version=2024-10-15' | grep -q '"type"'
"$program" list
"$program" remove laptop --yes
code=0; "$program" show laptop 2>/dev/null || code=$?
[ "$code" = 3 ] || { echo "a removed credential must be not found (3), not $code" >&2; exit 1; }
echo "smoke: done"
