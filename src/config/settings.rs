//! Settings and their layers: defaults, then `config.toml`, then the environment.
//!
//! The command line applies its flags on top of the result; every field is public for this. Start
//! reading at [`Settings`], which declares each setting once, and at [`Settings::load`]. The documents
//! made from the declarations belong to [`super::schema`].

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::de::{DeserializeOwned, Error as _, IntoDeserializer as _};
use serde::{Deserialize, Deserializer};

use super::file::{check_trusted, read_text};
use super::schema::{SettingSpec, SettingType, SettingValue};
use super::theme::{self, AUTO_THEME, ColorDepth, GlyphSet, TerminalBackground, Theme, UserThemes};
use super::{AppPaths, KeyPress, SettingsReport};
use crate::domain::StoreKind;
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::text::nearest_names;

/// Size limit of the settings file.
pub(super) const MAX_SETTINGS_BYTES: u64 = 256 * 1024;

/// Declares the settings of one table of `config.toml`: for each its description for the user, name,
/// type, default value, accepted values and the time at which a change takes effect. Fields that the
/// user does not set, or that are described elsewhere, follow after `other`.
///
/// Type, default, schema, first file, documentation and reloading come from this one declaration.
macro_rules! settings {
    (
        $(#[$outer:meta])*
        $name:ident, names after $prefix:literal {
            $($help:literal $(#[$attribute:meta])*
            $field:ident: $type:ty = $default:expr, $values:expr, $effect:ident;)*
        }
        other { $($(#[$other_attribute:meta])* $other:ident: $other_type:ty,)* }
    ) => {
        $(#[$outer])*
        #[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $(#[doc = $help] $(#[$attribute])* pub $field: $type,)*
            $($(#[$other_attribute])* pub $other: $other_type,)*
        }

        impl $name {
            /// Descriptions of these settings, in the order of the documentation.
            pub(super) const SPECS: &[SettingSpec] = &[$(SettingSpec {
                name: concat!($prefix, stringify!($field)),
                value_type: $values,
                help: $help,
                default_toml: || { let value: $type = $default; value.to_toml() },
            }),*];

            /// Returns the names of the settings that differ and take effect after a restart.
            fn differing_after_restart(&self, other: &Self) -> impl Iterator<Item = &'static str> {
                let differing = [$((
                    concat!($prefix, stringify!($field)),
                    SettingEffect::$effect,
                    self.$field != other.$field,
                )),*];
                differing.into_iter().filter_map(|(name, effect, differs)| {
                    (differs && effect == SettingEffect::AfterRestart).then_some(name)
                })
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* $($other: <$other_type>::default(),)* }
            }
        }
    };
}

/// Declares the words that a setting accepts, in the order of the documentation.
macro_rules! setting_words {
    (
        $(#[$outer:meta])*
        $name:ident { $($(#[$attribute:meta])* $variant:ident = $word:literal,)* }
    ) => {
        $(#[$outer])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
        pub enum $name { $($(#[$attribute])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// Accepted values of the setting.
            const VALUES: SettingType = SettingType::Choice(&[$($word),*]);

            /// Returns the word in the settings file.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl SettingValue for $name {
            fn to_toml(&self) -> Option<String> {
                Some(format!("\"{}\"", self.as_str()))
            }
        }
    };
}

settings! {
    /// Settings of the program.
    Settings, names after "" {
        "Where secrets are stored; the keyring by default"
        store: Option<StoreKind> = None, SettingType::Choice(&StoreKind::NAMES), AfterRestart;

        "Collection of the keyring for new secrets, by label or path; its default one if not set"
        keyring_collection: Option<String> = None, SettingType::Text { example: "Login" }, AfterRestart;

        "How many seconds a secret stays revealed"
        #[serde(deserialize_with = "seconds")]
        reveal_seconds: u64 = 15, SECONDS, Immediate;

        "How many seconds a secret stays on the clipboard"
        #[serde(deserialize_with = "seconds")]
        clipboard_seconds: u64 = 30, SECONDS, AfterRestart;

        "Idle minutes after which the screen locks, with the encrypted file; 0 for never"
        #[serde(deserialize_with = "minutes")]
        lock_minutes: u64 = 15, MINUTES, Immediate;

        "How secrets reach the clipboard"
        clipboard: ClipboardChoice = ClipboardChoice::Auto, ClipboardChoice::VALUES, AfterRestart;

        "Colors of the screen; auto follows the background of the terminal"
        #[serde(deserialize_with = "theme_name")]
        theme: String = AUTO_THEME.to_owned(), SettingType::ThemeName, Immediate;

        "Symbols on the screen; auto follows the locale"
        glyphs: GlyphMode = GlyphMode::Auto, GlyphMode::VALUES, Immediate;

        "Whether requests that change something are blocked before they are sent"
        readonly: bool = false, SettingType::Boolean, AfterRestart;

        "Whether the mouse is used"
        mouse: bool = true, SettingType::Boolean, Immediate;

        "Whether to use plain-text mode instead of the full-screen interface"
        plain: bool = false, SettingType::Boolean, AfterRestart;
    }
    other {
        /// Keys that replace the default keys, by the ID of the command. An empty list unbinds the
        /// command.
        #[serde(deserialize_with = "keys")]
        keys: BTreeMap<String, Vec<KeyPress>>,
        /// Network settings.
        net: NetSettings,
        /// Source of the store choice.
        #[serde(skip)]
        store_source: StoreChoiceSource,
        /// Number of colors that the terminal shows, detected from the environment.
        #[serde(skip)]
        color_depth: ColorDepth,
        /// Background of the terminal, detected from the environment.
        #[serde(skip)]
        background: TerminalBackground,
        /// The user's own themes.
        #[serde(skip)]
        user_themes: UserThemes,
    }
}

settings! {
    /// Settings of the network.
    #[derive(Copy)]
    NetSettings, names after "net." {
        "Timeout for opening a connection, in seconds"
        #[serde(deserialize_with = "seconds")]
        connect_seconds: u64 = 10, SECONDS, AfterRestart;

        "Timeout for a request and its response, in seconds"
        #[serde(deserialize_with = "seconds")]
        total_seconds: u64 = 60, SECONDS, AfterRestart;

        "How many requests run at the same time"
        #[serde(deserialize_with = "concurrency")]
        concurrency: usize = 32, CONCURRENCY, AfterRestart;
    }
    other {}
}

/// 1 second to 1 hour: zero seconds would have no effect, and a longer time is a mistake of units.
const SECONDS: SettingType = SettingType::Integer { first: 1, last: 3600, unit: "seconds" };

/// 0 minutes, which means never, to one day.
const MINUTES: SettingType = SettingType::Integer { first: 0, last: 1440, unit: "minutes" };

const CONCURRENCY: SettingType = SettingType::Integer { first: 1, last: 256, unit: "requests" };

setting_words! {
    /// Way to reach the clipboard.
    ClipboardChoice {
        /// The best available way.
        Auto = "auto",
        /// The desktop's own clipboard.
        Native = "native",
        /// The terminal escape sequence OSC 52.
        Osc52 = "osc52",
        /// The paste buffer of tmux.
        Tmux = "tmux",
        /// No clipboard; nothing is copied.
        None = "none",
    }
}

setting_words! {
    /// Set of glyphs that the screen draws.
    GlyphMode {
        /// The glyphs that the locale can show.
        Auto = "auto",
        /// Unicode.
        Unicode = "unicode",
        /// Plain ASCII.
        Ascii = "ascii",
    }
}

/// Source of the store choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StoreChoiceSource {
    /// The settings, or the default; nothing overrides them.
    #[default]
    Settings,
    /// The variable `TOKENRING_STORE`, which overrides the settings.
    Environment,
}

/// Time at which a changed setting takes effect.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SettingEffect {
    /// As soon as the file is saved.
    Immediate,
    /// At the next start.
    AfterRestart,
}

/// Key as the settings file writes it. It is a type of its own so that an error points at the line
/// of the key.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct KeyPressSetting(KeyPress);

impl Settings {
    /// Loads the settings from the file, if there is one, and applies the environment variables
    /// that `env` returns.
    ///
    /// # Errors
    ///
    /// Returns a problem for any mistake in the file, in the chosen theme or in a variable.
    pub fn load(paths: &AppPaths, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, Problem> {
        let path = paths.settings();
        check_trusted(&paths.config)?;
        check_trusted(&path)?;
        let mut settings: Self = match read_text(&path, MAX_SETTINGS_BYTES) {
            Ok(text) => {
                toml::from_str(&text).map_err(|error| parse_problem(&path, &text, &error))?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(unreadable(&path, &error)),
        };
        match settings.load_user_themes(paths) {
            Some(problem) => Err(problem),
            None => settings.apply_environment(env),
        }
    }

    /// Loads the valid settings together with the mistakes in the file.
    ///
    /// # Errors
    ///
    /// Returns a problem where a guess would do harm; see [`SettingsReport::parse`].
    pub fn load_leniently(
        paths: &AppPaths,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<SettingsReport, Problem> {
        let path = paths.settings();
        check_trusted(&paths.config)?;
        check_trusted(&path)?;
        let mut report = match read_text(&path, MAX_SETTINGS_BYTES) {
            Ok(text) => SettingsReport::parse(&path, &text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => SettingsReport::default(),
            Err(error) => return Err(unreadable(&path, &error)),
        };
        report.problems.extend(report.settings.load_user_themes(paths));
        Ok(SettingsReport { settings: report.settings.apply_environment(env)?, ..report })
    }

    /// Reads the user's own themes and returns the problem with the chosen theme, if it has one.
    fn load_user_themes(&mut self, paths: &AppPaths) -> Option<Problem> {
        self.user_themes = UserThemes::load(paths);
        if theme::is_user_theme(&self.theme) {
            self.user_themes.theme_problem(&self.theme, paths)
        } else {
            None
        }
    }

    /// Returns the glyphs to draw with.
    pub fn glyphs(&self, env: &dyn Fn(&str) -> Option<String>) -> &'static GlyphSet {
        match self.glyphs {
            GlyphMode::Auto => GlyphSet::detect(env),
            GlyphMode::Unicode => &GlyphSet::UNICODE,
            GlyphMode::Ascii => &GlyphSet::ASCII,
        }
    }

    /// Returns the theme in the colors that the terminal shows, for the background that is known so
    /// far.
    pub fn theme(&self) -> Theme {
        let found = if theme::is_user_theme(&self.theme) {
            self.user_themes.theme(&self.theme, self.color_depth).ok()
        } else {
            Theme::builtin(&self.theme, self.color_depth)
        };
        found.unwrap_or_else(|| Theme::for_background(self.background, self.color_depth))
    }

    /// Whether the background of the terminal selects the theme.
    pub fn theme_follows_background(&self) -> bool {
        self.theme == AUTO_THEME
    }

    /// Returns the names of the settings that differ from these and take effect after a restart.
    pub fn changes_after_restart(&self, after: &Self) -> Vec<&'static str> {
        let own = self.differing_after_restart(after);
        own.chain(self.net.differing_after_restart(&after.net)).collect()
    }

    fn apply_environment(mut self, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, Problem> {
        if let Some(store) = parse_variable(env, "TOKENRING_STORE")? {
            (self.store, self.store_source) = (Some(store), StoreChoiceSource::Environment);
        }
        if let Some(clipboard) = parse_variable(env, "TOKENRING_CLIPBOARD")? {
            self.clipboard = clipboard;
        }
        self.color_depth = ColorDepth::detect(env);
        self.background = TerminalBackground::detect(env).unwrap_or_default();
        self.plain |= variable_is_on(env, "ACCESSIBLE")
            || env("TERM").is_some_and(|terminal| terminal == "dumb");
        Ok(self)
    }
}

impl TryFrom<String> for KeyPressSetting {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let refusal = "not a key; examples of keys: j, G, C-p, S-Tab, PgUp, F5, Space";
        KeyPress::parse(&text).map(Self).ok_or_else(|| refusal.to_owned())
    }
}

fn seconds<'de, D: Deserializer<'de>>(value: D) -> Result<u64, D::Error> {
    SECONDS.deserialize_integer(value)
}

fn minutes<'de, D: Deserializer<'de>>(value: D) -> Result<u64, D::Error> {
    MINUTES.deserialize_integer(value)
}

fn concurrency<'de, D: Deserializer<'de>>(value: D) -> Result<usize, D::Error> {
    CONCURRENCY.deserialize_integer(value)
}

fn theme_name<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    let name = String::deserialize(value)?;
    // The settings file cannot tell which theme files exist; only the folder can.
    if theme::is_user_theme(&name)
        || std::iter::once(AUTO_THEME).chain(Theme::builtin_names()).any(|known| known == name)
    {
        return Ok(name);
    }
    let known: Vec<_> = std::iter::once(AUTO_THEME)
        .chain(Theme::builtin_names())
        .map(|known| format!("`{known}`"))
        .collect();
    Err(D::Error::custom(format!("unknown theme `{name}`, expected one of {}", known.join(", "))))
}

fn keys<'de, D: Deserializer<'de>>(value: D) -> Result<BTreeMap<String, Vec<KeyPress>>, D::Error> {
    let written = BTreeMap::<String, Vec<KeyPressSetting>>::deserialize(value)?;
    Ok(written
        .into_iter()
        .map(|(id, keys)| (id, keys.into_iter().map(|key| key.0).collect()))
        .collect())
}

/// Whether a variable is set to a value other than `0`.
fn variable_is_on(env: &dyn Fn(&str) -> Option<String>, name: &str) -> bool {
    env(name).is_some_and(|value| !value.is_empty() && value != "0")
}

/// Parses a variable that accepts one of several words; an empty value counts as not set.
fn parse_variable<T: DeserializeOwned>(
    env: &dyn Fn(&str) -> Option<String>,
    name: &str,
) -> Result<Option<T>, Problem> {
    let Some(value) = env(name).filter(|value| !value.is_empty()) else { return Ok(None) };
    let reader: StrDeserializer<'_, ValueError> = value.as_str().into_deserializer();
    T::deserialize(reader).map(Some).map_err(|error| {
        let why = error.to_string();
        Problem::new(
            "An environment variable is invalid",
            format!("{name}: {}", without_value(&why)),
            suggest_remedy(&why),
        )
        .with_class(ProblemClass::Usage)
    })
}

pub(super) fn parse_problem(path: &Path, text: &str, error: &toml::de::Error) -> Problem {
    let why = error.message();
    let position = error.span().map(|span| line_and_column(text, span.start)).unwrap_or_default();
    Problem::new(
        "The settings are invalid",
        format!("{}{position}: {}", path.display(), without_value(why)),
        suggest_remedy(why),
    )
    .with_class(ProblemClass::Usage)
}

/// Returns `:line:column` for a byte offset in the text, counted from 1 as editors do.
fn line_and_column(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
    format!(":{line}:{column}")
}

/// Removes the value from a parse error: it is in the wrong place, so it may be a secret. The
/// position says where it is, and the names that are allowed stay.
fn without_value(why: &str) -> String {
    for (start, end, without) in [
        ("unknown variant `", "`, expected ", "unknown value"),
        ("unknown theme `", "`, expected ", "unknown theme"),
        ("invalid type: string \"", "\", expected ", "invalid type: string"),
        ("invalid value: string \"", "\", expected ", "invalid value"),
    ] {
        let value = why.strip_prefix(start);
        if let Some((_, expected)) = value.and_then(|value| value.rsplit_once(end)) {
            return format!("{without}, expected {expected}");
        }
    }
    why.to_owned()
}

/// Returns a remedy for a parse error. For an unknown word, serde's message quotes it in backticks,
/// followed by every known word.
fn suggest_remedy(why: &str) -> String {
    let quoted: Vec<&str> = why.split('`').skip(1).step_by(2).collect();
    match quoted.as_slice() {
        [unknown, known @ ..] if why.starts_with("unknown ") => {
            match nearest_names(unknown, known).first() {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("use one of {}, or remove the setting", known.join(", ")),
            }
        }
        _ => "fix the value, or remove the line to use the default".to_owned(),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    let remedy =
        "check that the file is text and that you can read it, or remove it to use the defaults";
    Problem::new("The settings cannot be read", format!("{}: {error}", path.display()), remedy)
        .with_class(ProblemClass::Usage)
}

#[cfg(test)]
mod tests;
