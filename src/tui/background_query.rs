//! Detection of the terminal's response to the background color query among typed keys.
//!
//! The query (OSC 11) is sent with the first frame, and nothing waits for the response: a local
//! terminal responds at once, a remote one later, and some never do. The response arrives as if it
//! were typed: `Alt-]`, then text, then `Alt-\` or `Ctrl-G`. Keys that turn out to be something
//! else are passed on as typed. Start reading at [`BackgroundColorQuery::handle_event`].

use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers};

use crate::config::theme::TerminalBackground;

/// Query for the background color.
pub(super) const BACKGROUND_QUERY: &str = "\x1b]11;?\x1b\\";

/// Start of a response, after its introducer.
const RESPONSE_PREFIX: &str = "11;rgb";
/// Maximum length of a response: four times four digits and the separators.
const MAX_RESPONSE_CHARS: usize = 40;

/// Recognizer of the response to the background color query.
pub(super) struct BackgroundColorQuery {
    awaiting_response: bool,
    pending_events: Vec<Event>,
    text: String,
}

/// Result of an event.
#[derive(Debug, PartialEq)]
pub(super) enum QueryOutcome {
    /// Typed keys: in most cases the one event that was passed in.
    Typed(Vec<Event>),
    /// A response, or a part of one.
    Response(Option<TerminalBackground>),
}

impl BackgroundColorQuery {
    /// Creates a recognizer, which awaits a response if the query was sent.
    pub(super) const fn new(awaits: bool) -> Self {
        Self { awaiting_response: awaits, pending_events: Vec::new(), text: String::new() }
    }

    /// Handles an event of the terminal.
    pub(super) fn handle_event(&mut self, event: Event) -> QueryOutcome {
        if !self.awaiting_response {
            return QueryOutcome::Typed(vec![event]);
        }
        let part = response_part(&event);
        let begins = matches!(part, Some(QueryResponsePart::Introducer));
        if self.pending_events.is_empty() && !begins {
            return QueryOutcome::Typed(vec![event]);
        }
        self.pending_events.push(event);
        match part {
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

    /// Returns whether the response may continue with this character.
    fn accepts(&self, c: char) -> bool {
        let at = self.text.len();
        RESPONSE_PREFIX
            .as_bytes()
            .get(at)
            .map_or(at < MAX_RESPONSE_CHARS, |expected| char::from(*expected) == c)
    }
}

/// Part of a response that an event stands for.
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

    fn response(text: &str, end: Event) -> Vec<Event> {
        let begin = key(']', KeyModifiers::ALT);
        let text = text.chars().map(|c| {
            key(c, if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE })
        });
        std::iter::once(begin).chain(text).chain([end]).collect()
    }

    /// Returns the number of typed events and the reported background.
    fn feed(
        query: &mut BackgroundColorQuery,
        events: Vec<Event>,
    ) -> (usize, Option<TerminalBackground>) {
        let (mut typed, mut background_seen) = (0, None);
        for event in events {
            match query.handle_event(event) {
                QueryOutcome::Typed(events) => typed += events.len(),
                QueryOutcome::Response(background) => {
                    background_seen = background_seen.or(background);
                }
            }
        }
        (typed, background_seen)
    }

    #[test]
    fn a_response_is_recognized_and_nothing_of_it_is_typed() {
        let ends = [key('\\', KeyModifiers::ALT), key('g', KeyModifiers::CONTROL)];
        for end in ends {
            let mut query = BackgroundColorQuery::new(true);
            assert_eq!(
                feed(&mut query, response("11;rgb:FDfd/f6f6/e3e3", end.clone())),
                (0, Some(TerminalBackground::Light))
            );
            let again = response("11;rgb:0000/0000/0000", end);
            assert_eq!(
                feed(&mut query, again.clone()),
                (again.len(), None),
                "only one answer is awaited"
            );
        }
    }

    #[test]
    fn what_is_no_answer_was_typed() {
        let none = KeyModifiers::NONE;
        let mut query = BackgroundColorQuery::new(true);
        assert_eq!(
            feed(
                &mut query,
                vec![key('j', none), key('g', KeyModifiers::CONTROL), key('\\', KeyModifiers::ALT)]
            )
            .0,
            3
        );
        let mut events = response("11;x", key('j', none));
        assert_eq!(feed(&mut query, events.clone()), (events.len(), None));
        events = response(&format!("11;rgb:{}", "f".repeat(60)), key('j', none));
        assert_eq!(feed(&mut query, events.clone()), (events.len(), None));
        // And a response is still awaited.
        let late = response("11;rgb:0000/0000/0000", key('\\', KeyModifiers::ALT));
        assert_eq!(feed(&mut query, late), (0, Some(TerminalBackground::Dark)));
    }
}
