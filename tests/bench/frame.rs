//! Benchmark of one frame without a terminal: the cost of drawing alone, and that it does not grow
//! with the length of the list. Start with [`measure`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, List, ListState, Paragraph};
use time::OffsetDateTime;
use tokenring::config::KeyPress;
use tokenring::database::Database;
use tokenring::domain::Credential;
use tokenring::domain::provider::ProviderCatalog;
use tokenring::engine::background::protocol::CredentialPage;
use tokenring::tui::app::{App, InitialState, InputEvent, Message, Now, UiSettings, update};
use tokenring::tui::view;

use crate::table;
use crate::times::{alternate, timed};
use crate::world::Home;

const SIZE: (u16, u16) = (200, 50);
const FRAMES: usize = 400;

/// Measures a frame after a key, for lists of several lengths.
pub(crate) fn measure() {
    let mut few = ProgramScreen::with(100);
    for (count, what) in [(1_000, "1,000"), (10_000, "10,000"), (100_000, "100,000")] {
        let (mut many, mut bare) = (ProgramScreen::with(count), BaselineScreen::with(count));
        let (taken, beside) = alternate(FRAMES, || many.frame(), || bare.frame());
        table::ratio(
            &format!("one frame 200×50, {what} credentials"),
            &taken,
            ("bare ratatui", &beside),
            1.5,
        );
        let (taken, beside) = alternate(FRAMES, || many.frame(), || few.frame());
        table::ratio(
            &format!("one frame, {what} credentials"),
            &taken,
            ("100 credentials", &beside),
            1.1,
        );
    }
}

/// The screen of the program, drawn into memory.
struct ProgramScreen {
    app: App,
    terminal: Terminal<TestBackend>,
    keys: usize,
}

/// Baseline: draws the rows of the list and two further panes, and nothing else.
struct BaselineScreen {
    rows: Vec<Credential>,
    terminal: Terminal<TestBackend>,
    cursor: usize,
}

impl ProgramScreen {
    fn with(count: u32) -> Self {
        let start = InitialState {
            first_page: CredentialPage { credentials: credentials(count), all_loaded: true },
            catalog: Arc::new(ProviderCatalog::builtin()),
            size: SIZE,
            preferences: UiSettings::default(),
            layout: tokenring::config::PaneLayout::default(),
        };
        Self { app: App::start(start, now()).0, terminal: terminal(), keys: 0 }
    }

    /// Handles one key and draws the frame that shows its effect.
    fn frame(&mut self) -> Duration {
        self.keys += 1;
        let key = KeyPress::parse(if self.keys % 80 < 40 { "j" } else { "k" }).unwrap();
        timed(|| {
            update(&mut self.app, Message::Input(InputEvent::Key(key)), now());
            self.terminal.draw(|frame| view::draw(&self.app, frame.buffer_mut(), now())).unwrap();
        })
    }
}

impl BaselineScreen {
    fn with(count: u32) -> Self {
        Self { rows: credentials(count), terminal: terminal(), cursor: 0 }
    }

    fn frame(&mut self) -> Duration {
        self.cursor = (self.cursor + 1) % usize::from(SIZE.1 - 2);
        let (rows, cursor) = (&self.rows, self.cursor);
        timed(|| {
            let draw = |frame: &mut ratatui::Frame<'_>| {
                let [left, right] =
                    Layout::horizontal([Constraint::Percentage(60), Constraint::Percentage(40)])
                        .areas(frame.area());
                let [above, below] =
                    Layout::vertical([Constraint::Percentage(40), Constraint::Percentage(60)])
                        .areas(right);
                let list = List::new(rows.iter().take(left.height.into()).map(line))
                    .block(Block::bordered().title("Credentials"));
                let list = list.highlight_style(Style::new().bg(Color::Blue));
                frame.render_stateful_widget(
                    list,
                    left,
                    &mut ListState::default().with_selected(Some(cursor)),
                );
                for (area, title) in [(above, "Detail"), (below, "Console")] {
                    let text = format!(
                        "{} {} {}",
                        rows[cursor].name, rows[cursor].region, rows[cursor].id
                    );
                    frame.render_widget(
                        Paragraph::new(text).block(Block::bordered().title(title)),
                        area,
                    );
                }
            };
            self.terminal.draw(draw).unwrap();
        })
    }
}

fn line(row: &Credential) -> Line<'_> {
    let expires = row.expires.map_or_else(String::new, |end| {
        format!("{} d", (end - OffsetDateTime::now_utc()).whole_days())
    });
    let verdict = row.last_check.as_ref().map_or("", |check| check.result.as_str());
    let spans = [
        ("●", Color::Green),
        (row.name.as_str(), Color::White),
        (&row.region, Color::Gray),
        (verdict, Color::Gray),
    ];
    let spans = spans.map(|(text, color)| Span::styled(format!("{text} "), color));
    spans.into_iter().chain([Span::raw(expires)]).collect()
}

fn credentials(count: u32) -> Vec<Credential> {
    Database::open(&Home::with_credentials(count).index()).unwrap().credentials().unwrap()
}

fn terminal() -> Terminal<TestBackend> {
    Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).unwrap()
}

fn now() -> Now {
    Now { instant: Instant::now(), wall: OffsetDateTime::now_utc() }
}
