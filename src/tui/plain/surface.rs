//! The terminal, or a pipe, as paper: lines go out one after another, and nothing that is written moves again.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::announce::{self, Announcer};
use super::echo::EchoGuard;
use crate::tui::app::conversation::{EchoMode, TextPrompt};
use crate::tui::app::{App, Now};
use crate::tui::terminal::{ScreenSurface, SuspendScope, stop_process};
use crate::tui::view;

/// A page is as long as it needs to be; this is what the state believes.
pub(super) const VIRTUAL_SIZE: (u16, u16) = (120, 50);

/// What was asked last, shared with the thread that reads the answer.
#[derive(Clone, Default)]
pub(super) struct SharedPrompt(Arc<Mutex<PromptState>>);

/// A question, and whether somebody listens.
#[derive(Default)]
struct PromptState {
    prompt: Option<TextPrompt>,
    is_reader_waiting: bool,
}

/// Where lines are written.
pub(super) struct PlainTextSurface {
    announcer: Announcer,
    shared_prompt: SharedPrompt,
    read_requests: Sender<()>,
    echo_guard: EchoGuard,
}

impl SharedPrompt {
    /// Takes the question away, since it was answered.
    pub(super) fn take_prompt(&self) -> Option<TextPrompt> {
        let mut question = self.lock();
        question.is_reader_waiting = false;
        question.prompt.take()
    }

    /// Whether the answer must not be seen.
    pub(super) fn is_echo_hidden(&self) -> bool {
        self.lock().prompt.as_ref().is_some_and(|prompt| prompt.echo == EchoMode::Hidden)
    }

    fn lock(&self) -> MutexGuard<'_, PromptState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PlainTextSurface {
    /// Paper whose questions are answered by a thread that waits for `listen`.
    pub(super) fn new(asked: SharedPrompt, listen: Sender<()>) -> Self {
        Self {
            announcer: Announcer::default(),
            shared_prompt: asked,
            read_requests: listen,
            echo_guard: EchoGuard::new(),
        }
    }

    /// Writes what is new and asks, in this order: nobody answers what has not been written.
    fn write_prompt(&mut self, prompt: TextPrompt, news: &str, app: &App) -> io::Result<()> {
        let mut question = self.shared_prompt.lock();
        let withdrawn = if question.prompt.is_some() { "\n" } else { "" };
        self.echo_guard.set_echo(prompt.echo)?;
        write_output(&format!("{withdrawn}{news}{}", prompt.question), app)?;
        question.prompt = Some(prompt);
        if !std::mem::replace(&mut question.is_reader_waiting, true) {
            // Without a listener there is nobody to answer, and the loop hears of that by itself.
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

    /// Tells what is new, and asks. While a question waits for its answer, nothing comes in between, unless it is
    /// another question by now.
    fn draw(&mut self, app: &App, now: Now) -> io::Result<()> {
        let prompt = app.next_prompt(now);
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

    /// The question is asked again with the next look at the state.
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

/// Repeats a line where the terminal does not show what is typed, so that a transcript can be read.
pub(super) fn echo_line(line: &str, echo: EchoMode) -> io::Result<()> {
    if io::stdin().is_terminal() {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{}", if echo == EchoMode::Visible { line } else { "" })
}
