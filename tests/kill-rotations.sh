#!/usr/bin/env bash
# Kills rotations and creations at random moments (SIGKILL) and resumes them, until KILLS of them have been killed (20 by
# default) and every kind has been killed at least once. The kinds take turns:
#
#   service-account      a service account with an access token or an API key, rotated by an administrator
#   oauth-secret         the client secret of a service account
#   access-token         a personal access token; the user creates the new one on the provider's page
#   personal-token       a personal token without overlap; the page revokes the old one when it creates the new one
#   creation             a new service account; an undone creation must leave nothing behind
#   app-secret           the client secret of an app, rotated by an administrator
#   app-session          a sign-in to an app; the user signs in again on the consent page
#   app-install          the client secret of an app install; the user creates the new one and deletes the old one
#
# After every kill a working secret must be retrievable (where the plan promises overlap), and nothing else may be deleted. At
# the end of every rotation exactly the secrets that its journal names must be alive; every further one needs a manual step
# in the journal. The script always ends: a rotation that does not end, and rotations that are never killed, are failures.
#
#   [tests/with-secret-service.sh] tests/kill-rotations.sh PATH/TO/tokenring [KILLS]
#
# Secrets are stored in the Secret Service of this session if there is one, otherwise in an encrypted file. If KILL_VAULT
# names the folder of a vault with the passphrase below, a copy of it is used: one with a cheap key derivation saves time. If
# KILL_UNTIL is a time (in seconds since 1970), the script ends after the rotation during which it is reached.
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
if [ -n "${KILL_VAULT-}" ]; then (umask 077; mkdir -p "$home/home/data"; cp -r "$KILL_VAULT" "$home/home/data/vault"); fi

mkfifo "$home/manifest"
"$program" sandbox --json >"$home/manifest" &
simulator=$!
read -r manifest <"$home/manifest"
field() { jq -r "$1" <<<"$manifest"; }
api=$(field '.regions["SNYK-US-01"].api') app=$(field '.regions["SNYK-US-01"].app') control=$(field .faults)
: >"$home/lines"; : >"$home/errors"; : >"$home/out"
kind=none name=none
kinds=(service-account oauth-secret access-token personal-token creation app-secret app-session app-install)
declare -A kills runs replaced rolled_back with_manual_steps victims span missed
for kind in "${kinds[@]}"; do
  kills[$kind]=0 runs[$kind]=0 replaced[$kind]=0 rolled_back[$kind]=0 with_manual_steps[$kind]=0
  span[$kind]=0 missed[$kind]=0
done
print_totals() {
  local kind
  for kind in "${kinds[@]}"; do
    printf 'kill-rotations: %s on the %s store: %d kills, %d rotations, %d replaced, %d rolled back, %d with manual steps\n' \
      "$kind" "$TOKENRING_STORE" "${kills[$kind]}" "${runs[$kind]}" "${replaced[$kind]}" "${rolled_back[$kind]}" \
      "${with_manual_steps[$kind]}"
  done
}
die() {
  print_totals >&2
  echo "kill-rotations: $kind $*" >&2
  "$program" rotations --all --json 2>&1 | jq -c --arg name "$name" '.[] | select(.name == $name)' | tail -n 4 >&2 || true
  tail -n 60 "$home/lines" "$home/out" "$home/errors" >&2 || true
  printf 'before:\n%s\nafter:\n%s\nold: %s\nnew: %s\n' "${before-}" "$(live_secrets)" "${old-}" "$(current || true)" >&2
  # For a failure that has to be examined.
  if [ -n "${KILL_EVIDENCE-}" ]; then cp -r "$home" "$KILL_EVIDENCE"; curl -s "$control/live" >"$KILL_EVIDENCE/live.json"; fi
  exit 1
}

seeded() { jq -r --arg name "$1" ".credentials[] | select(.name == \$name) | $2" <<<"$manifest"; }
# Adds a seeded credential of the simulator under its own name.
add_seeded() {
  local -a fields
  mapfile -t fields < <(seeded "$1" \
    '(.fields | to_entries[] | "--field", "\(.key)=\(.value)"), ((.parts // {}) | keys[] | "--part", .)')
  seeded "$1" '.secret, (.parts // {})[]' | "$program" add "$1" --provider "$(seeded "$1" .provider)" \
    --kind "$(seeded "$1" .kind)" --region SNYK-US-01 --offline "${fields[@]}" >/dev/null 2>>"$home/errors"
}
# The SHA-256 of all live secrets except access tokens, sorted.
live_secrets() {
  curl -sf "$control/live" |
    jq -r '.live[] | select(.region == "SNYK-US-01" and .kind != "oauth-access-token").sha256' | sort
}
hash_of() { printf %s "$1" | sha256sum | cut -d' ' -f1; }
current() { "$program" get "$name" "${part[@]}" 2>>"$home/errors" | sha256sum | cut -d' ' -f1; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }
# The finished and unfinished rotations, or creations, of the credential.
journals() {
  "$program" rotations --all --json 2>>"$home/errors" |
    jq -c --arg name "$name" --arg purpose "$purpose" 'map(select(.name == $name and .purpose == $purpose))'
}
# The lines of the first text that the second one does not have.
without() { comm -23 <(sort -u <<<"$1" | sed '/^$/d') <(sort -u <<<"$2" | sed '/^$/d'); }

# What the user does on the provider's pages. The secrets of installs have an API instead of a page.
as_administrator() {
  curl -sf -X POST -H "authorization: token $(seeded us01-admin .secret)" -H 'content-type: application/vnd.api+json' \
    "$api/rest/orgs/$(seeded "$1" .fields.org_id)/apps/$2" -d "{\"data\": {\"type\": \"app\", \"attributes\": $3}}"
}
change_install() {
  as_administrator us01-metrics-org "installs/$(seeded us01-metrics-org .fields.install_id)/secrets?version=2024-05-23" "$1"
}
pat_id() {
  local payload; payload=$(cut -d. -f3 <<<"$1" | tr -- -_ +/)
  while [ $((${#payload} % 4)) != 0 ]; do payload+='='; done
  base64 -d <<<"$payload" | jq -r .j
}
create_on_page() {
  case $kind in
    app-install) change_install '{"mode": "create"}' | jq -r .data.attributes.client_secret ;;
    *) curl -sf "$control/by-hand" -d "{\"credential\": \"$name\"}" | jq -r .secret ;;
  esac
}
delete_on_page() {
  case $kind in
    app-install) change_install "{\"mode\": \"delete\", \"secret\": \"$1\"}" >/dev/null ;;
    # The token names its ID. (A revocation through the control port does not free a place for another token.)
    access-token)
      curl -sf -X DELETE -H "authorization: token $(seeded us01-admin .secret)" -o /dev/null \
        "$api/rest/self/personal_access_tokens/$(pat_id "$1")?version=2024-10-15" ;;
    *) curl -sf "$control/by-hand" -d "{\"revoke\": \"$(hash_of "$1")\"}" >/dev/null ;;
  esac
}
# The browser: allows the sign-in on the consent page as soon as the process prints its address.
browse() {
  local visit callback
  while kill -0 "$1" 2>/dev/null; do
    visit=$(jq -rR 'fromjson? | .visit // empty' "$home/out" 2>/dev/null || true)
    if [ -n "$visit" ]; then
      callback=$(curl -s -o "$home/page" -w '%{redirect_url}' "$app/oauth2/authorize" -d "${visit#*\?}&decision=allow" || true)
      [ -z "$callback" ] || curl -s -o "$home/page" "$callback" || true
      return 0
    fi
    sleep 0.02
  done
}

# Prepares a rotation or a creation: sets `name`, `start` (the command), `part` and `pasted` (the new secret that the user
# copied).
prepare() {
  part=() pasted='' purpose=replace
  case $kind in
    service-account | oauth-secret)
      name=${victims[$kind]-}
      if [ -z "$name" ]; then
        name=$kind-$rotations like=us01-release-bot
        if [ "$kind" = service-account ]; then
          like=us01-ci-scanner; [ $((RANDOM % 2)) = 0 ] && like=us01-pr-checks
        fi
        "$program" create "$name" --like "$like" --as us01-admin --yes >/dev/null 2>>"$home/errors" ||
          die "$name: was not created"
      fi
      start=(rotate "$name" --as us01-admin --yes --json) ;;
    access-token) name=us01-laptop start=(rotate us01-laptop --yes --json) ;;
    personal-token) name=us01-reader start=(rotate us01-reader --yes --json) ;;
    app-install) name=us01-metrics-org start=(rotate us01-metrics-org --yes --json) ;;
    app-session) name=us01-triage-app start=(rotate us01-triage-app --yes --json --no-browser) ;;
    app-secret)
      part=(--part client_secret) name=${victims[$kind]-}
      if [ -z "$name" ]; then
        name=app-secret-$rotations
        local made; made=$(as_administrator us01-triage-app 'creations?version=2023-11-03' \
          "{\"name\": \"$name\", \"redirect_uris\": [\"http://127.0.0.1/callback\"], \"scopes\": [\"org.read\"]}")
        printf '%s\n%s\n' snyk_rt_unused_v1 "$(jq -r .data.attributes.client_secret <<<"$made")" |
          "$program" add "$name" --provider snyk-apps --kind app --region SNYK-US-01 --offline --part client_secret \
            --field "client_id=$(jq -r .data.attributes.client_id <<<"$made")" \
            --field "app_id=$(jq -r .data.id <<<"$made")" \
            --field "org_id=$(seeded us01-triage-app .fields.org_id)" >/dev/null 2>>"$home/errors" ||
            die "$name: was not added"
      fi
      start=(rotate "$name" "${part[@]}" --as us01-admin --yes --json) ;;
    creation)
      purpose=create name=creation-$rotations like=us01-ci-scanner
      case $((RANDOM % 3)) in 0) like=us01-pr-checks ;; 1) like=us01-release-bot ;; esac
      start=(create "$name" --like "$like" --as us01-admin --yes --json) ;;
  esac
}

# Sets `arguments` (the next command) and `input` (its standard input) as a careful user would.
next_command() {
  local open step
  open=$("$program" rotations --json 2>>"$home/errors" | jq -c --arg name "$name" '[.[] | select(.name == $name)][0] // empty')
  arguments=() input='' rolls_back=false
  if [ -z "$open" ]; then
    [ "$(journals | jq length)" -gt "$known" ] && return 1
    arguments=("${start[@]}") step=start
  else
    step=$(jq -r '.step // "close"' <<<"$open")
    arguments=(rotate --resume "$(jq -r .id <<<"$open")" --json)
    if [ "$code" = 137 ] && [ $((RANDOM % 8)) = 0 ]; then
      arguments=(rotate --rollback "$(jq -r .id <<<"$open")" --json) rolls_back=true
    fi
    [ "$kind" = app-session ] && arguments+=(--no-browser)
  fi
  [ "$step" = "${stuck_at-}" ] || stuck=0
  [ "$code" = 8 ] && stuck=$((stuck + 1))
  stuck_at=$step
  case $kind in
    access-token | personal-token | app-install)
      # A user who rolls back has no use for a new secret.
      if [ -z "$pasted" ] && ! $rolls_back && [[ $kind:$step = *:await-paste || $kind:$step = access-token:start ]]; then
        pasted=$(create_on_page) || die "$name: the page creates no secret"
        # A secret that exists before the rotation starts is not deleted by its rollback.
        if [ "$step" = start ]; then before+=$'\n'$(hash_of "$pasted"); fi
      fi
      input=$pasted
      if [ "$step" = await-revoke ] && [ "$code" = 8 ]; then
        if [ "$kind" = app-install ] && grep -qx "$old" <<<"$(live_secrets)"; then delete_on_page "$old_secret"; fi
        arguments+=(--answer revoked)
      fi
      if [ "$stuck" -ge 2 ] && [ "$stuck" -le 3 ]; then arguments+=(--answer retry); fi
      if [ "$stuck" -ge 4 ]; then arguments+=(--answer skip --answer back); fi ;;
    app-session)
      if [ "$stuck" -ge 1 ]; then arguments+=(--answer retry); fi
      if [ "$stuck" -ge 3 ]; then arguments+=(--answer skip --answer back); fi ;;
    *) arguments+=(--answer skip --answer back) ;;
  esac
}

# Fails if a secret is lost: the current one, or one of another credential.
check_after_kill() {
  local alive; alive=$(live_secrets)
  local deleted; deleted=$(without "$before" "$alive"$'\n'"$old")
  [ -z "$deleted" ] || die "$name: deleted although it is not the old secret: $deleted"
  case $kind in creation | personal-token) return ;; esac
  grep -qx "$(current)" <<<"$alive" || die "$name: no working secret is retrievable"
}

# Fails unless exactly the secrets that the journal names are alive.
check_end() {
  local status state manual alive new expected extra deleted
  status=$(journals | jq -ce --argjson known "$ids" \
    'map(select(.id as $id | $known | index($id) | not)) | if length == 1 then .[0] else null end') ||
    die "$name: has not exactly one new journal"
  state=$(jq -r .state <<<"$status") manual=$(jq -r '.left | length' <<<"$status") alive=$(live_secrets) new='' expected=$before
  if [ "$kind" = creation ] && [ "$state" != done ]; then
    "$program" get "$name" >"$home/got" 2>/dev/null && die "$name: an undone creation is still stored"
    [ ! -s "$home/got" ] || die "$name: an undone creation still has a secret"
  else
    new=$(current)
    # The page has revoked the old secret, so a rollback cannot restore it; the manual step names a new rotation.
    if [ "$kind" = personal-token ] && [ "$state" = rolled-back ] && [ -n "$pasted" ]; then
      [ "$manual" -gt 0 ] || die "$name: the journal does not say that the old secret no longer works"
      "$program" rotate "$name" --yes --json --answer skip --answer "override=$name" \
        <<<"$pasted" >>"$home/lines" 2>>"$home/errors" || die "$name: does not accept the new secret after the rollback"
      new=$(current) expected=$(without "$before" "$old")$'\n'$new
      [ "$new" = "$(hash_of "$pasted")" ] || die "$name: the secret that the user pasted is not stored"
    fi
    grep -qx "$new" <<<"$alive" || die "$name: the current secret is revoked"
    if [ "$state" = done ] || [ "$kind" = app-session ]; then expected=$(without "$before" "$old")$'\n'$new; fi
    if [ "$state" = done ] && [ "$new" = "$old" ]; then die "$name: the old secret is still current"; fi
    # The page without overlap revokes the old secret before the program knows of a new one.
    if [ "$kind" = personal-token ] && [ -n "$pasted" ] && [ "$state" = done ]; then
      [ "$new" = "$(hash_of "$pasted")" ] || die "$name: the secret that the user pasted is not stored"
    fi
  fi
  deleted=$(without "$expected" "$alive") extra=$(without "$alive" "$expected")
  [ -z "$deleted" ] || die "$name ($state): deleted although the journal does not name it: $deleted"
  if [ -n "$extra" ] && [ "$(wc -l <<<"$extra")" -gt "$manual" ]; then
    # A secret that the user created and that was never pasted is not known to the program.
    [ "$extra" = "$(hash_of "$pasted")" ] && ! grep -q '"step":"await-paste","state":"done"' "$home/lines" ||
      die "$name ($state): alive although the journal does not name it: $extra"
  fi
  # The user deletes what is not in use.
  if [ -n "$pasted" ] && [ "$new" != "$(hash_of "$pasted")" ]; then delete_on_page "$pasted"; fi
  if [ "$kind" = app-install ] && [ "$new" != "$old" ] && grep -qx "$old" <<<"$extra"; then delete_on_page "$old_secret"; fi
  victims[$kind]=$name
  if [ "$manual" -gt 0 ]; then
    with_manual_steps[$kind]=$((with_manual_steps[$kind] + 1))
    victims[$kind]=''
  elif [ "$state" = done ]; then
    replaced[$kind]=$((replaced[$kind] + 1))
  elif [ "$state" = rolled-back ]; then
    rolled_back[$kind]=$((rolled_back[$kind] + 1))
  else
    die "$name: ended as $state"
  fi
}

"$program" regions add --yes --provider snyk --id SNYK-US-01 --api "$api" --app "$app" >/dev/null 2>&1
for name in us01-{admin,reader,laptop,ci-scanner,pr-checks,release-bot,triage-app,metrics-org}; do
  add_seeded "$name"
done
# Whatever a process does before the store is unlocked, it cannot lose a secret: few kills happen there.
part=() name=us01-laptop start_ms=$(now_ms); current >/dev/null
unlocked_after=$((($(now_ms) - start_ms) * 9 / 10))

most_kills=$((wanted / ${#kinds[@]})); [ "$most_kills" -le 6 ] || most_kills=6; [ "$most_kills" -ge 1 ] || most_kills=1

total=0 rotations=0 most=$((wanted * 3 + 60)) unkilled=${#kinds[@]}
while [ "$total" -lt "$wanted" ] || [ "$unkilled" -gt 0 ]; do
  [ "$(date +%s)" -lt "${KILL_UNTIL:-9999999999}" ] || break
  kind=${kinds[$((rotations % ${#kinds[@]}))]}
  [ "$rotations" -lt "$most" ] || die "only $total kills in $rotations rotations; $wanted cannot be reached"
  # If processes end before they are killed, kill them sooner.
  if [ "${missed[$kind]}" -ge 5 ]; then span[$kind]=$((span[$kind] / 2 + 1)) missed[$kind]=0; fi
  rotations=$((rotations + 1)) runs[$kind]=$((runs[$kind] + 1)) before_it=${kills[$kind]}
  prepare
  ids=$(journals | jq -c 'map(.id)') known=$(jq length <<<"$ids")
  before=$(live_secrets) old='' old_secret=''
  if [ "$kind" != creation ]; then
    old_secret=$("$program" get "$name" "${part[@]}" 2>>"$home/errors") old=$(hash_of "$old_secret")
  fi
  : >"$home/lines"; : >"$home/errors"
  # The first rotation of a kind is not disturbed: its duration is the time within which the others are killed.
  left=$most_kills code=0 attempts=0 stuck=0 stuck_at=''
  [ "${span[$kind]}" -gt 0 ] || left=0
  while next_command; do
    attempts=$((attempts + 1))
    [ "$attempts" -le 30 ] || die "$name: does not end in 30 attempts"
    cat "$home/out" >>"$home/lines"; : >"$home/out"
    echo "== ${arguments[*]}" >>"$home/lines"
    start_ms=$(now_ms)
    printf %s "$input" >"$home/input"
    "$program" "${arguments[@]}" <"$home/input" >>"$home/out" 2>>"$home/errors" &
    process=$!
    browser=''
    if [ "$kind" = app-session ]; then browse "$process" & browser=$!; fi
    if [ "$left" -gt 0 ]; then
      delay=$((unlocked_after + RANDOM % (span[$kind] > unlocked_after ? span[$kind] - unlocked_after : 1)))
      if [ $((RANDOM % 16)) = 0 ]; then delay=$((RANDOM % (delay + 1))); fi
      sleep "$(printf '%d.%03d' $((delay / 1000)) $((delay % 1000)))"
      if kill -KILL "$process" 2>/dev/null; then left=$((left - 1)); fi
    fi
    code=0; wait "$process" 2>/dev/null || code=$?
    [ -z "$browser" ] || wait "$browser" 2>/dev/null || true
    if [ "$code" = 137 ]; then
      echo "== killed after $delay ms" >>"$home/out"
      total=$((total + 1)) kills[$kind]=$((kills[$kind] + 1))
      check_after_kill
      continue
    fi
    [ "${span[$kind]}" -gt 0 ] || span[$kind]=$(($(now_ms) - start_ms + 20))
    case $code in 0 | 8) ;; *) $rolls_back || die "$name: ended with $code: $(tail -n 1 "$home/errors")" ;; esac
  done
  cat "$home/out" >>"$home/lines"; : >"$home/out"
  if [ "${kills[$kind]}" = "$before_it" ]; then missed[$kind]=$((missed[$kind] + 1)); else missed[$kind]=0; fi
  check_end
  unkilled=0; for other in "${kinds[@]}"; do [ "${kills[$other]}" -gt 0 ] || unkilled=$((unkilled + 1)); done
done
"$program" audit --verify >/dev/null
print_totals
echo "kill-rotations: $total kills in $rotations rotations on the $TOKENRING_STORE store; no secret lost"
