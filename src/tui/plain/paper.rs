//! The terminal, or a pipe, as paper: lines go out one after another, and nothing that is written moves again.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::echo::Terminal;
use super::news::{self, News};
use crate::tui::app::talk::{Echo, Prompt};
use crate::tui::app::{App, Now};
use crate::tui::terminal::{Scope, Surface, stop};
use crate::tui::view;

/// A page is as long as it needs to be; this is what the state believes.
pub(super) const SIZE: (u16, u16) = (120, 50);

/// What was asked last, shared with the thread that reads the answer.
#[derive(Clone, Default)]
pub(super) struct Asked(Arc<Mutex<Question>>);

/// A question, and whether somebody listens.
#[derive(Default)]
struct Question {
    prompt: Option<Prompt>,
    listening: bool,
}

/// Where lines are written.
pub(super) struct Paper {
    news: News,
    asked: Asked,
    listen: Sender<()>,
    terminal: Terminal,
}

impl Asked {
    /// Takes the question away, since it was answered.
    pub(super) fn answered(&self) -> Option<Prompt> {
        let mut question = self.lock();
        question.listening = false;
        question.prompt.take()
    }

    /// Whether the answer must not be seen.
    pub(super) fn is_hidden(&self) -> bool {
        self.lock().prompt.as_ref().is_some_and(|prompt| prompt.echo == Echo::Hidden)
    }

    fn lock(&self) -> MutexGuard<'_, Question> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Paper {
    /// Paper whose questions are answered by a thread that waits for `listen`.
    pub(super) fn new(asked: Asked, listen: Sender<()>) -> Self {
        Self { news: News::default(), asked, listen, terminal: Terminal::find() }
    }

    /// Writes what is new and asks, in this order: nobody answers what has not been written.
    fn ask(&mut self, prompt: Prompt, news: &str, app: &App) -> io::Result<()> {
        let mut question = self.asked.lock();
        let withdrawn = if question.prompt.is_some() { "\n" } else { "" };
        self.terminal.echo(prompt.echo)?;
        write(&format!("{withdrawn}{news}{}", prompt.question), app)?;
        question.prompt = Some(prompt);
        if !std::mem::replace(&mut question.listening, true) {
            // Without a listener there is nobody to answer, and the loop hears of that by itself.
            let _ = self.listen.send(());
        }
        Ok(())
    }

    fn news(&mut self, app: &App, now: Now) -> String {
        self.news.tell(app, now).into_iter().map(|line| line + "\n").collect()
    }
}

impl Surface for Paper {
    fn size(&self) -> io::Result<(u16, u16)> {
        Ok(SIZE)
    }

    /// Tells what is new, and asks. While a question waits for its answer, nothing comes in between, unless it is
    /// another question by now.
    fn show(&mut self, app: &App, now: Now) -> io::Result<()> {
        let prompt = app.prompt(now);
        let waiting = self.asked.lock().prompt.clone();
        if waiting.is_some() && (prompt == waiting || prompt.is_none()) || news::is_reading(app) {
            return Ok(());
        }
        let news = self.news(app, now);
        match prompt {
            Some(prompt) => self.ask(prompt, &news, app),
            None => write(&news, app),
        }
    }

    fn leave(&mut self, app: &App, now: Now) -> io::Result<()> {
        self.terminal.echo(Echo::Shown)?;
        let withdrawn = if self.asked.lock().prompt.take().is_some() { "\n" } else { "" };
        let news = self.news(app, now);
        write(&format!("{withdrawn}{news}"), app)
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

    fn stop(&mut self, scope: Scope) -> bool {
        stop(scope)
    }
}

fn write(text: &str, app: &App) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let is_ascii = app.preferences.symbols.ellipsis.is_ascii();
    let text = if is_ascii { text.chars().map(view::plain).collect() } else { text.to_owned() };
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Repeats a line where the terminal does not show what is typed, so that a transcript can be read.
pub(super) fn repeat(line: &str, echo: Echo) -> io::Result<()> {
    if io::stdin().is_terminal() {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{}", if echo == Echo::Shown { line } else { "" })
}
