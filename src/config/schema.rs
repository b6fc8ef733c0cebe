//! Documents about the settings: JSON schema, commented first settings file and the table in the
//! documentation, all from the declarations in `settings.rs`.
//!
//! Start reading at [`all_settings`]. Parsing the file belongs to `settings`.

use std::fmt::Write as _;

use serde::de::{Deserialize as _, Deserializer, Error as _};
use serde_json::{Value, json};

use super::theme::{self, Theme};
use super::{NetSettings, Settings};
use crate::domain::StoreKind;

/// Description of one setting.
pub struct SettingSpec {
    /// Name of the setting. A name with a dot belongs to the TOML table before the dot.
    pub name: &'static str,
    /// Values that the setting accepts.
    pub value_type: SettingType,
    /// One-line description for the user.
    pub help: &'static str,
    /// Returns the default value; see [`SettingSpec::default_value`].
    pub(super) default_toml: fn() -> Option<String>,
}

/// Type of the values that a setting accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingType {
    /// `true` or `false`.
    Boolean,
    /// An integer in a range.
    Integer {
        /// The smallest accepted number.
        first: i64,
        /// The largest accepted number.
        last: i64,
        /// What is counted, in the plural.
        unit: &'static str,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// The name of a theme.
    ThemeName,
    /// Any text.
    Text {
        /// A value for the first settings file.
        example: &'static str,
    },
}

/// Value that the settings file can contain.
pub(super) trait SettingValue {
    /// Returns the value in TOML notation; `None` where the program chooses.
    fn to_toml(&self) -> Option<String>;
}

/// Returns all settings except the key bindings, in the order of the documentation.
pub fn all_settings() -> impl Iterator<Item = &'static SettingSpec> {
    Settings::SPECS.iter().chain(NetSettings::SPECS)
}

/// Regular expression for a key in the notation of [`super::KeyPress`].
const KEY_PATTERN: &str = "^((C|A|S)-)*(.|Space|Enter|Esc|Tab|Backspace|Del|Ins|Up|Down|Left|Right|Home|End|PgUp|PgDn|F([1-9]|1[0-9]|2[0-4]))$";

impl SettingSpec {
    /// Splits the name into its TOML table, if any, and the name inside the table.
    pub fn split_name(&self) -> (Option<&'static str>, &'static str) {
        self.name.split_once('.').map_or((None, self.name), |(table, name)| (Some(table), name))
    }

    /// Returns the default value in TOML notation; `None` where the program chooses.
    pub fn default_value(&self) -> Option<String> {
        (self.default_toml)()
    }

    /// Returns the accepted values in words.
    pub fn describe_values(&self) -> String {
        match self.value_type {
            SettingType::Boolean => "true, false".to_owned(),
            SettingType::Integer { first, last, .. } => format!("{first} to {last}"),
            SettingType::Choice(values) => values.join(", "),
            SettingType::ThemeName => {
                format!("{}, or a file in `themes/`", theme_names().collect::<Vec<_>>().join(", "))
            }
            SettingType::Text { .. } => "text".to_owned(),
        }
    }

    fn json_schema(&self) -> Value {
        let mut schema = match self.value_type {
            SettingType::Boolean => json!({ "type": "boolean" }),
            SettingType::Integer { first, last, .. } => {
                json!({ "type": "integer", "minimum": first, "maximum": last })
            }
            SettingType::Choice(values) => json!({ "type": "string", "enum": values }),
            SettingType::ThemeName => {
                json!({ "type": "string", "examples": theme_names().collect::<Vec<_>>() })
            }
            SettingType::Text { example } => json!({ "type": "string", "examples": [example] }),
        };
        schema["description"] = json!(self.help);
        if let Some(default) =
            self.default_value().and_then(|default| serde_json::from_str::<Value>(&default).ok())
        {
            schema["default"] = default;
        }
        schema
    }
}

impl SettingType {
    /// Deserializes an integer and refuses a number that is not in the range.
    pub(super) fn deserialize_integer<'de, T: TryFrom<i64>, D: Deserializer<'de>>(
        self,
        value: D,
    ) -> Result<T, D::Error> {
        let number = i64::deserialize(value)?;
        let Self::Integer { first, last, unit } = self else {
            return Err(D::Error::custom("not an integer"));
        };
        let in_range = Some(number).filter(|number| (first..=last).contains(number));
        in_range.and_then(|number| T::try_from(number).ok()).ok_or_else(|| {
            D::Error::custom(format!("{number} is out of range ({first} to {last} {unit})"))
        })
    }
}

impl SettingValue for bool {
    fn to_toml(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl SettingValue for u64 {
    fn to_toml(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl SettingValue for usize {
    fn to_toml(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl SettingValue for String {
    fn to_toml(&self) -> Option<String> {
        Some(format!("\"{self}\""))
    }
}

impl SettingValue for StoreKind {
    fn to_toml(&self) -> Option<String> {
        Some(format!("\"{}\"", self.as_str()))
    }
}

impl<T: SettingValue> SettingValue for Option<T> {
    fn to_toml(&self) -> Option<String> {
        self.as_ref().and_then(SettingValue::to_toml)
    }
}

/// Returns the names of the themes that need no file of the user.
fn theme_names() -> impl Iterator<Item = &'static str> {
    std::iter::once(theme::AUTO_THEME).chain(Theme::builtin_names())
}

/// Returns the JSON schema of the settings file; `commands` are the names and descriptions of the
/// commands that can have keys.
pub fn json_schema<'a>(commands: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    let keys = json!({ "type": "array", "items": { "type": "string", "pattern": KEY_PATTERN } });
    let bound = commands.map(|(name, help)| {
        let mut schema = keys.clone();
        schema["description"] = json!(help);
        (name.to_owned(), schema)
    });
    let bound: serde_json::Map<_, _> = bound.collect();
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of tokenring (config.toml)",
        "type": "object",
        "additionalProperties": false,
        "properties": {},
    });
    for setting in all_settings() {
        match setting.split_name() {
            (None, name) => schema["properties"][name] = setting.json_schema(),
            (Some(table), name) => {
                schema["properties"][table]["type"] = json!("object");
                schema["properties"][table]["additionalProperties"] = json!(false);
                schema["properties"][table]["properties"][name] = setting.json_schema();
            }
        }
    }
    schema["properties"]["keys"] = json!({
        "type": "object",
        "description": "Keys that replace the default keys, by command name; an empty list unbinds the command",
        "additionalProperties": false,
        "properties": bound,
    });
    schema
}

/// Returns a first settings file: every setting with its default value, commented out.
pub fn config_template() -> String {
    let mut text =
        "# Settings of tokenring. Uncomment a line to use it; changes apply as soon as the file is saved.\n".to_owned();
    let mut current = None;
    for setting in all_settings() {
        let (table, name) = setting.split_name();
        if table != current {
            current = table;
            let _ = writeln!(text, "\n[{}]", table.unwrap_or_default());
        }
        let example = || match setting.value_type {
            SettingType::Text { example } => example.to_owned().to_toml(),
            _ => StoreKind::default().to_toml(),
        };
        let default = setting.default_value().or_else(example).unwrap_or_default();
        let _ = writeln!(
            text,
            "\n# {}: {}.\n# {name} = {default}",
            setting.help,
            setting.describe_values()
        );
    }
    text.push_str(
        "\n# Key bindings, by command name; `tokenring config check` reports conflicts.\n[keys]\n",
    );
    text.push_str("# copy-secret = [\"y\", \"C-y\"]\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, String> {
        toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_owned())
    }

    fn written(setting: &SettingSpec, value: &str) -> String {
        let (table, name) = setting.split_name();
        table.map(|table| format!("[{table}]\n")).unwrap_or_default() + &format!("{name} = {value}")
    }

    /// Returns the names that the parser reports as known, at the top or in a table.
    fn known(text: &str) -> Vec<String> {
        let error = read(text).expect_err("an unknown name");
        let mut names: Vec<_> = error.split('`').skip(3).step_by(2).map(str::to_owned).collect();
        names.sort();
        names
    }

    #[test]
    fn the_table_names_what_the_reader_reads_and_nothing_else() {
        let named = |table: Option<&str>| {
            let places = all_settings().map(SettingSpec::split_name).filter(|(of, _)| *of == table);
            let mut names: Vec<_> = places.map(|(_, name)| name.to_owned()).collect();
            names.sort();
            names
        };
        let mut top = named(None);
        top.extend(["keys", "net"].map(str::to_owned));
        top.sort();
        assert_eq!(known("no-such-setting = 1"), top);
        assert_eq!(known("[net]\nno-such-setting = 1"), named(Some("net")));
    }

    #[test]
    fn what_is_usual_is_what_the_reader_takes_for_it() {
        for setting in all_settings() {
            let Some(default) = setting.default_value() else { continue };
            assert_eq!(
                read(&written(setting, &default)),
                Ok(Settings::default()),
                "{}",
                setting.name
            );
        }
    }

    #[test]
    fn every_value_that_is_named_is_read_and_what_lies_beyond_is_refused() {
        for setting in all_settings() {
            let (good, bad) = match setting.value_type {
                SettingType::Boolean => {
                    (vec!["true".to_owned(), "false".to_owned()], vec!["1".to_owned()])
                }
                SettingType::Integer { first, last, .. } => (
                    vec![first.to_string(), last.to_string()],
                    vec![(first - 1).to_string(), (last + 1).to_string()],
                ),
                SettingType::Choice(values) => (
                    values.iter().map(|word| format!("\"{word}\"")).collect(),
                    vec!["\"no such\"".to_owned()],
                ),
                SettingType::ThemeName => (
                    theme_names().chain(["mine.toml"]).map(|name| format!("\"{name}\"")).collect(),
                    vec!["1".to_owned()],
                ),
                SettingType::Text { example } => {
                    (vec![format!("\"{example}\"")], vec!["1".to_owned()])
                }
            };
            for value in good {
                assert!(read(&written(setting, &value)).is_ok(), "{} = {value}", setting.name);
            }
            for value in bad {
                assert!(read(&written(setting, &value)).is_err(), "{} = {value}", setting.name);
            }
        }
    }

    #[test]
    fn the_first_file_is_read_as_it_stands_and_with_every_line_in_effect() {
        assert_eq!(read(&config_template()), Ok(Settings::default()));
        let in_effect: String = config_template()
            .lines()
            .map(|line| {
                line.strip_prefix("# ")
                    .filter(|rest| rest.contains(" = "))
                    .unwrap_or(line)
                    .to_owned()
                    + "\n"
            })
            .collect();
        let settings = read(&in_effect).expect("settings");
        assert_eq!(settings.keys.len(), 1);
        assert_eq!(settings.reveal_seconds, Settings::default().reveal_seconds);
    }

    #[test]
    fn the_schema_says_the_same() {
        let schema = json_schema([("copy-secret", "Copy the secret")].into_iter());
        assert_eq!(schema["properties"]["reveal_seconds"]["maximum"], 3600);
        assert_eq!(schema["properties"]["net"]["properties"]["concurrency"]["default"], 32);
        assert_eq!(schema["properties"]["clipboard"]["enum"][2], "osc52");
        assert_eq!(
            schema["properties"]["keys"]["properties"]["copy-secret"]["items"]["type"],
            "string"
        );
        assert_eq!(schema["additionalProperties"], false);
    }
}
