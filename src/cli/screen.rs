//! `tokenring` without a verb: the screen.

use std::io::IsTerminal as _;
use std::sync::Arc;

use super::context::Context;
use crate::config::Memory;
use crate::domain::Problem;
use crate::domain::problem::Class;
use crate::engine::Engine;
use crate::tui;

/// Shows the screen on the person's own keyring.
pub(super) async fn run(context: &Context<'_>) -> Result<u8, Problem> {
    let engine = Arc::clone(context.engine()?);
    show(context, engine, Memory::File(context.paths.layout())).await
}

/// Shows the screen on the given engine, until the person leaves.
pub(super) async fn show(context: &Context<'_>, engine: Arc<Engine>, memory: Memory) -> Result<u8, Problem> {
    if context.settings.plain {
        return tui::converse(engine, context.wishes()).await;
    }
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        let why = "standard input or output is not a terminal";
        return Err(Problem::new(
            "The screen cannot be shown",
            why,
            "run it in a terminal, tell it in lines of text with --plain, or use the commands of `tokenring --help`",
        )
        .of(Class::Usage));
    }
    tui::run(engine, context.wishes(), memory).await
}
