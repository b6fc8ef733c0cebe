//! The console: a request, and the answer to it.

use std::collections::BTreeMap;
use std::time::Instant;

use tui_input::Input;

use super::json::Document;
use super::learned::Learned;
use super::words;
use crate::domain::problem::Problem;
use crate::domain::provider::{Catalogue, Preset};
use crate::domain::request::Draft;
use crate::domain::response::Body;
use crate::domain::{Credential, CredentialId};
use crate::engine::message::{Exchange, TaskId};

/// Bodies up to this size are laid out at once; larger ones in the background.
const LAID_OUT_AT_ONCE: usize = 64 * 1024;
/// So many bytes of a body that is no text are shown.
const DUMPED: usize = 16 * 1024;

/// The console pane.
#[derive(Default)]
pub struct Console {
    chosen: Option<Chosen>,
    /// What became of the last request.
    pub outcome: Outcome,
    /// Which part of the answer is shown.
    pub view: View,
    /// The search in the answer, while it is typed.
    pub search: Option<Input>,
    /// The first line of headers or timing that is shown.
    pub scroll: usize,
    /// What earlier answers taught.
    pub learned: Learned,
    /// How many requests have been sent.
    pub sent: usize,
}

/// A request that a person chose or wrote, for credentials of one provider.
struct Chosen {
    provider: String,
    request: Request,
}

/// A request that a person chose or wrote.
enum Request {
    /// A ready-made one, with values for its placeholders.
    Preset(String, BTreeMap<String, String>),
    /// One written by hand.
    Written(Draft),
}

/// A request, as far as it can be made.
pub enum Ready {
    /// It can be sent.
    Draft(Draft),
    /// A ready-made one some of whose placeholders have no value yet.
    Open(Box<Preset>),
}

/// What became of the last request.
#[derive(Default)]
pub enum Outcome {
    /// Nothing was sent yet.
    #[default]
    Nothing,
    /// It is on its way.
    Sending(TaskId, CredentialId, Instant),
    /// There is an answer.
    Answered(Box<Answered>),
    /// There is none, and why.
    Failed(CredentialId, Problem),
    /// It was cancelled.
    Cancelled(CredentialId),
}

/// An answer, ready to be read.
pub struct Answered {
    /// Request and answer; the body has moved into `body`.
    pub exchange: Exchange,
    /// The body.
    pub body: Laid,
}

/// A body, ready to be read or about to be.
pub enum Laid {
    /// There is none.
    Empty,
    /// It is being laid out by this task.
    Waiting(TaskId),
    /// Here it is.
    Ready(Box<Document>),
}

/// The parts of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// The body.
    #[default]
    Body,
    /// The headers.
    Headers,
    /// Where the time went.
    Timing,
}

impl View {
    /// Every part, in order.
    pub const ALL: [Self; 3] = [Self::Body, Self::Headers, Self::Timing];

    /// Its name.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Body => "Body",
            Self::Headers => "Headers",
            Self::Timing => "Timing",
        }
    }

    /// The part after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Body => Self::Headers,
            Self::Headers => Self::Timing,
            Self::Timing => Self::Body,
        }
    }
}

/// A body that is too large to be laid out at once.
pub struct Large(pub String);

impl Console {
    /// Takes a ready-made request, with the values given for its placeholders.
    pub fn choose(&mut self, provider: &str, preset: &str, given: BTreeMap<String, String>) {
        let request = Request::Preset(preset.to_owned(), given);
        self.chosen = Some(Chosen { provider: provider.to_owned(), request });
    }

    /// Takes a request that a person wrote.
    pub fn write(&mut self, provider: &str, draft: Draft) {
        self.chosen = Some(Chosen { provider: provider.to_owned(), request: Request::Written(draft) });
    }

    /// The request for a credential: the one that was chosen for its provider, else the one that checks its kind.
    pub fn request_for(&self, credential: &Credential, catalogue: &Catalogue) -> Option<Ready> {
        let chosen = self.chosen.as_ref().filter(|chosen| chosen.provider == credential.provider);
        let nothing = BTreeMap::new();
        let (preset, given) = match chosen.map(|chosen| &chosen.request) {
            Some(Request::Written(draft)) => return Some(Ready::Draft(draft.clone())),
            Some(Request::Preset(id, given)) => (catalogue.preset(&credential.provider, id).ok()?, given),
            None => (check_preset(credential, catalogue)?, &nothing),
        };
        Some(match preset.draft(&[given, &credential.fields]) {
            Ok(draft) => Ready::Draft(draft),
            Err(_) => Ready::Open(Box::new(preset.clone())),
        })
    }

    /// Forgets what was chosen; the kind's check is shown again.
    pub fn reset_draft(&mut self) {
        self.chosen = None;
    }

    /// Waits for the answer to a request.
    pub fn wait(&mut self, task: TaskId, credential: CredentialId, now: Instant) {
        self.outcome = Outcome::Sending(task, credential, now);
        self.sent += 1;
        (self.search, self.scroll) = (None, 0);
    }

    /// Whether this task is to bring the answer.
    pub fn waits_for(&self, task: TaskId) -> bool {
        matches!(self.outcome, Outcome::Sending(asked, ..) if asked == task)
    }

    /// Takes the answer in. A body that is too large to be laid out at once comes back; `later` will bring it.
    pub fn answer(&mut self, mut exchange: Exchange, later: TaskId) -> Option<Large> {
        let (body, large) = match std::mem::replace(&mut exchange.answer.body, Body::Empty) {
            Body::Empty => (Laid::Empty, None),
            Body::Text(text) if text.len() > LAID_OUT_AT_ONCE => (Laid::Waiting(later), Some(Large(text))),
            Body::Text(text) => (Laid::Ready(Box::new(Document::parse(&text))), None),
            Body::Binary(bytes) => (Laid::Ready(Box::new(Document::parse(&dump(&bytes)))), None),
        };
        self.outcome = Outcome::Answered(Box::new(Answered { exchange, body }));
        large
    }

    /// A body has been laid out, if it is still the one that is waited for.
    pub fn lay(&mut self, task: TaskId, document: Document) {
        if let Outcome::Answered(answered) = &mut self.outcome
            && matches!(answered.body, Laid::Waiting(waiting) if waiting == task)
        {
            answered.body = Laid::Ready(Box::new(document));
        }
    }

    /// The request failed.
    pub fn fail(&mut self, problem: Problem) {
        if let Outcome::Sending(_, credential, _) = &self.outcome {
            self.outcome = Outcome::Failed(credential.clone(), problem);
        }
    }

    /// The request was cancelled.
    pub fn cancel(&mut self) {
        if let Outcome::Sending(_, credential, _) = &self.outcome {
            self.outcome = Outcome::Cancelled(credential.clone());
        }
    }

    /// What became of the last request, if it was sent with this credential.
    pub fn outcome_for(&self, credential: &CredentialId) -> &Outcome {
        let of = match &self.outcome {
            Outcome::Nothing => return &Outcome::Nothing,
            Outcome::Sending(_, of, _) | Outcome::Failed(of, _) | Outcome::Cancelled(of) => of,
            Outcome::Answered(answered) => &answered.exchange.credential,
        };
        if of == credential { &self.outcome } else { &Outcome::Nothing }
    }

    /// The answer to the last request.
    pub fn answered(&self) -> Option<&Answered> {
        match &self.outcome {
            Outcome::Answered(answered) => Some(answered),
            _ => None,
        }
    }

    /// The body, if it is there to be moved in.
    pub fn document(&mut self) -> Option<&mut Document> {
        match &mut self.outcome {
            Outcome::Answered(answered) => match &mut answered.body {
                Laid::Ready(document) => Some(document),
                Laid::Empty | Laid::Waiting(_) => None,
            },
            _ => None,
        }
    }
}

impl Answered {
    /// The answer in a line, such as `200 OK · 41 ms · 1.2 kB`: as much of it as fits into so many columns.
    pub fn summary(&self, columns: usize) -> String {
        let answer = &self.exchange.answer;
        let time = words::span(std::time::Duration::from_millis(answer.timing.total_ms));
        let status = format!("{} {}", answer.status, words::status(answer.status));
        let full = format!("{} · {time} · {}", status.trim_end(), words::size(answer.size));
        let fits = |end: &usize| full[..*end].chars().count() <= columns;
        let ends = full.match_indices(" · ").map(|(at, _)| at).chain([full.len()]);
        full[..ends.filter(fits).last().unwrap_or(3)].to_owned()
    }

    /// Headers or timing as names and values.
    pub fn pairs(&self, view: View) -> Vec<(String, String)> {
        let answer = &self.exchange.answer;
        match view {
            View::Body => Vec::new(),
            View::Headers => answer.headers.clone(),
            View::Timing => vec![
                ("first byte".to_owned(), format!("{} ms", answer.timing.first_byte_ms)),
                ("total".to_owned(), format!("{} ms", answer.timing.total_ms)),
                ("size".to_owned(), words::size(answer.size)),
                ("version".to_owned(), answer.version.clone()),
                ("from".to_owned(), answer.url.clone()),
                ("region".to_owned(), self.exchange.region.clone()),
            ],
        }
    }
}

/// The preset that tells whether a credential works.
pub fn check_preset<'a>(credential: &Credential, catalogue: &'a Catalogue) -> Option<&'a Preset> {
    let kind = catalogue.kind(&credential.provider, &credential.kind).ok()?;
    catalogue.preset(&credential.provider, &kind.check).ok()
}

/// Bytes as people read them: place, sixteen bytes, and what of them is text.
fn dump(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = format!("{} that are not text\n\n", words::size(bytes.len() as u64));
    for (row, chunk) in bytes.chunks(16).take(DUMPED / 16).enumerate() {
        let hex: Vec<_> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        let seen: String = chunk.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' }).collect();
        let _ = writeln!(text, "{:08x}  {:<47}  {seen}", row * 16, hex.join(" "));
    }
    if bytes.len() > DUMPED {
        let _ = writeln!(text, "…");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_dumped_in_rows() {
        let text = dump(b"GIF89a\x00\x01");
        assert!(text.contains("00000000  47 49 46 38 39 61 00 01"), "{text}");
        assert!(text.ends_with("GIF89a..\n"), "{text}");
    }
}
