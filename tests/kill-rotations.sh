#!/usr/bin/env bash
# Kills rotations at random moments (SIGKILL) and takes them up again, until so many have been killed. After every kill
# a working secret must be retrievable; at the end of every rotation exactly what its journal names must be alive.
# It ends in any case: a rotation that does not come to an end, or rotations in which no kill arrives, are failures.
#
#   [tests/with-secret-service.sh] tests/kill-rotations.sh PATH/TO/tokenring [KILLS]
#
# Secrets rest in the Secret Service of this session where there is one, else in an encrypted file.
# Needs jq and curl.
set -euo pipefail
program=$(realpath "$1")
wanted=${2:-20}
home=$(mktemp -d)
trap 'kill "$simulator" 2>/dev/null || true; rm -rf "$home"' EXIT
export TOKENRING_HOME=$home/home TOKENRING_PASSPHRASE_FILE=$home/passphrase
export TOKENRING_STORE=file
[ -n "${DBUS_SESSION_BUS_ADDRESS-}" ] && TOKENRING_STORE=keyring
(umask 077; printf 'a passphrase for killed rotations' >"$home/passphrase")

mkfifo "$home/manifest"
"$program" sandbox --json >"$home/manifest" &
simulator=$!
read -r manifest <"$home/manifest"
field() { jq -r "$1" <<<"$manifest"; }
die() {
  echo "kill-rotations: $*" >&2
  "$program" rotations --all >&2 || true
  tail -n 40 "$home/lines" "$home/errors" >&2 || true
  exit 1
}
# The rotations of a credential; its creation is in the same journal, and is none.
rotations_of() { "$program" rotations --all --json | jq -c --arg name "$1" 'map(select(.name == $name and .purpose == "replace"))'; }

# A credential of the simulator, under its own name.
adopt() {
  local issued; issued=$(jq -c --arg name "$1" '.credentials[] | select(.name == $name)' <<<"$manifest")
  local -a fields; mapfile -t fields < <(jq -r '.fields | to_entries[] | "--field\n\(.key)=\(.value)"' <<<"$issued")
  jq -r .secret <<<"$issued" | "$program" add "$1" --provider snyk --kind "$(jq -r .kind <<<"$issued")" \
    --region SNYK-US-01 "${fields[@]}" >/dev/null
}
# The SHA-256 of everything alive that was handed out, sorted.
living() {
  curl -sf "$(field .faults)/live" |
    jq -r '.live[] | select(.region == "SNYK-US-01" and .kind != "oauth-access-token").sha256' | sort
}
current() { "$program" get "$1" | sha256sum | cut -d' ' -f1; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }

"$program" regions add --provider snyk --id SNYK-US-01 --api "$(field '.regions["SNYK-US-01"].api')" \
  --app "$(field '.regions["SNYK-US-01"].app')" >/dev/null
for name in us01-admin us01-release-bot us01-ci-scanner; do adopt "$name"; done

# How long an undisturbed rotation takes, so that kills fall anywhere in it.
start=$(now_ms)
"$program" rotate us01-release-bot --yes --json </dev/null >"$home/lines"
span=$(($(now_ms) - start + 20))

kills=0 rotations=0 replaced=0 back=0 told=0
most=$((wanted * 3 + 30)) missed=0
while [ "$kills" -lt "$wanted" ]; do
  [ "$rotations" -lt "$most" ] || die "$kills kills have arrived in $rotations rotations, which is too few for $wanted ever to arrive"
  # Rotations that are over before the kill arrives are killed sooner.
  if [ "$missed" -ge 10 ]; then span=$((span / 2 + 1)) missed=0; fi
  rotations=$((rotations + 1)) before_it=$kills
  name=victim-$rotations
  like=us01-release-bot; [ $((rotations % 2)) = 0 ] && like=us01-ci-scanner
  "$program" create "$name" --like "$like" --as us01-admin --yes >/dev/null 2>>"$home/errors" ||
    die "$name: was not created"
  before=$(living) old=$(current "$name")
  : >"$home/lines"
  left=6 code=0 attempts=0
  while :; do
    attempts=$((attempts + 1))
    [ "$attempts" -le 30 ] || die "$name: does not come to an end in 30 attempts"
    id=$("$program" rotations --json | jq -r '.[0].id // empty')
    if [ -n "$id" ]; then
      arguments=(rotate --resume "$id")
    elif [ "$(rotations_of "$name" | jq length)" -gt 0 ]; then
      break
    else
      arguments=(rotate "$name" --as us01-admin --yes)
    fi
    "$program" "${arguments[@]}" --answer skip --answer back --json </dev/null >>"$home/lines" 2>>"$home/errors" &
    process=$!
    if [ "$left" -gt 0 ]; then
      delay=$((RANDOM % span))
      sleep "$(printf '%d.%03d' $((delay / 1000)) $((delay % 1000)))"
      if kill -KILL "$process" 2>/dev/null; then left=$((left - 1)); fi
    fi
    code=0; wait "$process" 2>/dev/null || code=$?
    case $code in 0 | 8 | 137) ;; *) die "$name: ended with $code: $(tail -n 1 "$home/errors")" ;; esac
    if [ "$code" = 137 ]; then
      kills=$((kills + 1))
      grep -qx "$(current "$name")" <<<"$(living)" || die "$name: no working secret is retrievable"
    fi
  done
  if [ "$kills" = "$before_it" ]; then missed=$((missed + 1)); else missed=0; fi
  status=$(rotations_of "$name" | jq -c last)
  after=$(living) new=$(current "$name")
  grep -qx "$new" <<<"$after" || die "$name: the current secret is dead"
  if [ "$(jq -r '.left | length' <<<"$status")" -gt 0 ]; then
    told=$((told + 1))
  elif [ "$(jq -r .state <<<"$status")" = done ]; then
    replaced=$((replaced + 1))
    [ "$after" = "$(sort <<<"${before/$old/$new}")" ] || die "$name: something alive is not in the journal"
  else
    back=$((back + 1))
    [ "$after" = "$before" ] || die "$name: something alive is not in the journal"
  fi
done
"$program" audit --verify >/dev/null
echo "kill-rotations: $kills kills in $rotations rotations on the $TOKENRING_STORE store: $replaced replaced, $back rolled back, $told with something left that a person was told of; nothing lost"
