//! Key map: which key runs which command in which pane.
//!
//! The defaults come from the command table, the user's own keys from the settings override them.
//! Start at [`Keymap::new`] and [`Keymap::resolve`]; [`find_conflicts`] reports problems with the
//! user's keys.
//!
//! Keyboard layouts without Latin letters: which key of a US keyboard types a character.
//!
//! Used for single-letter commands where the terminal does not report the key itself (the kitty
//! keyboard protocol does). A character of several layouts stands for the key of the first one.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::domain::problem::Problem;
use crate::tui::app::Pane;
use crate::tui::app::command::{COMMANDS, CommandAction, CommandSpec, KeyContext};

/// How texts refer to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CommandLabelStyle {
    /// By its key.
    #[default]
    Keys,
    /// By its name, which the user types in plain-text mode.
    Names,
}

/// Keys of every command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    label_style: CommandLabelStyle,
    /// Keys per row of the command table.
    keys: Vec<Vec<KeyPress>>,
}

impl Keymap {
    /// Creates a key map from the defaults, with `own` in place of the defaults of the commands it
    /// names.
    ///
    /// A key that the user gives to a command is removed from the other commands that have it in
    /// the same context. A key that is given to two commands belongs to the first one.
    pub fn new(own: &BTreeMap<String, Vec<KeyPress>>) -> Self {
        let taken = |key: &KeyPress, command: &CommandSpec| {
            own.iter().any(|(name, keys)| {
                name != command.name
                    && keys.contains(key)
                    && crate::tui::app::command::find_by_name(name)
                        .is_some_and(|other| other.context == command.context)
            })
        };
        let keys_of = |command: &CommandSpec| match own.get(command.name) {
            Some(keys) => keys
                .iter()
                .filter(|key| !claimed_by_earlier_command(own, key, command))
                .copied()
                .collect(),
            None => command
                .keys
                .iter()
                .filter_map(|key| KeyPress::parse(key))
                .filter(|key| !taken(key, command))
                .collect(),
        };
        Self {
            label_style: CommandLabelStyle::default(),
            keys: COMMANDS.iter().map(keys_of).collect(),
        }
    }

    /// Returns the same keys with another label style.
    #[must_use]
    pub fn with_label_style(self, labels: CommandLabelStyle) -> Self {
        Self { label_style: labels, ..self }
    }

    /// Returns the label style.
    pub fn label_style(&self) -> CommandLabelStyle {
        self.label_style
    }

    /// Returns the action of `key` while `pane` has the focus: a command of the pane itself, else
    /// one that works anywhere.
    pub fn resolve(&self, key: KeyPress, pane: Pane) -> Option<CommandAction> {
        let bound = |context| {
            let mut rows = COMMANDS.iter().zip(&self.keys);
            rows.find(|(command, keys)| command.context == context && keys.contains(&key))
                .map(|(command, _)| command.action)
        };
        bound(KeyContext::Pane(pane)).or_else(|| bound(KeyContext::Anywhere))
    }

    /// Returns the keys of a command.
    pub fn keys_for(&self, action: CommandAction) -> impl Iterator<Item = &KeyPress> {
        let row = COMMANDS.iter().position(|command| command.action == action);
        row.and_then(|row| self.keys.get(row)).into_iter().flatten()
    }

    /// Returns the label of a command: its first key, or its name; `None` if it has no key.
    pub fn label(&self, action: CommandAction) -> Option<String> {
        match self.label_style {
            CommandLabelStyle::Keys => self.keys_for(action).next().map(KeyPress::to_string),
            CommandLabelStyle::Names => crate::tui::app::command::find_by_action(action)
                .map(|command| command.name.to_owned()),
        }
    }

    /// Returns the label of a command; its name if it has no key.
    pub fn key_or_name(&self, action: CommandAction) -> String {
        let name = || {
            crate::tui::app::command::find_by_action(action).map(|command| command.name.to_owned())
        };
        self.label(action).or_else(name).unwrap_or_default()
    }
}

/// Whether the user gave the key to an earlier command in the same context.
fn claimed_by_earlier_command(
    own: &BTreeMap<String, Vec<KeyPress>>,
    key: &KeyPress,
    command: &CommandSpec,
) -> bool {
    let before = COMMANDS.iter().take_while(|other| other.name != command.name);
    before
        .filter(|other| other.context == command.context)
        .any(|other| own.get(other.name).is_some_and(|keys| keys.contains(key)))
}

/// Returns the line of a settings file, counted from 1, that sets the keys of a command.
fn command_line_number(text: &str, name: &str) -> Option<usize> {
    let keys = text.lines().position(|line| line.trim() == "[keys]").unwrap_or(0);
    let names = |line: &str| {
        line.split('=').next().is_some_and(|head| head.trim().trim_matches(['"', '\'']) == name)
    };
    text.lines().skip(keys).position(names).map(|line| keys + line + 1)
}

/// Finds problems with the user's own keys: unknown commands, keys of two commands, keys that run
/// something else in a pane, and commands that lose their last key.
pub fn find_conflicts(own: &BTreeMap<String, Vec<KeyPress>>) -> Vec<KeyConflict> {
    let unknown = own.keys().filter(|name| crate::tui::app::command::find_by_name(name).is_none());
    let mut found: Vec<_> = unknown
        .map(|name| KeyConflict::UnknownCommand { name: name.clone(), near: nearest_names(name) })
        .collect();
    let bound: Vec<_> =
        COMMANDS.iter().filter_map(|command| Some((command, own.get(command.name)?))).collect();
    for (place, (command, keys)) in bound.iter().enumerate() {
        for key in *keys {
            let rivals = bound[..place]
                .iter()
                .filter(|(rival, keys)| rival.context == command.context && keys.contains(key));
            found.extend(rivals.map(|(rival, _)| KeyConflict::DuplicateKey {
                key: *key,
                by: [rival.name, command.name],
            }));
            let nearer = |other: &&CommandSpec| {
                shadows(other, command)
                    && !own.contains_key(other.name)
                    && other.has_default_key(*key)
            };
            found.extend(COMMANDS.iter().filter(nearer).map(|other| KeyConflict::Shadowed {
                key: *key,
                of: command.name,
                by: other.name,
            }));
        }
    }
    let keymap = Keymap::new(own);
    let keyless = COMMANDS
        .iter()
        .zip(&keymap.keys)
        .filter(|(command, keys)| keys.is_empty() && !own.contains_key(command.name));
    found.extend(
        keyless
            .filter(|(command, _)| !command.keys.is_empty())
            .map(|(command, _)| KeyConflict::LastKeyLost(command.name)),
    );
    found
}

/// Problem with the user's own keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyConflict {
    /// No command has this name.
    UnknownCommand {
        /// Name in the settings.
        name: String,
        /// Similar names.
        near: Vec<String>,
    },
    /// Two commands claim one key in one context; the first one gets it.
    DuplicateKey {
        /// The key.
        key: KeyPress,
        /// Names of the commands, the winner first.
        by: [&'static str; 2],
    },
    /// The key runs another command in one pane.
    Shadowed {
        /// The key.
        key: KeyPress,
        /// Command that the key was given to.
        of: &'static str,
        /// Command that the key runs in its pane.
        by: &'static str,
    },
    /// A command lost its last key to others; the help can still run it.
    LastKeyLost(&'static str),
}

impl KeyConflict {
    /// Returns the name under which the command appears in the settings; `None` if the problem is
    /// about another command.
    pub fn command_name(&self) -> Option<&str> {
        match self {
            Self::UnknownCommand { name, .. } => Some(name),
            Self::DuplicateKey { by: [_, name], .. } | Self::Shadowed { of: name, .. } => {
                Some(name)
            }
            Self::LastKeyLost(_) => None,
        }
    }

    /// Whether the setting has no effect, rather than a surprising one.
    pub fn is_mistake(&self) -> bool {
        matches!(self, Self::UnknownCommand { .. } | Self::DuplicateKey { .. })
    }

    /// Returns the problem with the line number in the settings file; `text` is the content of the
    /// file.
    pub fn problem_with_line(&self, file: &Path, text: &str) -> Problem {
        let mut problem = self.problem();
        if let Some(line) = self.command_name().and_then(|name| command_line_number(text, name)) {
            problem.why = format!("{}:{line}: {}", file.display(), problem.why);
        }
        problem
    }

    /// Returns the problem in words.
    pub fn problem(&self) -> Problem {
        let what = "A key is bound to two commands";
        match self {
            Self::UnknownCommand { name, near } if near.is_empty() => Problem::new(
                "Unknown command in the key bindings",
                format!("no command is named `{name}`"),
                "press ? in tokenring to see the commands",
            ),
            Self::UnknownCommand { name, near } => {
                let remedy = format!("did you mean `{}`?", near.join("`, `"));
                Problem::new(
                    "Unknown command in the key bindings",
                    format!("no command is named `{name}`"),
                    remedy,
                )
            }
            Self::DuplicateKey { key, by: [first, second] } => {
                let why =
                    format!("{key} is claimed by `{first}` and `{second}`; `{first}` gets it");
                Problem::new(what, why, format!("bind `{second}` to another key"))
            }
            Self::Shadowed { key, of, by } => {
                let why = format!("where `{by}` is available, {key} runs it instead of `{of}`");
                Problem::new(
                    "A key does something else in one pane",
                    why,
                    format!("bind `{by}` to another key, or ignore this"),
                )
            }
            Self::LastKeyLost(name) => {
                let why = format!("`{name}` lost its last key to another command");
                Problem::new(
                    "A command has no key",
                    why,
                    format!("bind `{name}` to a key, or run it from the help (?)"),
                )
            }
        }
    }
}

fn nearest_names(name: &str) -> Vec<String> {
    let names: Vec<_> = COMMANDS.iter().map(|command| command.name).collect();
    crate::domain::text::nearest_names(name, &names)
}

/// Whether one command takes a key before another command that has it too.
fn shadows(nearer: &CommandSpec, other: &CommandSpec) -> bool {
    matches!((nearer.context, other.context), (KeyContext::Pane(_), KeyContext::Anywhere))
}

impl CommandSpec {
    fn has_default_key(&self, key: KeyPress) -> bool {
        self.keys.iter().any(|known| KeyPress::parse(known) == Some(key))
    }
}

/// Layout: the characters of a US keyboard, and what the same keys type, each without Shift and with
/// it.
struct KeyboardLayout {
    latin: [&'static str; 2],
    typed: [&'static str; 2],
}

/// The common layouts, the more common first.
const LAYOUTS: [KeyboardLayout; 4] = [
    // Russian
    KeyboardLayout {
        latin: ["`qwertyuiop[]asdfghjkl;'zxcvbnm,.", "~QWERTYUIOP{}ASDFGHJKL:\"ZXCVBNM<>#"],
        typed: ["ёйцукенгшщзхъфывапролджэячсмитьбю", "ЁЙЦУКЕНГШЩЗХЪФЫВАПРОЛДЖЭЯЧСМИТЬБЮ№"],
    },
    // Ukrainian, where it differs
    KeyboardLayout { latin: ["s]'\\", "S}\"|"], typed: ["іїєґ", "ІЇЄҐ"] },
    // Belarusian, where it differs
    KeyboardLayout { latin: ["o", "O"], typed: ["ў", "Ў"] },
    // Greek
    KeyboardLayout {
        latin: ["wertyuiopasdfghjklzxcvbnm", "ERTYUIOPASDFGHJKLZXCVBNM"],
        typed: ["ςερτυθιοπασδφγηξκλζχψωβνμ", "ΕΡΤΥΘΙΟΠΑΣΔΦΓΗΞΚΛΖΧΨΩΒΝΜ"],
    },
];

/// Returns the key of a US keyboard that types this character on another layout.
pub(in crate::tui) fn latin_key(key: KeyPress) -> Option<KeyPress> {
    let KeySymbol::Char(typed) = key.code else { return None };
    let latin = LAYOUTS.iter().find_map(|layout| {
        layout.typed.iter().zip(layout.latin).find_map(|(row, latin)| {
            row.chars().zip(latin.chars()).find(|(c, _)| *c == typed).map(|(_, latin)| latin)
        })
    })?;
    Some(KeyPress { code: KeySymbol::Char(latin), ..key })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::app::command::{ConsoleAction, CredentialAction, FocusTarget, ProgramAction};

    fn own(name: &str, key: &str) -> BTreeMap<String, Vec<KeyPress>> {
        BTreeMap::from([(name.to_owned(), vec![KeyPress::parse(key).expect("a key")])])
    }

    #[test]
    fn the_nearer_meaning_wins() {
        let keys = Keymap::new(&BTreeMap::new());
        let enter = KeyPress::parse("Enter").expect("a key");
        assert_eq!(
            keys.resolve(enter, Pane::Credentials),
            Some(CommandAction::Focus(FocusTarget::To(Pane::Detail)))
        );
        assert_eq!(
            keys.resolve(enter, Pane::Regions),
            Some(CommandAction::Credential(CredentialAction::SwitchRegion))
        );
        assert_eq!(
            keys.resolve(enter, Pane::Console),
            Some(CommandAction::Console(ConsoleAction::Send))
        );
        assert_eq!(
            keys.resolve(KeyPress::char('/'), Pane::Detail),
            Some(CommandAction::Credential(CredentialAction::FilterList))
        );
        assert_eq!(keys.resolve(KeyPress::char('~'), Pane::Detail), None);
    }

    #[test]
    fn keys_that_collide_are_reported() {
        let own: BTreeMap<_, _> =
            [("copy-secret", "x"), ("check", "x"), ("rotat", "r"), ("test", "n"), ("reload", "q")]
                .into_iter()
                .map(|(name, key)| (name.to_owned(), vec![KeyPress::parse(key).expect("a key")]))
                .collect();
        let found = find_conflicts(&own);
        let reasons: Vec<_> = found.iter().map(|conflict| conflict.problem().why).collect();
        for expected in [
            "no command is named `rotat`",
            "x is claimed by `copy-secret` and `check`; `copy-secret` gets it",
            "where `next-match` is available, n runs it instead of `test`",
            "`quit` lost its last key to another command",
        ] {
            assert!(
                reasons.iter().any(|why| why == expected),
                "{expected:?} is not in {reasons:?}"
            );
        }
        assert_eq!(found.iter().filter(|conflict| conflict.is_mistake()).count(), 2);
        assert!(found.iter().all(|conflict| !conflict.problem().remedy.is_empty()));
        let keys = Keymap::new(&own);
        assert_eq!(
            keys.resolve(KeyPress::char('x'), Pane::Detail),
            Some(CommandAction::Credential(CredentialAction::CopySecret)),
            "as it is told"
        );
        assert_eq!(find_conflicts(&BTreeMap::new()), []);
    }

    #[test]
    fn a_user_defined_key_replaces_the_default_and_is_removed_from_others() {
        let keys = Keymap::new(&own("copy-secret", "q"));
        assert_eq!(
            keys.resolve(KeyPress::char('q'), Pane::Detail),
            Some(CommandAction::Credential(CredentialAction::CopySecret))
        );
        assert_eq!(keys.resolve(KeyPress::char('y'), Pane::Detail), None);
        assert_eq!(keys.label(CommandAction::Program(ProgramAction::Quit)), None);
    }

    #[test]
    fn a_key_that_two_commands_claim_is_the_first_ones() {
        let own = [("copy-secret", "q"), ("check", "q")];
        let own = own
            .map(|(name, key)| (name.to_owned(), vec![KeyPress::parse(key).expect("a key")]))
            .into();
        let keys = Keymap::new(&own);
        assert_eq!(
            keys.label(CommandAction::Credential(CredentialAction::CopySecret)).as_deref(),
            Some("q")
        );
        assert_eq!(keys.label(CommandAction::Credential(CredentialAction::Check)), None);
        assert_eq!(keys.key_or_name(CommandAction::Credential(CredentialAction::Check)), "check");
        assert_eq!(
            keys.with_label_style(CommandLabelStyle::Names)
                .key_or_name(CommandAction::Credential(CredentialAction::CopySecret)),
            "copy-secret"
        );
    }

    #[test]
    fn a_key_is_found_where_it_is_written() {
        let text = "mouse = true\n\n[keys]\ncheck = [\"x\"]\n\"copy-secret\" = [ \"x\" ]\n";
        assert_eq!(command_line_number(text, "check"), Some(4));
        assert_eq!(command_line_number(text, "copy-secret"), Some(5));
        assert_eq!(command_line_number(text, "mouse"), None, "keys begin below");
    }
}

#[cfg(test)]
mod keyboard_layouts_tests {
    use super::*;

    fn typed(text: &str) -> String {
        let latin = |c| match latin_key(KeyPress::char(c)).map(|key| key.code) {
            Some(KeySymbol::Char(latin)) => latin,
            _ => '·',
        };
        text.chars().map(latin).collect()
    }

    #[test]
    fn each_layout_types_the_keys_of_a_us_keyboard() {
        assert_eq!(typed("йцукенгшщзхъ"), "qwertyuiop[]");
        assert_eq!(typed("ФЫВАПРОЛДЖЭ"), "ASDFGHJKL:\"");
        assert_eq!(typed("яіїєґў"), "zs]'\\o");
        assert_eq!(typed("αβγδεζηθικλμνξοπρστυφχψωςΩ"), "abgdezhuiklmnjoprstyfxcvwV");
        assert_eq!(typed("aé/日"), "····");
    }

    #[test]
    fn the_rows_of_a_layout_have_the_same_length_and_map_to_ascii() {
        for layout in &LAYOUTS {
            for (typed, latin) in layout.typed.iter().zip(layout.latin) {
                assert_eq!(typed.chars().count(), latin.chars().count(), "{typed}");
                assert!(latin.is_ascii() && typed.chars().all(|c| !c.is_ascii()), "{typed}");
            }
        }
    }
}
