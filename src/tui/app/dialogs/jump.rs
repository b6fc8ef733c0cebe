//! Jump mode: shows a label on everything that can be clicked; typing a label clicks it.
//!
//! [`JumpDialog::new`] assigns the labels; `tui::view::jump` draws them.

use super::{Dialog, DialogAction, DialogResult};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::tui::app::widgets::dialog_view::{DialogAnchor, DialogView, LabelView};
use crate::tui::app::{App, Now};

/// The letters of labels, the easiest to reach first.
const LABEL_LETTERS: [char; 26] = [
    'a', 's', 'd', 'f', 'j', 'k', 'l', 'g', 'h', 'e', 'w', 'r', 'u', 'i', 'o', 'q', 't', 'y', 'p',
    'v', 'c', 'm', 'n', 'b', 'x', 'z',
];

/// Jump mode: the labels, and the letters typed so far.
pub struct JumpDialog {
    targets: Vec<JumpTarget>,
    typed: String,
}

/// Target of a jump.
struct JumpTarget {
    /// The letters to type.
    label: String,
    /// Column and row of the click.
    at: (u16, u16),
}

impl JumpDialog {
    /// Creates labels for all `places`: one letter each, or two if there are more places than
    /// letters.
    pub fn new(places: Vec<(u16, u16)>) -> Self {
        let singles = places.len() <= LABEL_LETTERS.len();
        let label = |n: usize| {
            let two = [
                LABEL_LETTERS[n / LABEL_LETTERS.len() % LABEL_LETTERS.len()],
                LABEL_LETTERS[n % LABEL_LETTERS.len()],
            ];
            two.iter().skip(usize::from(singles)).collect::<String>()
        };
        let most = LABEL_LETTERS.len() * LABEL_LETTERS.len();
        let targets = places
            .into_iter()
            .take(most)
            .enumerate()
            .map(|(n, at)| JumpTarget { label: label(n), at })
            .collect();
        Self { targets, typed: String::new() }
    }

    /// Iterates over the targets that match the typed letters.
    fn matching_targets(&self) -> impl Iterator<Item = &JumpTarget> {
        self.targets.iter().filter(|target| target.label.starts_with(&self.typed))
    }

    /// Handles a letter. A letter that matches no label ends the mode.
    fn type_key(&mut self, key: KeyPress) -> DialogResult {
        let KeySymbol::Char(c) = key.code else { return DialogResult::Close };
        self.typed.push(c.to_ascii_lowercase());
        let mut open = self.matching_targets();
        match (open.next(), open.next()) {
            (None, _) => DialogResult::Close,
            (Some(target), None) => {
                let (column, row) = target.at;
                DialogResult::RunAndClose(DialogAction::call(move |app, now| {
                    app.jump_to(column, row, now)
                }))
            }
            _ => DialogResult::Stay,
        }
    }
}

impl Dialog for JumpDialog {
    fn handle_key(&mut self, key: KeyPress, _app: &App, _now: Now) -> DialogResult {
        self.type_key(key)
    }

    fn view(&self, _app: &App, _now: Now) -> DialogView {
        let label = |target: &JumpTarget| {
            let (typed, rest) = target.label.split_at(self.typed.len());
            LabelView { at: target.at, typed: typed.to_owned(), rest: rest.to_owned() }
        };
        DialogView {
            labels: self.matching_targets().map(label).collect(),
            anchor: DialogAnchor::Labels,
            ..DialogView::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_as_short_as_they_can_be_and_none_begins_another() {
        for count in [1_u16, 26, 27, 300] {
            let jump = JumpDialog::new((0..count).map(|n| (n, 0)).collect());
            let labels: Vec<_> =
                jump.matching_targets().map(|target| target.label.clone()).collect();
            assert_eq!(labels.len(), usize::from(count));
            let length = if count <= 26 { 1 } else { 2 };
            assert!(labels.iter().all(|label| label.len() == length));
            let unlike: std::collections::HashSet<_> = labels.iter().collect();
            assert_eq!(unlike.len(), labels.len());
        }
    }

    #[test]
    fn typing_a_label_is_the_click() {
        let mut jump = JumpDialog::new((0..30).map(|n| (n, 7)).collect());
        assert!(matches!(jump.type_key(KeyPress::char('s')), DialogResult::Stay));
        assert!(matches!(
            jump.type_key(KeyPress::char('a')),
            DialogResult::RunAndClose(DialogAction::Call(_))
        ));
        let mut jump = JumpDialog::new(vec![(1, 1)]);
        assert!(matches!(jump.type_key(KeyPress::char('0')), DialogResult::Close));
    }
}
