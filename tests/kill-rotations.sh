#!/usr/bin/env bash
# Kills rotations at random moments (SIGKILL) and resumes them, until KILLS of them have been killed (20 by default). After
# every kill a working secret must be retrievable; at the end of every rotation exactly the secrets that its journal names
# must be alive. The script always ends: a rotation that does not end, and rotations that are never killed, are failures.
#
#   [tests/with-secret-service.sh] tests/kill-rotations.sh PATH/TO/tokenring [KILLS]
#
# Secrets are stored in the Secret Service of this session if there is one, otherwise in an encrypted file.
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
# The rotations of a credential. The journal also lists its creation, which is filtered out.
rotations_of() { "$program" rotations --all --json | jq -c --arg name "$1" 'map(select(.name == $name and .purpose == "replace"))'; }

# Adds a seeded credential of the simulator under its own name.
add_seeded() {
  local issued; issued=$(jq -c --arg name "$1" '.credentials[] | select(.name == $name)' <<<"$manifest")
  local -a fields; mapfile -t fields < <(jq -r '.fields | to_entries[] | "--field\n\(.key)=\(.value)"' <<<"$issued")
  jq -r .secret <<<"$issued" | "$program" add "$1" --provider snyk --kind "$(jq -r .kind <<<"$issued")" \
    --region SNYK-US-01 "${fields[@]}" >/dev/null
}
# The SHA-256 of all live secrets except access tokens, sorted.
live_secrets() {
  curl -sf "$(field .faults)/live" |
    jq -r '.live[] | select(.region == "SNYK-US-01" and .kind != "oauth-access-token").sha256' | sort
}
current() { "$program" get "$1" | sha256sum | cut -d' ' -f1; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }

"$program" regions add --yes --provider snyk --id SNYK-US-01 --api "$(field '.regions["SNYK-US-01"].api')" \
  --app "$(field '.regions["SNYK-US-01"].app')" >/dev/null
for name in us01-admin us01-release-bot us01-ci-scanner; do add_seeded "$name"; done

# Duration of an undisturbed rotation; kills happen at a random time within it.
start=$(now_ms)
"$program" rotate us01-release-bot --yes --json </dev/null >"$home/lines"
span=$(($(now_ms) - start + 20))

kills=0 rotations=0 replaced=0 rolled_back=0 with_manual_steps=0
most=$((wanted * 3 + 30)) missed=0
while [ "$kills" -lt "$wanted" ]; do
  [ "$rotations" -lt "$most" ] || die "only $kills kills in $rotations rotations; $wanted cannot be reached"
  # If rotations end before they are killed, kill them sooner.
  if [ "$missed" -ge 10 ]; then span=$((span / 2 + 1)) missed=0; fi
  rotations=$((rotations + 1)) before_it=$kills
  name=victim-$rotations
  like=us01-release-bot; [ $((rotations % 2)) = 0 ] && like=us01-ci-scanner
  "$program" create "$name" --like "$like" --as us01-admin --yes >/dev/null 2>>"$home/errors" ||
    die "$name: was not created"
  before=$(live_secrets) old=$(current "$name")
  : >"$home/lines"
  left=6 code=0 attempts=0
  while :; do
    attempts=$((attempts + 1))
    [ "$attempts" -le 30 ] || die "$name: does not end in 30 attempts"
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
      grep -qx "$(current "$name")" <<<"$(live_secrets)" || die "$name: no working secret is retrievable"
    fi
  done
  if [ "$kills" = "$before_it" ]; then missed=$((missed + 1)); else missed=0; fi
  status=$(rotations_of "$name" | jq -c last)
  after=$(live_secrets) new=$(current "$name")
  grep -qx "$new" <<<"$after" || die "$name: the current secret is revoked"
  if [ "$(jq -r '.left | length' <<<"$status")" -gt 0 ]; then
    with_manual_steps=$((with_manual_steps + 1))
  elif [ "$(jq -r .state <<<"$status")" = done ]; then
    replaced=$((replaced + 1))
    [ "$after" = "$(sort <<<"${before/$old/$new}")" ] || die "$name: a live secret is not in the journal"
  else
    rolled_back=$((rolled_back + 1))
    [ "$after" = "$before" ] || die "$name: a live secret is not in the journal"
  fi
done
"$program" audit --verify >/dev/null
echo "kill-rotations: $kills kills in $rotations rotations on the $TOKENRING_STORE store: $replaced replaced, $rolled_back rolled back, $with_manual_steps with manual steps for the user; no secret lost"
