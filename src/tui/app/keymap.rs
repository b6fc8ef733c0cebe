//! Which key means what, and where: the defaults of the table of commands under the person's own choices.

use std::collections::BTreeMap;

use super::Pane;
use super::command::{Action, COMMANDS, Command, Context};
use crate::config::Key;

/// The keys of every command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    /// Beside every row of the table, its keys.
    keys: Vec<Vec<Key>>,
}

impl Keymap {
    /// The default keys, with `own` in place of the defaults of the commands it names.
    ///
    /// A key that a person gives to a command is taken from the others that would have it in the same place.
    pub fn new(own: &BTreeMap<String, Vec<Key>>) -> Self {
        let taken = |key: &Key, command: &Command| {
            own.iter().any(|(name, keys)| {
                name != command.name
                    && keys.contains(key)
                    && super::command::named(name).is_some_and(|other| other.context == command.context)
            })
        };
        let keys_of = |command: &Command| match own.get(command.name) {
            Some(keys) => keys.clone(),
            None => command.keys.iter().filter_map(|key| Key::parse(key)).filter(|key| !taken(key, command)).collect(),
        };
        Self { keys: COMMANDS.iter().map(keys_of).collect() }
    }

    /// What `key` means while `pane` has the focus: a command of the pane itself, else one that works anywhere.
    pub fn resolve(&self, key: Key, pane: Pane) -> Option<Action> {
        let bound = |context| {
            let mut rows = COMMANDS.iter().zip(&self.keys);
            rows.find(|(command, keys)| command.context == context && keys.contains(&key)).map(|(command, _)| command.action)
        };
        bound(Context::Pane(pane)).or_else(|| bound(Context::Anywhere))
    }

    /// The keys of a command, as they are written.
    pub fn keys_of(&self, action: Action) -> impl Iterator<Item = &Key> {
        let row = COMMANDS.iter().position(|command| command.action == action);
        row.and_then(|row| self.keys.get(row)).into_iter().flatten()
    }

    /// The first key of a command, as it is written.
    pub fn label(&self, action: Action) -> Option<String> {
        self.keys_of(action).next().map(Key::to_string)
    }
}

#[cfg(test)]
mod tests {
    use super::super::command::{ConsoleAction, CredentialAction, ListAction, ProgramAction, RegionAction};
    use super::*;

    fn own(name: &str, key: &str) -> BTreeMap<String, Vec<Key>> {
        BTreeMap::from([(name.to_owned(), vec![Key::parse(key).expect("a key")])])
    }

    #[test]
    fn the_nearer_meaning_wins() {
        let keys = Keymap::new(&BTreeMap::new());
        let enter = Key::parse("Enter").expect("a key");
        assert_eq!(keys.resolve(enter, Pane::Credentials), Some(Action::Credential(CredentialAction::Show)));
        assert_eq!(keys.resolve(enter, Pane::Regions), Some(Action::Region(RegionAction::Switch)));
        assert_eq!(keys.resolve(enter, Pane::Console), Some(Action::Console(ConsoleAction::Send)));
        assert_eq!(keys.resolve(Key::char('/'), Pane::Detail), Some(Action::List(ListAction::Filter)));
        assert_eq!(keys.resolve(Key::char('~'), Pane::Detail), None);
    }

    #[test]
    fn a_persons_own_key_replaces_the_default_and_takes_it_from_others() {
        let keys = Keymap::new(&own("copy-secret", "q"));
        assert_eq!(keys.resolve(Key::char('q'), Pane::Detail), Some(Action::Credential(CredentialAction::Copy)));
        assert_eq!(keys.resolve(Key::char('y'), Pane::Detail), None);
        assert_eq!(keys.label(Action::Program(ProgramAction::Quit)), None);
    }
}
