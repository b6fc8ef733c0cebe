//! Schema of `config.toml`: one table of settings, the source of the JSON schema, the commented
//! first settings file and the table in the documentation.
//!
//! A test parses every row with [`super::Settings`]. Start reading at [`SETTINGS`]. Parsing the
//! file belongs to `settings`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::theme::{self, Theme};
use crate::domain::StoreKind;

/// Description of one setting.
pub struct SettingSpec {
    /// Name of the setting. A name with a dot belongs to the TOML table before the dot.
    pub name: &'static str,
    /// Values that the setting accepts.
    pub value_type: SettingType,
    /// Default value in TOML notation; `None` where the program chooses.
    pub default_value: Option<&'static str>,
    /// One-line description for the user.
    pub help: &'static str,
}

/// Type of the values that a setting accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingType {
    /// `true` or `false`.
    Boolean,
    /// An integer from the first to the second number, both included.
    Integer(i64, i64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// The name of a theme.
    ThemeName,
}

/// Type of all settings that are a number of seconds.
const SECONDS_TYPE: SettingType = SettingType::Integer(1, 3600);

/// All settings except the key bindings, in the order of the documentation.
#[rustfmt::skip]
pub const SETTINGS: &[SettingSpec] = &[
    SettingSpec { name: "store", value_type: SettingType::Choice(&StoreKind::NAMES), default_value: None, help: "Where secrets are stored; the keyring by default" },
    SettingSpec { name: "reveal_seconds", value_type: SECONDS_TYPE, default_value: Some("15"), help: "How many seconds a secret stays revealed" },
    SettingSpec { name: "clipboard_seconds", value_type: SECONDS_TYPE, default_value: Some("30"), help: "How many seconds a secret stays on the clipboard" },
    SettingSpec { name: "lock_minutes", value_type: SettingType::Integer(0, 1440), default_value: Some("15"), help: "Idle minutes after which the screen locks, with the encrypted file; 0 for never" },
    SettingSpec { name: "clipboard", value_type: SettingType::Choice(&["auto", "native", "osc52", "tmux", "none"]), default_value: Some("\"auto\""), help: "How secrets reach the clipboard" },
    SettingSpec { name: "theme", value_type: SettingType::ThemeName, default_value: Some("\"auto\""), help: "Colors of the screen; auto follows the background of the terminal" },
    SettingSpec { name: "glyphs", value_type: SettingType::Choice(&["auto", "unicode", "ascii"]), default_value: Some("\"auto\""), help: "Symbols on the screen; auto follows the locale" },
    SettingSpec { name: "readonly", value_type: SettingType::Boolean, default_value: Some("false"), help: "Whether requests that change something are blocked before they are sent" },
    SettingSpec { name: "mouse", value_type: SettingType::Boolean, default_value: Some("true"), help: "Whether the mouse is used" },
    SettingSpec { name: "plain", value_type: SettingType::Boolean, default_value: Some("false"), help: "Whether to use plain-text mode instead of the full-screen interface" },
    SettingSpec { name: "net.connect_seconds", value_type: SECONDS_TYPE, default_value: Some("10"), help: "Timeout for opening a connection, in seconds" },
    SettingSpec { name: "net.total_seconds", value_type: SECONDS_TYPE, default_value: Some("60"), help: "Timeout for a request and its response, in seconds" },
    SettingSpec { name: "net.concurrency", value_type: SettingType::Integer(1, 256), default_value: Some("32"), help: "How many requests run at the same time" },
];

/// Regular expression for a key in the notation of [`super::KeyPress`].
const KEY_PATTERN: &str = "^((C|A|S)-)*(.|Space|Enter|Esc|Tab|Backspace|Del|Ins|Up|Down|Left|Right|Home|End|PgUp|PgDn|F([1-9]|1[0-9]|2[0-4]))$";

impl SettingSpec {
    /// Splits the name into its TOML table, if any, and the name inside the table.
    pub fn split_name(&self) -> (Option<&'static str>, &'static str) {
        self.name.split_once('.').map_or((None, self.name), |(table, name)| (Some(table), name))
    }

    /// Returns the accepted values in words.
    pub fn describe_values(&self) -> String {
        match self.value_type {
            SettingType::Boolean => "true, false".to_owned(),
            SettingType::Integer(first, last) => format!("{first} to {last}"),
            SettingType::Choice(values) => values.join(", "),
            SettingType::ThemeName => {
                format!("{}, or a file in `themes/`", theme_names().collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn json_schema(&self) -> Value {
        let mut schema = match self.value_type {
            SettingType::Boolean => json!({ "type": "boolean" }),
            SettingType::Integer(first, last) => {
                json!({ "type": "integer", "minimum": first, "maximum": last })
            }
            SettingType::Choice(values) => json!({ "type": "string", "enum": values }),
            SettingType::ThemeName => {
                json!({ "type": "string", "examples": theme_names().collect::<Vec<_>>() })
            }
        };
        schema["description"] = json!(self.help);
        if let Some(default) =
            self.default_value.and_then(|default| serde_json::from_str::<Value>(default).ok())
        {
            schema["default"] = default;
        }
        schema
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
    for setting in SETTINGS {
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
    let store = format!("\"{}\"", StoreKind::default().as_str());
    for setting in SETTINGS {
        let (table, name) = setting.split_name();
        if table != current {
            current = table;
            let _ = writeln!(text, "\n[{}]", table.unwrap_or_default());
        }
        let default = setting.default_value.unwrap_or(&store);
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
    use super::super::Settings;
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
            let places =
                SETTINGS.iter().map(SettingSpec::split_name).filter(|(of, _)| *of == table);
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
        for setting in SETTINGS {
            let Some(default) = setting.default_value else { continue };
            assert_eq!(
                read(&written(setting, default)),
                Ok(Settings::default()),
                "{}",
                setting.name
            );
        }
    }

    #[test]
    fn every_value_that_is_named_is_read_and_what_lies_beyond_is_refused() {
        for setting in SETTINGS {
            let (good, bad) = match setting.value_type {
                SettingType::Boolean => {
                    (vec!["true".to_owned(), "false".to_owned()], vec!["1".to_owned()])
                }
                SettingType::Integer(first, last) => (
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
