//! Terminal input: reads events and translates them for the screen.
//!
//! Start reading at [`spawn_reader`] and [`translate`].

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use tokio::sync::mpsc::UnboundedSender;

use super::app::{InputEvent, MouseInput};
use super::background_query::{BackgroundColorQuery, QueryOutcome};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;

/// How long to wait for the reader to pause before another program gets the terminal.
const PAUSE_TIMEOUT: Duration = Duration::from_millis(500);

/// Gate that the terminal reader passes after each event; closed while another program reads the
/// terminal.
#[derive(Default)]
pub(super) struct InputPause {
    state: Mutex<PauseState>,
    changed: Condvar,
}

/// State of the gate, and whether the reader waits at it.
#[derive(Default)]
struct PauseState {
    is_paused: bool,
    is_reader_waiting: bool,
}

impl InputPause {
    /// Closes the gate and waits until the reader waits at it.
    ///
    /// The signal of a size change wakes the reader, because nothing else ends a read without
    /// consuming input.
    pub(super) fn pause(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_paused = true;
        wake_reader();
        let waited =
            self.changed.wait_timeout_while(state, PAUSE_TIMEOUT, |state| !state.is_reader_waiting);
        if waited.is_ok_and(|(_, waited)| waited.timed_out()) {
            tracing::warn!("the reader did not pause while another program uses the terminal");
        }
    }

    /// Opens the gate.
    pub(super) fn resume(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).is_paused = false;
        self.changed.notify_all();
    }

    fn wait_while_paused(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_reader_waiting = true;
        self.changed.notify_all();
        let passed = self.changed.wait_while(state, |state| state.is_paused);
        passed.unwrap_or_else(PoisonError::into_inner).is_reader_waiting = false;
    }
}

#[cfg(unix)]
fn wake_reader() {
    use rustix::process::{Signal, getpid, kill_process};
    if let Err(error) = kill_process(getpid(), Signal::WINCH) {
        tracing::warn!(%error, "the terminal reader cannot be woken");
    }
}

#[cfg(not(unix))]
fn wake_reader() {}

/// Reads the terminal on a separate thread and sends the user's input.
///
/// The thread matters: when the terminal is closed, crossterm's reader loops and never returns. So
/// the reader may hang, but never the screen; the signal watcher reports the closed terminal.
pub(super) fn spawn_reader(
    inputs: UnboundedSender<InputEvent>,
    pause: Arc<InputPause>,
    mut query: BackgroundColorQuery,
) -> std::io::Result<()> {
    let read = move || {
        while let Ok(event) = crossterm::event::read() {
            let inputs_read: Vec<_> = match query.handle_event(event) {
                QueryOutcome::Typed(events) => events.into_iter().filter_map(translate).collect(),
                QueryOutcome::Response(background) => {
                    background.map(InputEvent::Background).into_iter().collect()
                }
            };
            if inputs_read.into_iter().any(|input| inputs.send(input).is_err()) {
                return;
            }
            pause.wait_while_paused();
        }
    };
    std::thread::Builder::new().name("input".into()).spawn(read).map(drop)
}

/// Translates an event of the terminal; `None` for events that the screen does not use.
pub(super) fn translate(event: Event) -> Option<InputEvent> {
    match event {
        Event::Key(key) => translate_key(key).map(InputEvent::Key),
        Event::Mouse(mouse) => translate_mouse(mouse),
        Event::Paste(text) => Some(InputEvent::Paste(text.into())),
        // On Unix the signal watcher reports resizes, and it listens from before the first frame.
        Event::Resize(columns, rows) => (!cfg!(unix)).then_some(InputEvent::Resize(columns, rows)),
        Event::FocusGained => Some(InputEvent::Focus(true)),
        Event::FocusLost => Some(InputEvent::Focus(false)),
    }
}

fn translate_key(event: KeyEvent) -> Option<KeyPress> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let mut key = KeyPress::without_modifiers(translate_code(event.code)?);
    key.ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    key.alt = event.modifiers.contains(KeyModifiers::ALT);
    match &mut key.code {
        KeySymbol::Char(c) if key.ctrl => c.make_ascii_lowercase(),
        KeySymbol::Char(_) => {}
        _ => {
            key.shift =
                event.modifiers.contains(KeyModifiers::SHIFT) || event.code == KeyCode::BackTab;
        }
    }
    Some(key)
}

fn translate_code(code: KeyCode) -> Option<KeySymbol> {
    Some(match code {
        KeyCode::Char(c) => KeySymbol::Char(c),
        KeyCode::Enter => KeySymbol::Enter,
        KeyCode::Esc => KeySymbol::Esc,
        KeyCode::Tab | KeyCode::BackTab => KeySymbol::Tab,
        KeyCode::Backspace => KeySymbol::Backspace,
        KeyCode::Delete => KeySymbol::Delete,
        KeyCode::Insert => KeySymbol::Insert,
        KeyCode::Up => KeySymbol::Up,
        KeyCode::Down => KeySymbol::Down,
        KeyCode::Left => KeySymbol::Left,
        KeyCode::Right => KeySymbol::Right,
        KeyCode::Home => KeySymbol::Home,
        KeyCode::End => KeySymbol::End,
        KeyCode::PageUp => KeySymbol::PageUp,
        KeyCode::PageDown => KeySymbol::PageDown,
        KeyCode::F(n) => KeySymbol::F(n),
        _ => return None,
    })
}

fn translate_mouse(event: MouseEvent) -> Option<InputEvent> {
    let mouse = match event.kind {
        MouseEventKind::Down(MouseButton::Left) => MouseInput::Press,
        MouseEventKind::Drag(MouseButton::Left) => MouseInput::Drag,
        MouseEventKind::Up(MouseButton::Left) => MouseInput::Release,
        MouseEventKind::ScrollUp => MouseInput::ScrollUp,
        MouseEventKind::ScrollDown => MouseInput::ScrollDown,
        _ => return None,
    };
    Some(InputEvent::Mouse(mouse, event.column, event.row))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> Option<String> {
        match translate(Event::Key(KeyEvent::new(code, modifiers))) {
            Some(InputEvent::Key(key)) => Some(key.to_string()),
            _ => None,
        }
    }

    #[test]
    fn keys_are_named_as_people_write_them() {
        let (none, shift, ctrl) = (KeyModifiers::NONE, KeyModifiers::SHIFT, KeyModifiers::CONTROL);
        for (code, modifiers, name) in [
            (KeyCode::Char('j'), none, "j"),
            (KeyCode::Char('G'), shift, "G"),
            (KeyCode::Char('?'), shift, "?"),
            (KeyCode::Char('p'), ctrl, "C-p"),
            (KeyCode::Char('P'), ctrl | shift, "C-p"),
            (KeyCode::Char('x'), KeyModifiers::ALT, "A-x"),
            (KeyCode::BackTab, shift, "S-Tab"),
            (KeyCode::BackTab, none, "S-Tab"),
            (KeyCode::Up, shift, "S-Up"),
            (KeyCode::PageDown, none, "PgDn"),
            (KeyCode::F(5), none, "F5"),
        ] {
            assert_eq!(key(code, modifiers).as_deref(), Some(name));
        }
        assert_eq!(key(KeyCode::CapsLock, none), None);
    }

    #[test]
    fn a_released_key_says_nothing() {
        let release =
            KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(translate(Event::Key(release)), None);
    }

    #[test]
    fn the_mouse_is_its_left_button_and_its_wheel() {
        let event = |kind| MouseEvent { kind, column: 3, row: 4, modifiers: KeyModifiers::NONE };
        assert_eq!(
            translate(Event::Mouse(event(MouseEventKind::Down(MouseButton::Left)))),
            Some(InputEvent::Mouse(MouseInput::Press, 3, 4))
        );
        assert_eq!(
            translate(Event::Mouse(event(MouseEventKind::ScrollDown))),
            Some(InputEvent::Mouse(MouseInput::ScrollDown, 3, 4))
        );
        assert_eq!(translate(Event::Mouse(event(MouseEventKind::Down(MouseButton::Right)))), None);
        assert_eq!(translate(Event::Mouse(event(MouseEventKind::Moved))), None);
    }
}
