#!/usr/bin/env bash
# Switches off one redaction after the other in a copy of the sources, and shows that the leak gate notices each time.
#
#   tests/mutate-redactions.sh [NAME…]      without names, all of them; each takes as long as a build and the gate
#
# What stands in front of them all is not here: `net/reading` masks what was sent before anybody else sees an answer, so
# alone it hides behind the others; its own tests show it.
set -euo pipefail
cd "$(dirname "$0")/.."

#          name       file                          from                                             to
mutations=(
  'as-is     |src/domain/redact/mod.rs   |self.secrets.iter().fold(text, \|text, secret\| without(text, secret))|text'
  'encoded   |src/domain/redact/mod.rs   |{ text.replace(encoded.as_str(), MASK) }                             |{ text }'
  'shapes    |src/domain/redact/mod.rs   |shapes::mask(&self.redact_known(text.to_owned()))                    |self.redact_known(text.to_owned())'
  'answers   |src/engine/withhold.rs     |Body::Text(redactor.redact(&text)),                                  |Body::Text(text),'
  'fresh     |src/engine/withhold.rs     |*text = captured.text;                                               |'
  'history   |src/engine/history.rs      |let mut kept = draft.without_secrets(redactor);                      |let _ = redactor; let mut kept = draft.clone();'
  'mask      |src/tui/app/detail.rs      |self.reveal = Reveal::Masked;                                        |'
)

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
export CARGO_TARGET_DIR=${TOKENRING_MUTANTS:-$PWD/target/mutants} INSTA_UPDATE=no RUST_BACKTRACE=0
gate=(leak::no_command leak::screen::the_screen leak::grant)

# With new times: by its old ones, a file that is whole again would look older than what was built from its mutant.
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
