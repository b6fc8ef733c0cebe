//! Jump mode: a label on everything that a click would meet; typing the label is the click.

use super::{Intent, Outcome};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::tui::app::App;
use crate::tui::app::sheet::DialogView;

/// The letters of labels, the easiest to reach first.
const LETTERS: [char; 26] = [
    'a', 's', 'd', 'f', 'j', 'k', 'l', 'g', 'h', 'e', 'w', 'r', 'u', 'i', 'o', 'q', 't', 'y', 'p', 'v', 'c', 'm', 'n', 'b', 'x',
    'z',
];

/// The labels, and what was typed of one.
pub struct Jump {
    targets: Vec<Target>,
    typed: String,
}

/// Something to jump to.
pub struct Target {
    /// What is to be typed.
    pub label: String,
    /// Column and row of the click.
    pub at: (u16, u16),
}

impl Jump {
    /// Labels for all these places: one letter each, or two where one is not enough.
    pub fn new(places: Vec<(u16, u16)>) -> Self {
        let singles = places.len() <= LETTERS.len();
        let label = |n: usize| {
            let two = [LETTERS[n / LETTERS.len() % LETTERS.len()], LETTERS[n % LETTERS.len()]];
            two.iter().skip(usize::from(singles)).collect::<String>()
        };
        let most = LETTERS.len() * LETTERS.len();
        let targets = places.into_iter().take(most).enumerate().map(|(n, at)| Target { label: label(n), at }).collect();
        Self { targets, typed: String::new() }
    }

    /// What can still be meant, and how much of its label was typed.
    pub fn open(&self) -> impl Iterator<Item = (&Target, usize)> {
        self.targets.iter().filter(|target| target.label.starts_with(&self.typed)).map(|target| (target, self.typed.len()))
    }

    /// Takes a letter in. One that leads nowhere ends the mode.
    pub fn key(&mut self, key: KeyPress) -> Outcome {
        let KeySymbol::Char(c) = key.code else { return Outcome::Close };
        self.typed.push(c.to_ascii_lowercase());
        let mut open = self.open();
        match (open.next(), open.next()) {
            (None, _) => Outcome::Close,
            (Some((target, _)), None) => Outcome::Finish(Intent::Press(target.at)),
            _ => Outcome::Stay,
        }
    }

    /// What it says while the labels are shown.
    pub fn sheet(_app: &App) -> DialogView {
        DialogView::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_as_short_as_they_can_be_and_none_begins_another() {
        for count in [1_u16, 26, 27, 300] {
            let jump = Jump::new((0..count).map(|n| (n, 0)).collect());
            let labels: Vec<_> = jump.open().map(|(target, _)| target.label.clone()).collect();
            assert_eq!(labels.len(), usize::from(count));
            let length = if count <= 26 { 1 } else { 2 };
            assert!(labels.iter().all(|label| label.len() == length));
            let unlike: std::collections::HashSet<_> = labels.iter().collect();
            assert_eq!(unlike.len(), labels.len());
        }
    }

    #[test]
    fn typing_a_label_is_the_click() {
        let mut jump = Jump::new((0..30).map(|n| (n, 7)).collect());
        assert!(matches!(jump.key(KeyPress::char('s')), Outcome::Stay));
        assert!(matches!(jump.key(KeyPress::char('a')), Outcome::Finish(Intent::Press((26, 7)))));
        let mut jump = Jump::new(vec![(1, 1)]);
        assert!(matches!(jump.key(KeyPress::char('0')), Outcome::Close));
    }
}
