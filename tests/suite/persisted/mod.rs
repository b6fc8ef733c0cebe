//! Persisted forms, pinned byte for byte: what is written to disk, and the JSON that the commands print.
//!
//! Types, variants and functions may be renamed; these forms may not change with them, because users have such data on
//! their disks and scripts that read such JSON. A form that has to change needs a migration, not another literal here.
//! Sentences for users are not pinned: they may be reworded.

use std::fmt::Debug;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use time::macros::datetime;
use tokenring::domain::Timestamp;

/// Pins every variant of an enum. Each row is a pattern, a value that it matches, and the JSON of that value. The patterns
/// make a `match` without a wildcard, so a new variant does not compile until it has a row. `check` is [`same`] for types
/// that are read back, and [`written`] for types that are only written.
macro_rules! pin_variants {
    ($check:path, $type:ty { $($pattern:pat => $value:expr, $form:expr;)+ }) => {{
        fn has_row(value: &$type) {
            match value {
                $($pattern => {})+
            }
        }
        $({
            let value: $type = $value;
            has_row(&value);
            assert!(matches!(&value, $pattern), "{value:?} does not match {}", stringify!($pattern));
            $check(&value, $form);
        })+
    }};
}

#[cfg(unix)]
mod backup;
#[cfg(unix)]
mod commands;
mod domain;
mod grammar;
mod index;
mod journal;
mod plans;
#[cfg(unix)]
mod rotated;
mod settings;
mod spec;
mod store;
mod words;

/// A time with a fraction of a second.
const MOMENT: Timestamp = datetime!(2026-11-22 12:00:00.25 UTC);

/// Its JSON.
const MOMENT_TEXT: &str = r#""2026-11-22T12:00:00.25Z""#;

/// Fails unless the JSON of `value` is `form`, and `form` is read as `value`.
#[track_caller]
fn same<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, form: &str) {
    written(value, form);
    assert_eq!(&serde_json::from_str::<T>(form).unwrap(), value, "read from {form}");
}

/// Fails unless the JSON of `value` is `form`.
#[track_caller]
fn written<T: Serialize + Debug>(value: &T, form: &str) {
    assert_eq!(serde_json::to_string(value).unwrap(), form, "the form of {value:?}");
}

/// Fails unless `found` is the text of a file in this folder. Writes `found` to the build
/// directory, for comparison.
#[track_caller]
fn assert_file(name: &str, found: &str) {
    let pinned = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/persisted").join(name);
    let expected = std::fs::read_to_string(&pinned).unwrap_or_default();
    if expected != found {
        let actual = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&actual, found).unwrap();
        let differs = expected.lines().zip(found.lines()).find(|(pinned, found)| pinned != found);
        panic!("{} differs from {}: {differs:#?}", actual.display(), pinned.display());
    }
}
