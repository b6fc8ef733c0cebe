//! The screen: the loop, the terminal and the mapping of input. The composition root of [`app`] and [`view`].

pub mod app;
pub mod view;

use std::sync::Arc;

use crate::domain::Credential;
use crate::domain::problem::Problem;
use crate::engine::Engine;

/// Shows the screen until the person leaves; returns the exit code (0, or 128 + signal).
pub async fn run(_engine: Arc<Engine>, _credentials: Vec<Credential>) -> Result<u8, Problem> {
    unimplemented!("spine")
}
