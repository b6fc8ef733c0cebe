//! Hears what the terminal answers about its background among what is typed.
//!
//! The question (OSC 11) is asked with the first frame, and nobody waits for the answer: a terminal that knows it says so
//! at once, one that is far away says so later, and others never do. An answer comes as if it were typed: `Alt-]`, then
//! text, then `Alt-\` or `Ctrl-G`. Where it turns out to be something else, it was typed.

use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers};

use crate::config::theme::TerminalBackground;

/// What is asked.
pub(super) const BACKGROUND_QUERY: &str = "\x1b]11;?\x1b\\";

/// How an answer begins, after its introducer.
const RESPONSE_PREFIX: &str = "11;rgb";
/// The longest answer: four times four digits and what stands between them.
const MAX_RESPONSE_CHARS: usize = 40;

/// Whoever hears the answer.
pub(super) struct BackgroundColorQuery {
    awaiting_response: bool,
    pending_events: Vec<Event>,
    text: String,
}

/// What was heard.
#[derive(Debug, PartialEq)]
pub(super) enum QueryOutcome {
    /// This was typed: in most cases the one event that came in.
    Typed(Vec<Event>),
    /// An answer, or a part of one.
    Response(Option<TerminalBackground>),
}

impl BackgroundColorQuery {
    /// One that awaits an answer if a question was asked.
    pub(super) const fn new(awaits: bool) -> Self {
        Self { awaiting_response: awaits, pending_events: Vec::new(), text: String::new() }
    }

    /// Takes an event in.
    pub(super) fn handle_event(&mut self, event: Event) -> QueryOutcome {
        if !self.awaiting_response {
            return QueryOutcome::Typed(vec![event]);
        }
        let said = response_part(&event);
        let begins = matches!(said, Some(QueryResponsePart::Introducer));
        if self.pending_events.is_empty() && !begins {
            return QueryOutcome::Typed(vec![event]);
        }
        self.pending_events.push(event);
        match said {
            Some(QueryResponsePart::Introducer) if self.pending_events.len() == 1 => {
                QueryOutcome::Response(None)
            }
            Some(QueryResponsePart::Text(c)) if self.accepts(c) => {
                self.text.push(c);
                QueryOutcome::Response(None)
            }
            Some(QueryResponsePart::End) if self.text.starts_with(RESPONSE_PREFIX) => {
                let background = TerminalBackground::parse(self.text.trim_start_matches("11;"));
                *self = Self::new(false);
                QueryOutcome::Response(background)
            }
            _ => {
                self.text.clear();
                QueryOutcome::Typed(std::mem::take(&mut self.pending_events))
            }
        }
    }

    /// Whether the answer may go on with this.
    fn accepts(&self, c: char) -> bool {
        let at = self.text.len();
        RESPONSE_PREFIX
            .as_bytes()
            .get(at)
            .map_or(at < MAX_RESPONSE_CHARS, |expected| char::from(*expected) == c)
    }
}

/// What an event is in an answer.
enum QueryResponsePart {
    Introducer,
    Text(char),
    End,
}

fn response_part(event: &Event) -> Option<QueryResponsePart> {
    let Event::Key(key) = event else { return None };
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let modifiers = key.modifiers - KeyModifiers::SHIFT;
    match (key.code, modifiers) {
        (KeyCode::Char(']'), KeyModifiers::ALT) => Some(QueryResponsePart::Introducer),
        (KeyCode::Char('\\'), KeyModifiers::ALT) | (KeyCode::Char('g'), KeyModifiers::CONTROL) => {
            Some(QueryResponsePart::End)
        }
        (KeyCode::Char(c), KeyModifiers::NONE) => Some(QueryResponsePart::Text(c)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyEvent;

    use super::*;

    fn key(c: char, modifiers: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(KeyCode::Char(c), modifiers))
    }

    fn answer(text: &str, end: Event) -> Vec<Event> {
        let begin = key(']', KeyModifiers::ALT);
        let text = text.chars().map(|c| {
            key(c, if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE })
        });
        std::iter::once(begin).chain(text).chain([end]).collect()
    }

    /// What is typed, and what is answered.
    fn heard(
        ear: &mut BackgroundColorQuery,
        events: Vec<Event>,
    ) -> (usize, Option<TerminalBackground>) {
        let (mut typed, mut answered) = (0, None);
        for event in events {
            match ear.handle_event(event) {
                QueryOutcome::Typed(events) => typed += events.len(),
                QueryOutcome::Response(background) => answered = answered.or(background),
            }
        }
        (typed, answered)
    }

    #[test]
    fn an_answer_is_heard_and_nothing_of_it_is_typed() {
        let ends = [key('\\', KeyModifiers::ALT), key('g', KeyModifiers::CONTROL)];
        for end in ends {
            let mut ear = BackgroundColorQuery::new(true);
            assert_eq!(
                heard(&mut ear, answer("11;rgb:FDfd/f6f6/e3e3", end.clone())),
                (0, Some(TerminalBackground::Light))
            );
            let again = answer("11;rgb:0000/0000/0000", end);
            assert_eq!(
                heard(&mut ear, again.clone()),
                (again.len(), None),
                "only one answer is awaited"
            );
        }
    }

    #[test]
    fn what_is_no_answer_was_typed() {
        let none = KeyModifiers::NONE;
        let mut ear = BackgroundColorQuery::new(true);
        assert_eq!(
            heard(
                &mut ear,
                vec![key('j', none), key('g', KeyModifiers::CONTROL), key('\\', KeyModifiers::ALT)]
            )
            .0,
            3
        );
        let mut events = answer("11;x", key('j', none));
        assert_eq!(heard(&mut ear, events.clone()), (events.len(), None));
        events = answer(&format!("11;rgb:{}", "f".repeat(60)), key('j', none));
        assert_eq!(heard(&mut ear, events.clone()), (events.len(), None));
        // And an answer is still awaited.
        let late = answer("11;rgb:0000/0000/0000", key('\\', KeyModifiers::ALT));
        assert_eq!(heard(&mut ear, late), (0, Some(TerminalBackground::Dark)));
    }
}
