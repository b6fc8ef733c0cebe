//! Which key means what, and where: the defaults of the table of commands under the person's own choices.

use std::collections::BTreeMap;
use std::path::Path;

use super::Pane;
use super::command::{Action, COMMANDS, Command, Context};
use crate::config::KeyPress;
use crate::domain::problem::Problem;

/// How a command is named where it says what runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Labels {
    /// By its key.
    #[default]
    Keys,
    /// By its name, which is what one types where nothing is drawn.
    Names,
}

/// The keys of every command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    labels: Labels,
    /// Beside every row of the table, its keys.
    keys: Vec<Vec<KeyPress>>,
}

impl Keymap {
    /// The default keys, with `own` in place of the defaults of the commands it names.
    ///
    /// A key that a person gives to a command is taken from the others that would have it in the same place; one that is
    /// given to two of them is the first one's.
    pub fn new(own: &BTreeMap<String, Vec<KeyPress>>) -> Self {
        let taken = |key: &KeyPress, command: &Command| {
            own.iter().any(|(name, keys)| {
                name != command.name
                    && keys.contains(key)
                    && super::command::named(name).is_some_and(|other| other.context == command.context)
            })
        };
        let keys_of = |command: &Command| match own.get(command.name) {
            Some(keys) => keys.iter().filter(|key| !claimed_before(own, key, command)).copied().collect(),
            None => command.keys.iter().filter_map(|key| KeyPress::parse(key)).filter(|key| !taken(key, command)).collect(),
        };
        Self { labels: Labels::default(), keys: COMMANDS.iter().map(keys_of).collect() }
    }

    /// The same keys, with commands named like this.
    #[must_use]
    pub fn labelled(self, labels: Labels) -> Self {
        Self { labels, ..self }
    }

    /// How commands are named.
    pub fn labels(&self) -> Labels {
        self.labels
    }

    /// What `key` means while `pane` has the focus: a command of the pane itself, else one that works anywhere.
    pub fn resolve(&self, key: KeyPress, pane: Pane) -> Option<Action> {
        let bound = |context| {
            let mut rows = COMMANDS.iter().zip(&self.keys);
            rows.find(|(command, keys)| command.context == context && keys.contains(&key)).map(|(command, _)| command.action)
        };
        bound(Context::Pane(pane)).or_else(|| bound(Context::Anywhere))
    }

    /// The keys of a command, as they are written.
    pub fn keys_of(&self, action: Action) -> impl Iterator<Item = &KeyPress> {
        let row = COMMANDS.iter().position(|command| command.action == action);
        row.and_then(|row| self.keys.get(row)).into_iter().flatten()
    }

    /// What runs a command: its first key, as it is written, or its name.
    pub fn label(&self, action: Action) -> Option<String> {
        match self.labels {
            Labels::Keys => self.keys_of(action).next().map(KeyPress::to_string),
            Labels::Names => super::command::of(action).map(|command| command.name.to_owned()),
        }
    }

    /// What runs a command, whether it has a key or not.
    pub fn way_to(&self, action: Action) -> String {
        let name = || super::command::of(action).map(|command| command.name.to_owned());
        self.label(action).or_else(name).unwrap_or_default()
    }
}

/// Whether a command before this one was given the key in the same place.
fn claimed_before(own: &BTreeMap<String, Vec<KeyPress>>, key: &KeyPress, command: &Command) -> bool {
    let before = COMMANDS.iter().take_while(|other| other.name != command.name);
    before
        .filter(|other| other.context == command.context)
        .any(|other| own.get(other.name).is_some_and(|keys| keys.contains(key)))
}

/// The line of a settings file on which the keys of a command are written, counted from 1.
fn line_of(text: &str, name: &str) -> Option<usize> {
    let keys = text.lines().position(|line| line.trim() == "[keys]").unwrap_or(0);
    let names = |line: &str| line.split('=').next().is_some_and(|head| head.trim().trim_matches(['"', '\'']) == name);
    text.lines().skip(keys).position(names).map(|line| keys + line + 1)
}

/// What a person should know about keys of their own, by the name of the command: commands that do not exist, keys that
/// two of them claim, keys that do something else in some pane, and commands that lose their last key.
pub fn conflicts(own: &BTreeMap<String, Vec<KeyPress>>) -> Vec<Conflict> {
    let unknown = own.keys().filter(|name| super::command::named(name).is_none());
    let mut found: Vec<_> = unknown.map(|name| Conflict::Unknown { name: name.clone(), near: near(name) }).collect();
    let bound: Vec<_> = COMMANDS.iter().filter_map(|command| Some((command, own.get(command.name)?))).collect();
    for (place, (command, keys)) in bound.iter().enumerate() {
        for key in *keys {
            let rivals = bound[..place].iter().filter(|(rival, keys)| rival.context == command.context && keys.contains(key));
            found.extend(rivals.map(|(rival, _)| Conflict::Claimed { key: *key, by: [rival.name, command.name] }));
            let nearer = |other: &&Command| hides(other, command) && !own.contains_key(other.name) && other.has(*key);
            found.extend(COMMANDS.iter().filter(nearer).map(|other| Conflict::Hidden {
                key: *key,
                of: command.name,
                by: other.name,
            }));
        }
    }
    let keymap = Keymap::new(own);
    let keyless = COMMANDS.iter().zip(&keymap.keys).filter(|(command, keys)| keys.is_empty() && !own.contains_key(command.name));
    found.extend(keyless.filter(|(command, _)| !command.keys.is_empty()).map(|(command, _)| Conflict::Keyless(command.name)));
    found
}

/// Something about keys that a person should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    /// There is no such command.
    Unknown {
        /// What was written.
        name: String,
        /// What may have been meant.
        near: Vec<String>,
    },
    /// Two commands claim one key in one place; the first has it.
    Claimed {
        /// The key.
        key: KeyPress,
        /// The commands, the winner first.
        by: [&'static str; 2],
    },
    /// In one pane the key does something else.
    Hidden {
        /// The key.
        key: KeyPress,
        /// The command that it was given to.
        of: &'static str,
        /// The command that it runs in its pane.
        by: &'static str,
    },
    /// A command lost its last key to others; the palette still runs it.
    Keyless(&'static str),
}

impl Conflict {
    /// The name of the command under which it stands in the file; nothing where it stands under another one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Unknown { name, .. } => Some(name),
            Self::Claimed { by: [_, name], .. } | Self::Hidden { of: name, .. } => Some(name),
            Self::Keyless(_) => None,
        }
    }

    /// Whether what was written cannot be done, rather than having an effect that may surprise.
    pub fn is_mistake(&self) -> bool {
        matches!(self, Self::Unknown { .. } | Self::Claimed { .. })
    }

    /// It in words, with the line of the file on which it is written; `text` is what the file holds.
    pub fn problem_in(&self, file: &Path, text: &str) -> Problem {
        let mut problem = self.problem();
        if let Some(line) = self.name().and_then(|name| line_of(text, name)) {
            problem.why = format!("{}:{line}: {}", file.display(), problem.why);
        }
        problem
    }

    /// It in words.
    pub fn problem(&self) -> Problem {
        let what = "A key is not as it is written";
        match self {
            Self::Unknown { name, near } if near.is_empty() => {
                Problem::new("A key is for nothing", format!("there is no command `{name}`"), "see the commands with the ? key")
            }
            Self::Unknown { name, near } => {
                let remedy = format!("did you mean `{}`?", near.join("`, `"));
                Problem::new("A key is for nothing", format!("there is no command `{name}`"), remedy)
            }
            Self::Claimed { key, by: [first, second] } => {
                let why = format!("{key} is claimed by `{first}` and `{second}`; `{first}` has it");
                Problem::new(what, why, format!("give `{second}` another key"))
            }
            Self::Hidden { key, of, by } => {
                let why = format!("where `{by}` works, {key} does that and not `{of}`");
                Problem::new("A key does something else in one pane", why, format!("give `{by}` another key too, or leave it so"))
            }
            Self::Keyless(name) => {
                let why = format!("`{name}` lost its last key to another command");
                Problem::new("A command has no key", why, format!("give `{name}` a key, or run it from the palette"))
            }
        }
    }
}

fn near(name: &str) -> Vec<String> {
    let names: Vec<_> = COMMANDS.iter().map(|command| command.name).collect();
    crate::domain::text::nearest_names(name, &names)
}

/// Whether one command takes a key before another that has it too.
fn hides(nearer: &Command, other: &Command) -> bool {
    matches!((nearer.context, other.context), (Context::Pane(_), Context::Anywhere))
}

impl Command {
    fn has(&self, key: KeyPress) -> bool {
        self.keys.iter().any(|known| KeyPress::parse(known) == Some(key))
    }
}

#[cfg(test)]
mod tests {
    use super::super::command::{ConsoleAction, CredentialAction, ListAction, ProgramAction, RegionAction};
    use super::*;

    fn own(name: &str, key: &str) -> BTreeMap<String, Vec<KeyPress>> {
        BTreeMap::from([(name.to_owned(), vec![KeyPress::parse(key).expect("a key")])])
    }

    #[test]
    fn the_nearer_meaning_wins() {
        let keys = Keymap::new(&BTreeMap::new());
        let enter = KeyPress::parse("Enter").expect("a key");
        assert_eq!(keys.resolve(enter, Pane::Credentials), Some(Action::Credential(CredentialAction::Show)));
        assert_eq!(keys.resolve(enter, Pane::Regions), Some(Action::Region(RegionAction::Switch)));
        assert_eq!(keys.resolve(enter, Pane::Console), Some(Action::Console(ConsoleAction::Send)));
        assert_eq!(keys.resolve(KeyPress::char('/'), Pane::Detail), Some(Action::List(ListAction::Filter)));
        assert_eq!(keys.resolve(KeyPress::char('~'), Pane::Detail), None);
    }

    #[test]
    fn keys_that_collide_are_told() {
        let own: BTreeMap<_, _> = [("copy-secret", "x"), ("check", "x"), ("rotat", "r"), ("test", "n"), ("reload", "q")]
            .into_iter()
            .map(|(name, key)| (name.to_owned(), vec![KeyPress::parse(key).expect("a key")]))
            .collect();
        let found = conflicts(&own);
        let told: Vec<_> = found.iter().map(|conflict| conflict.problem().why).collect();
        for expected in [
            "there is no command `rotat`",
            "x is claimed by `copy-secret` and `check`; `copy-secret` has it",
            "where `next-match` works, n does that and not `test`",
            "`quit` lost its last key to another command",
        ] {
            assert!(told.iter().any(|why| why == expected), "{expected:?} is not in {told:?}");
        }
        assert_eq!(found.iter().filter(|conflict| conflict.is_mistake()).count(), 2);
        assert!(found.iter().all(|conflict| !conflict.problem().remedy.is_empty()));
        let keys = Keymap::new(&own);
        assert_eq!(
            keys.resolve(KeyPress::char('x'), Pane::Detail),
            Some(Action::Credential(CredentialAction::Copy)),
            "as it is told"
        );
        assert_eq!(conflicts(&BTreeMap::new()), []);
    }

    #[test]
    fn a_persons_own_key_replaces_the_default_and_takes_it_from_others() {
        let keys = Keymap::new(&own("copy-secret", "q"));
        assert_eq!(keys.resolve(KeyPress::char('q'), Pane::Detail), Some(Action::Credential(CredentialAction::Copy)));
        assert_eq!(keys.resolve(KeyPress::char('y'), Pane::Detail), None);
        assert_eq!(keys.label(Action::Program(ProgramAction::Quit)), None);
    }

    #[test]
    fn a_key_that_two_commands_claim_is_the_first_ones() {
        let own = [("copy-secret", "q"), ("check", "q")];
        let own = own.map(|(name, key)| (name.to_owned(), vec![KeyPress::parse(key).expect("a key")])).into();
        let keys = Keymap::new(&own);
        assert_eq!(keys.label(Action::Credential(CredentialAction::Copy)).as_deref(), Some("q"));
        assert_eq!(keys.label(Action::Credential(CredentialAction::Check)), None);
        assert_eq!(keys.way_to(Action::Credential(CredentialAction::Check)), "check");
        assert_eq!(keys.labelled(Labels::Names).way_to(Action::Credential(CredentialAction::Copy)), "copy-secret");
    }

    #[test]
    fn a_key_is_found_where_it_is_written() {
        let text = "mouse = true\n\n[keys]\ncheck = [\"x\"]\n\"copy-secret\" = [ \"x\" ]\n";
        assert_eq!(line_of(text, "check"), Some(4));
        assert_eq!(line_of(text, "copy-secret"), Some(5));
        assert_eq!(line_of(text, "mouse"), None, "keys begin below");
    }
}
