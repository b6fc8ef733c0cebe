//! The empty program: the smallest ratatui program that draws three panes. It is the baseline for
//! every figure of the screen.

use std::io::{self, Write as _};

use crossterm::event::{Event, KeyCode, read};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Constraint, Layout};
use ratatui::widgets::{Block, Paragraph};
use ratatui::{Frame, Terminal};

/// Draws three panes, redraws them after every key, and ends at `q`.
pub(crate) fn run() -> io::Result<()> {
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen)?;
    let mut terminal =
        Terminal::new(CrosstermBackend::new(io::BufWriter::with_capacity(1 << 16, io::stdout())))?;
    let mut keys = 0_u32;
    loop {
        queue!(terminal.backend_mut(), BeginSynchronizedUpdate)?;
        terminal.draw(|frame| draw(frame, keys))?;
        queue!(terminal.backend_mut(), EndSynchronizedUpdate)?;
        io::Write::flush(terminal.backend_mut())?;
        keys += 1;
        if let Event::Key(key) = read()?
            && key.code == KeyCode::Char('q')
        {
            break;
        }
    }
    execute!(io::stdout(), LeaveAlternateScreen)?;
    disable_raw_mode()?;
    io::stdout().flush()
}

fn draw(frame: &mut Frame<'_>, keys: u32) {
    let [left, right] =
        Layout::horizontal([Constraint::Percentage(30), Constraint::Percentage(70)])
            .areas(frame.area());
    let [above, below] =
        Layout::vertical([Constraint::Percentage(40), Constraint::Percentage(60)]).areas(right);
    for (area, title) in [(left, "one"), (above, "two"), (below, "three")] {
        frame.render_widget(
            Paragraph::new(format!("{keys} keys")).block(Block::bordered().title(title)),
            area,
        );
    }
}
