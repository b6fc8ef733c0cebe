//! Reader thread of the terminal on Windows: crossterm's events, translated for the screen.
//!
//! Start at [`spawn_reader`].

use std::sync::Arc;

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use tokio::sync::mpsc::UnboundedSender;

use super::InputPause;
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::tui::app::{InputEvent, MouseInput};

/// Reads the terminal on a separate thread and sends the user's input.
pub(in crate::tui) fn spawn_reader(
    inputs: UnboundedSender<InputEvent>,
    pause: Arc<InputPause>,
    _awaits_background: bool,
) -> std::io::Result<()> {
    let read = move || {
        while let Ok(event) = crossterm::event::read() {
            if translate(event).is_some_and(|input| inputs.send(input).is_err()) {
                return;
            }
            pause.wait_while_paused();
        }
    };
    std::thread::Builder::new().name("input".into()).spawn(read).map(drop)
}

/// Translates an event of the terminal; `None` for events that the screen does not use.
fn translate(event: Event) -> Option<InputEvent> {
    match event {
        Event::Key(key) => translate_key(key).map(InputEvent::Key),
        Event::Mouse(mouse) => translate_mouse(mouse),
        Event::Paste(text) => Some(InputEvent::Paste(text.into())),
        Event::Resize(columns, rows) => Some(InputEvent::Resize(columns, rows)),
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
