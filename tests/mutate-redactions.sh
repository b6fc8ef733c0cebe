#!/usr/bin/env bash
# Disables one redaction after another in a copy of the sources, and checks that the leak gate notices each of them.
#
#   tests/mutate-redactions.sh [NAME…]      without names, all of them; each takes a build and a run of the gate
#
# The redaction in `net/response.rs` is not in the list: it masks the sent secret before all others do, so the others hide
# a mutation of it. Its own unit tests cover it.
set -euo pipefail
cd "$(dirname "$0")/.."

#  name       file                           original                                              replacement
mutations=(
  'literal   |src/domain/redact/mod.rs      |self.secrets.iter().fold(text, \|text, secret\| mask_escaped(text, secret))|text'
  'encoded   |src/domain/redact/mod.rs      |text.replace(encoded.as_str(), MASK)                                 |text'
  'patterns  |src/domain/redact/mod.rs      |patterns::mask_patterns(&self.redact_known(text.to_owned()))         |self.redact_known(text.to_owned())'
  'responses |src/engine/requests/redact_response.rs |ResponseBody::Text(text) => ResponseBody::Text(redactor.redact(&text)),|ResponseBody::Text(text) => ResponseBody::Text(text),'
  'fresh     |src/engine/requests/redact_response.rs |*text = captured.text;                                               |'
  'history   |src/engine/requests/history.rs         |let mut recorded = draft.without_secrets(redactor);                  |let _ = redactor; let mut recorded = draft.clone();'
  'mask      |src/tui/app/credentials/detail.rs         |self.reveal = RevealState::Masked;                                   |'
)

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
export CARGO_TARGET_DIR=${TOKENRING_MUTANTS:-$PWD/target/mutants} INSTA_UPDATE=no RUST_BACKTRACE=0
gate=(leak::no_command leak::screen::the_screen leak::grant)

# New modification times, because a restored file with its old time would look older than the build of its mutation.
prepare() { rm -rf "${copy:?}/tree"; mkdir "$copy/tree"; git ls-files -z | tar --null -T - -cf - | tar -xmf - -C "$copy/tree"; }
passes() { (cd "$copy/tree" && cargo test --locked --quiet --test suite -- "${gate[@]}") >"$copy/log" 2>&1; }
trim() { sed 's/^ *//; s/ *$//' <<<"$1"; }

prepare
passes || { cat "$copy/log"; echo "the gate fails without any mutation"; exit 1; }
echo "none: the gate passes"

missed=0
for mutation in "${mutations[@]}"; do
  IFS='|' read -r name file from to <<<"${mutation//\\|/$'\x01'}"
  name=$(trim "$name") file=$(trim "$file") from=$(trim "${from//$'\x01'/|}") to=$(trim "${to//$'\x01'/|}")
  [ $# = 0 ] || [[ " $* " == *" $name "* ]] || continue
  prepare
  FROM=$from TO=$to perl -0pi -e 's/\Q$ENV{FROM}\E/$ENV{TO}/ or die "not found: $ENV{FROM}\n"' "$copy/tree/$file"
  if passes; then
    echo "$name: NOT NOTICED"; missed=1
  elif grep -qE 'error(\[|:) ' "$copy/log" && ! grep -q 'test result: FAILED' "$copy/log"; then
    cat "$copy/log"; echo "$name: does not compile"; exit 1
  else
    echo "$name: noticed ($(grep -cE '^test .* FAILED|^---- ' "$copy/log") tests, $(grep -oE '[0-9]+ leaks' "$copy/log" | head -1))"
  fi
done
exit $missed
