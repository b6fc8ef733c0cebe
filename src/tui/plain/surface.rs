//! Plain-text surface: lines are printed one after another to a terminal or a pipe, and nothing
//! printed is overwritten.
//!
//! Start reading at [`PlainTextSurface::draw`].

use std::io;
use std::io::{IsTerminal as _, Write as _};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::tui::app::conversation::{EchoMode, TextPrompt};
use crate::tui::app::{App, Now, conversation};
use crate::tui::plain::announce;
use crate::tui::plain::announce::Announcer;
use crate::tui::plain::echo::EchoGuard;
use crate::tui::terminal::{ScreenSurface, SuspendScope, stop_process};
use crate::tui::terminal_line::{discard_unread_input, print_secret_line};
use crate::tui::view;

/// Size that the state assumes. A printed page is as long as it needs to be.
pub(super) const VIRTUAL_SIZE: (u16, u16) = (120, 50);

/// Question that was asked last, shared with the reader thread.
#[derive(Clone, Default)]
pub(super) struct SharedPrompt(Arc<Mutex<PromptState>>);

/// Question, and whether the reader waits for a line.
#[derive(Default)]
struct PromptState {
    prompt: Option<TextPrompt>,
    is_reader_waiting: bool,
}

/// Surface that prints lines.
pub(super) struct PlainTextSurface {
    announcer: Announcer,
    shared_prompt: SharedPrompt,
    read_requests: Sender<()>,
    echo_guard: EchoGuard,
}

impl SharedPrompt {
    /// Takes the question, because a line was entered.
    pub(super) fn take_prompt(&self) -> Option<TextPrompt> {
        let mut state = self.lock();
        state.is_reader_waiting = false;
        state.prompt.take()
    }

    /// Returns whether the typed text must be hidden.
    pub(super) fn is_echo_hidden(&self) -> bool {
        self.lock().prompt.as_ref().is_some_and(|prompt| prompt.echo == EchoMode::Hidden)
    }

    fn lock(&self) -> MutexGuard<'_, PromptState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PlainTextSurface {
    /// Creates a surface. A message on `read_requests` makes the reader thread read a line.
    pub(super) fn new(shared_prompt: SharedPrompt, read_requests: Sender<()>) -> Self {
        Self {
            announcer: Announcer::default(),
            shared_prompt,
            read_requests,
            echo_guard: EchoGuard::new(),
        }
    }

    /// Prints the changes, a generated secret, then the question, in this order: the user must not respond to unprinted
    /// text.
    fn write_prompt(&mut self, prompt: TextPrompt, news: &str, app: &App) -> io::Result<()> {
        let mut state = self.shared_prompt.lock();
        let withdrawn = if state.prompt.is_some() { "\n" } else { "" };
        self.echo_guard.set_echo(prompt.echo)?;
        write_output(&format!("{withdrawn}{news}"), app)?;
        if let Some(secret) = self.announcer.take_secret() {
            print_secret_line(&secret)?;
        }
        write_output(&prompt.question, app)?;
        state.prompt = Some(prompt);
        if !std::mem::replace(&mut state.is_reader_waiting, true) {
            // Without a reader there is no input, and the event loop learns that by itself.
            let _ = self.read_requests.send(());
        }
        Ok(())
    }

    fn pending_lines(&mut self, app: &App, now: Now) -> String {
        self.announcer.announce_changes(app, now).into_iter().map(|line| line + "\n").collect()
    }
}

impl ScreenSurface for PlainTextSurface {
    fn size(&self) -> io::Result<(u16, u16)> {
        Ok(VIRTUAL_SIZE)
    }

    /// Prints the changes and asks the next question. While a question waits for its line, nothing
    /// is printed, unless the question has changed.
    fn draw(&mut self, app: &App, now: Now) -> io::Result<()> {
        let prompt = conversation::next_prompt(app, now);
        let waiting = self.shared_prompt.lock().prompt.clone();
        if waiting.is_some() && (prompt == waiting || prompt.is_none())
            || announce::is_body_loading(app)
        {
            return Ok(());
        }
        let news = self.pending_lines(app, now);
        match prompt {
            Some(prompt) => self.write_prompt(prompt, &news, app),
            None => write_output(&news, app),
        }
    }

    fn leave(&mut self, app: &App, now: Now) -> io::Result<()> {
        self.echo_guard.set_echo(EchoMode::Visible)?;
        discard_unread_input();
        let withdrawn = if self.shared_prompt.lock().prompt.take().is_some() { "\n" } else { "" };
        let news = self.pending_lines(app, now);
        write_output(&format!("{withdrawn}{news}"), app)
    }

    fn invalidate(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn set_mouse(&mut self, _on: bool) -> io::Result<()> {
        Ok(())
    }

    /// The question is asked again at the next draw.
    fn enter(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn stop_process(&mut self, scope: SuspendScope) -> bool {
        stop_process(scope)
    }
}

fn write_output(text: &str, app: &App) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let is_ascii = app.preferences.symbols.ellipsis.is_ascii();
    let text = if is_ascii { text.chars().map(view::to_ascii).collect() } else { text.to_owned() };
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Repeats a line where the terminal does not echo it, so that a transcript is readable.
pub(super) fn echo_line(line: &str, echo: EchoMode) -> io::Result<()> {
    if io::stdin().is_terminal() {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{}", if echo == EchoMode::Visible { line } else { "" })
}
