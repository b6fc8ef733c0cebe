#!/usr/bin/env bash
# Runs a command in a new session with a private message bus and a real Secret Service. Needs no desktop.
#
#   with-secret-service.sh [--locked | --bare | --keepassxc] COMMAND [ARGUMENT...]
#
# --locked locks the keyring before the command runs; --bare starts only the bus. The bus starts no services on demand.
# --keepassxc runs KeePassXC with an open database (KEYRING_DATABASE) in the place of gnome-keyring; with
# KEEPASSXC_CONFIRM=true it asks before it gives an item to a program.
# Needs the packages dbus and gnome-keyring (libsecret-tools for tests that call secret-tool, keepassxc for --keepassxc).
# The command finds KEYRING_PID (the daemon) and KEYRING_PASSWORD in its environment.
set -euo pipefail

state=unlocked
case ${1-} in --locked | --bare | --keepassxc) state=${1#--}; shift ;; esac

# A short path: the path of a socket may have at most 107 bytes.
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -m 700 "$root"/{home,data,config,cache,run}
export HOME=$root/home XDG_DATA_HOME=$root/data XDG_CONFIG_HOME=$root/config XDG_CACHE_HOME=$root/cache XDG_RUNTIME_DIR=$root/run
export KEYRING_PASSWORD=test-password KEYRING_STATE=$state
unset DISPLAY WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS GNOME_KEYRING_CONTROL SSH_AUTH_SOCK

cat >"$root/bus.conf" <<XML
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir=$root/run</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
XML

cat >"$root/session.sh" <<'SESSION'
set -euo pipefail
[ "$KEYRING_STATE" = bare ] && exec "$@"

ask() { dbus-send --session --print-reply=literal --reply-timeout=2000 --dest="$1" "${@:2}" 2>/dev/null; }
until_it_says() { # WORD QUESTION...
  for _ in $(seq 1000); do
    [ "$(ask "${@:2}" | awk '{print $NF}')" = "$1" ] && return
    kill -0 "$KEYRING_PID" 2>/dev/null || break
    sleep 0.02
  done
  echo "the Secret Service did not come up:" >&2
  cat "$HOME/daemon.log" >&2
  exit 70
}

service=org.freedesktop.secrets path=/org/freedesktop/secrets
locked=(org.freedesktop.DBus.Properties.Get string:org.freedesktop.Secret.Collection string:Locked)
trap 'kill -KILL "${KEYRING_PID-}" 2>/dev/null || true' EXIT

if [ "$KEYRING_STATE" = keepassxc ]; then
  export QT_QPA_PLATFORM=offscreen KEYRING_DATABASE=$HOME/passwords.kdbx
  # The group that KeePassXC exposes is named in the database itself.
  cat >"$HOME/database.xml" <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<KeePassFile>
  <Meta><CustomData><Item>
    <Key>FDO_SECRETS_EXPOSED_GROUP</Key><Value>{00112233-4455-6677-8899-aabbccddeeff}</Value>
  </Item></CustomData></Meta>
  <Root><Group><UUID>ABEiM0RVZneImaq7zN3u/w==</UUID><Name>Root</Name></Group></Root>
</KeePassFile>
XML
  printf '%s\n%s\n' "$KEYRING_PASSWORD" "$KEYRING_PASSWORD" |
    keepassxc-cli import --set-password --decryption-time 100 "$HOME/database.xml" "$KEYRING_DATABASE" >/dev/null 2>&1
  cat >"$HOME/keepassxc.ini" <<INI
[General]
ConfigVersion=2
[GUI]
CheckForUpdates=false
[FdoSecrets]
Enabled=true
ConfirmAccessItem=${KEEPASSXC_CONFIRM:-false}
ConfirmDeleteItem=false
INI
  # Its lock against a second instance is in the folder of temporary files.
  TMPDIR=$HOME keepassxc --config "$HOME/keepassxc.ini" --localconfig "$HOME/local.ini" --pw-stdin "$KEYRING_DATABASE" \
    < <(printf '%s\n' "$KEYRING_PASSWORD") >"$HOME/daemon.log" 2>&1 &
  export KEYRING_PID=$!
  until_it_says true org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner "string:$service"
  until_it_says "$path/collection/passwords" "$service" "$path" org.freedesktop.Secret.Service.ReadAlias string:default
  # It names the collection before it has opened the database, and then answers a search with a dialog.
  until_it_says false "$service" "$path/collection/passwords" "${locked[@]}"
  "$@"
  exit
fi

# printf instead of echo, because a newline would become part of the password. --foreground, so that $! is the daemon.
gnome-keyring-daemon --foreground --unlock --components=secrets < <(printf %s "$KEYRING_PASSWORD") >"$HOME/daemon.log" 2>&1 &
export KEYRING_PID=$!

until_it_says true org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner "string:$service"
# The daemon reports "unlocked" for any password, so the script queries the collection.
until_it_says false "$service" "$path/aliases/default" "${locked[@]}"
if [ "$KEYRING_STATE" = locked ]; then
  ask "$service" "$path" org.freedesktop.Secret.Service.Lock "array:objpath:$path/collection/login" >/dev/null
fi

"$@"
SESSION

dbus-run-session --config-file="$root/bus.conf" -- bash "$root/session.sh" "$@"
