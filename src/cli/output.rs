//! The only file that writes to standard output and standard error.

use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use super::style::ColorMode;
use super::table::TextTable;
use crate::domain::Problem;
use crate::domain::problem::ProblemClass;
use crate::domain::text::{sanitize, sanitize_line};
use crate::engine::exec::OutputStream;

/// The cells of a progress bar.
const PROGRESS_BAR_WIDTH: usize = 24;

/// Where results and remarks go, and in which form.
pub(super) struct CliOutput {
    /// Whether results are JSON.
    pub json: bool,
    stdout_is_terminal: bool,
}

/// Whether progress, which is written over, is left out.
static PLAIN_MODE: AtomicBool = AtomicBool::new(false);

impl CliOutput {
    /// Output in the wanted form.
    pub(super) fn new(json: bool) -> Self {
        Self { json, stdout_is_terminal: io::stdout().is_terminal() }
    }

    /// Whether results go to a terminal, where a person reads them.
    pub(super) fn is_terminal(&self) -> bool {
        self.stdout_is_terminal
    }

    /// One JSON value on one line.
    #[expect(clippy::unused_self, reason = "whoever prints has an output")]
    pub(super) fn print_json(&self, value: &impl Serialize) -> Result<(), Problem> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        serde_json::to_writer(&mut out, value)
            .map_err(io::Error::from)
            .and_then(|()| finish_line(out))
            .or_else(ignore_broken_pipe)
    }

    /// Lines of text.
    #[expect(clippy::unused_self, reason = "whoever prints has an output")]
    pub(super) fn print_text(&self, text: &str) -> Result<(), Problem> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).or_else(ignore_broken_pipe)
    }

    /// Bytes exactly as they are; a line break is added only for a terminal.
    pub(super) fn write_bytes(&self, bytes: &[u8]) -> Result<(), Problem> {
        let mut out = io::stdout().lock();
        let mut written = out.write_all(bytes);
        if self.stdout_is_terminal && !bytes.ends_with(b"\n") {
            written = written.and_then(|()| out.write_all(b"\n"));
        }
        written.and_then(|()| out.flush()).or_else(ignore_broken_pipe)
    }

    /// How words are coloured in results.
    pub(super) fn color_mode(&self) -> ColorMode {
        ColorMode::detect(self.stdout_is_terminal)
    }

    /// A table, in the width of the terminal.
    pub(super) fn print_table(&self, table: &TextTable) -> Result<(), Problem> {
        let width = if self.stdout_is_terminal { terminal_width() } else { usize::MAX };
        let mut out = io::BufWriter::new(io::stdout().lock());
        table
            .render_lines(width, self.color_mode())
            .try_for_each(|line| writeln!(out, "{line}"))
            .and_then(|()| out.flush())
            .or_else(ignore_broken_pipe)
    }

    /// A remark for the person, on standard error; silent in JSON mode, so that scripts see only what they asked for.
    pub(super) fn note(&self, text: &str) {
        if !self.json {
            let _ = writeln!(io::stderr(), "{}", sanitize(text));
        }
    }

    /// A problem, on standard error, and the exit code of its class.
    pub(super) fn print_problem(&self, problem: &Problem) -> ExitCode {
        let _ = if self.json {
            writeln!(io::stderr(), "{}", serde_json::json!({ "error": problem }))
        } else {
            let error = ColorMode::detect(io::stderr().is_terminal()).paint_state("error:");
            let [what, why, remedy] =
                [&problem.what, &problem.why, &problem.remedy].map(|text| sanitize(text));
            writeln!(io::stderr(), "{error} {what}\n  why: {why}\n  fix: {remedy}")
        };
        ExitCode::from(problem.class.exit_code())
    }
}

/// A path on one line, without what would steer the terminal.
pub(super) fn display_path(path: &Path) -> String {
    sanitize_line(&path.to_string_lossy())
}

/// Passes on what a child wrote.
pub(super) fn forward_child_output(stream: OutputStream, bytes: &[u8]) -> io::Result<()> {
    match stream {
        OutputStream::Stdout => {
            let mut out = io::stdout().lock();
            out.write_all(bytes).and_then(|()| out.flush())
        }
        OutputStream::Stderr => io::stderr().write_all(bytes),
    }
}

/// A piece of a result that is still growing; `Break` where nobody reads on.
pub(super) fn write_partial(text: &str) -> Result<ControlFlow<()>, Problem> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        written => written.or_else(ignore_broken_pipe).map(ControlFlow::Continue),
    }
}

/// One of several results that may hold anything. To a terminal goes nothing that it would obey; to a pipe, what there is.
pub(super) fn write_result_line(text: &str) -> Result<ControlFlow<()>, Problem> {
    if io::stdout().is_terminal() {
        write_partial(&format!("{}\n", sanitize(text)))
    } else {
        write_partial(&format!("{text}\n"))
    }
}

/// From now on, nothing that was written is written over: whoever listens to a terminal hears it all.
pub(super) fn enable_plain_mode() {
    PLAIN_MODE.store(true, Ordering::Relaxed);
}

/// Shows a short text in place of the last one, where a terminal is there to show it.
pub(super) fn show_progress(text: &str) {
    let mut error = io::stderr();
    if error.is_terminal() && !PLAIN_MODE.load(Ordering::Relaxed) {
        let _ = write!(error, "\r\x1b[K{text}").and_then(|()| error.flush());
    }
}

/// Shows how far something is, as a bar, where a terminal is there to show it.
pub(super) fn show_progress_bar(what: &str, done: usize, total: usize) {
    let filled = done * PROGRESS_BAR_WIDTH / total.max(1);
    show_progress(&format!(
        "{what} {}{} {done} of {total}",
        "█".repeat(filled),
        "░".repeat(PROGRESS_BAR_WIDTH - filled)
    ));
}

/// Help, version, or a usage error of the argument parser.
pub(super) fn print_parse_error(error: &clap::Error, json: bool) -> ExitCode {
    if !error.use_stderr() {
        let printed = error.print().and_then(|()| io::stdout().flush()).or_else(ignore_broken_pipe);
        return printed.map_or_else(
            |problem| CliOutput::new(json).print_problem(&problem),
            |()| ExitCode::SUCCESS,
        );
    }
    if !json {
        let _ = error.print();
        return ExitCode::from(ProblemClass::Usage.exit_code());
    }
    let text = error.render().to_string();
    let why = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let problem =
        Problem::new("The command line was not understood", why, "see `tokenring --help`")
            .with_class(ProblemClass::Usage);
    CliOutput { json: true, stdout_is_terminal: false }.print_problem(&problem)
}

/// The columns and rows of the terminal, where results go to one.
pub(super) fn terminal_size() -> Option<(u16, u16)> {
    io::stdout().is_terminal().then(crossterm::terminal::size)?.ok()
}

fn terminal_width() -> usize {
    // A terminal that does not know its size says 0.
    let size = crossterm::terminal::size().ok().filter(|(columns, _)| *columns > 0);
    size.map_or(usize::MAX, |(columns, _)| usize::from(columns).max(20))
}

fn finish_line(mut out: impl Write) -> io::Result<()> {
    out.write_all(b"\n").and_then(|()| out.flush())
}

/// A reader that went away (`| head`) is no error; anything else is.
#[expect(clippy::needless_pass_by_value, reason = "it stands behind `or_else`")]
fn ignore_broken_pipe(error: io::Error) -> Result<(), Problem> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        Ok(())
    } else {
        Err(output_write_problem(&error))
    }
}

/// The result, or what a command wrote, did not get to where it was to go.
pub(super) fn output_write_problem(error: &io::Error) -> Problem {
    Problem::new(
        "The result could not be written",
        error.to_string(),
        "check the disk or the program that reads it",
    )
}
