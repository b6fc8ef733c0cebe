//! The screen in lines of text, for screen readers and terminals that cannot do more: the same state, the same commands
//! and the same dialogs, told and asked one after another. No cursor is moved and no colour is set.
//!
//! [`paper`] is a second surface beside the terminal of cells: what [`news`] finds changed is written, and what the state
//! asks ([`crate::tui::app::talk`]) is asked. A thread reads the answer, and the loop takes it in like any other input.

mod echo;
mod news;
mod pages;
mod paper;
mod reader;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::mpsc::channel;

use paper::{Asked, Paper};

use super::app::{InitialState, StartupScreen, UiSettings};
use super::{Loop, Parts, Wishes, inbox, panics, preferences, unusable, watch};
use crate::config::{LayoutStore, PaneLayout};
use crate::domain::Problem;
use crate::engine::Engine;

/// Talks until the person leaves; returns the exit code (0, or 128 + signal). Works on a pipe as well.
pub async fn converse(engine: Arc<Engine>, wishes: Wishes) -> Result<u8, Problem> {
    let beginning = engine.first_credentials(paper::SIZE.1)?;
    let (doors, inbox) = inbox();
    let _panics = panics::PanicGuard::new(doors.notices.clone());
    let watch = watch::Watch::new(doors.notices.clone(), watch::Interrupt::Asks).map_err(|error| unusable(&error))?;
    watch.start(wishes.folder().map(std::path::Path::to_owned)).map_err(|error| unusable(&error))?;
    let (asked, (listen, questions)) = (Asked::default(), channel());
    reader::start(asked.clone(), questions, doors.inputs.clone()).map_err(|error| unusable(&error))?;
    let surface = Paper::new(asked, listen);
    let size = paper::SIZE;
    let start = InitialState {
        first_page: beginning,
        catalog: Arc::clone(&engine.catalog),
        size,
        preferences: UiSettings { startup_screen: StartupScreen::EmptyList, ..preferences(&wishes.reading.settings) },
        layout: PaneLayout::default(),
    };
    Ok(Loop::run(Parts { engine, start, surface, memory: LayoutStore::Disabled, wishes, inbox: (doors, inbox) }).await)
}
