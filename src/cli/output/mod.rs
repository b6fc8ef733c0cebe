//! Output of the command line. This is the only file that writes to standard output and standard
//! error.
//!
//! Results go to standard output; notes, progress and problems go to standard error. Start reading
//! at [`CliOutput`].

pub(super) mod json;
pub(super) mod junit;
pub(super) mod secret_arguments;
pub(super) mod style;
pub(super) mod table;

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use crate::cli::output::json::format_json;
use crate::cli::output::secret_arguments::{mask_arguments, process_arguments};
use crate::cli::output::style::{ColorMode, TextTone};
use crate::cli::output::table::TextTable;
use crate::domain::Problem;
use crate::domain::problem::ProblemClass;
use crate::domain::text::{is_unprintable, sanitize, sanitize_line};
use crate::engine::background::protocol::EraseOutcome;
use crate::engine::exec::OutputStream;

/// Width of a progress bar in cells.
const PROGRESS_BAR_WIDTH: usize = 24;

/// Output of results and notes in the requested format.
#[derive(Clone)]
pub(super) struct CliOutput {
    /// Whether results are printed as JSON.
    pub json: bool,
    stdout_is_terminal: bool,
}

/// Whether plain-text mode is on, in which progress that overwrites itself is omitted.
static PLAIN_MODE: AtomicBool = AtomicBool::new(false);

/// Compact JSON in which characters that would control a terminal are escaped, as in `\u009b`. The
/// values stay the same for every reader.
struct EscapingFormatter {
    /// Whether parts that are JSON already are written as they are.
    keeps_raw_parts: bool,
}

impl serde_json::ser::Formatter for EscapingFormatter {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        write_escaped(writer, fragment)
    }

    fn write_raw_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if self.keeps_raw_parts {
            writer.write_all(fragment.as_bytes())
        } else {
            write_escaped(writer, fragment)
        }
    }
}

/// Writes a piece of JSON. Only strings can contain such characters, apart from line breaks and
/// tabs.
fn write_escaped<W: ?Sized + Write>(writer: &mut W, fragment: &str) -> io::Result<()> {
    // Most text is plain; a long list has megabytes of it.
    if fragment.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return writer.write_all(fragment.as_bytes());
    }
    let mut written = 0;
    for (at, c) in fragment.char_indices() {
        if is_unprintable(c) && !c.is_ascii_whitespace() {
            writer.write_all(&fragment.as_bytes()[written..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            written = at + c.len_utf8();
        }
    }
    writer.write_all(&fragment.as_bytes()[written..])
}

fn escaped_json(value: &serde_json::Value) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(
        &mut bytes,
        EscapingFormatter { keeps_raw_parts: false },
    );
    value
        .serialize(&mut serializer)
        .map_or_else(|error| error.to_string(), |()| String::from_utf8_lossy(&bytes).into_owned())
}

impl CliOutput {
    /// Creates the output, as JSON or as text.
    pub(super) fn new(json: bool) -> Self {
        Self { json, stdout_is_terminal: io::stdout().is_terminal() }
    }

    /// Returns whether standard output is a terminal, where a user reads the results.
    pub(super) fn is_terminal(&self) -> bool {
        self.stdout_is_terminal
    }

    /// Prints one JSON value on one line. A part that a server sent as JSON keeps its bytes, line
    /// breaks among them, except on a terminal.
    pub(super) fn print_json(&self, value: &impl Serialize) -> Result<(), Problem> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        let formatter = EscapingFormatter { keeps_raw_parts: !self.stdout_is_terminal };
        value
            .serialize(&mut serde_json::Serializer::with_formatter(&mut out, formatter))
            .map_err(io::Error::from)
            .and_then(|()| finish_line(out))
            .or_else(ignore_broken_pipe)
    }

    /// Prints lines of text, without characters that would control the terminal.
    pub(super) fn print_text(&self, text: &str) -> Result<(), Problem> {
        self.print_styled(&sanitize(text))
    }

    /// Prints lines of text that contain colors; the caller has sanitized the rest.
    #[expect(clippy::unused_self, reason = "callers print through the output they were given")]
    pub(super) fn print_styled(&self, text: &str) -> Result<(), Problem> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).or_else(ignore_broken_pipe)
    }

    /// Writes bytes exactly as they are. A final newline is added only for a terminal.
    pub(super) fn write_bytes(&self, bytes: &[u8]) -> Result<(), Problem> {
        let mut out = io::stdout().lock();
        let mut written = out.write_all(bytes);
        if self.stdout_is_terminal && !bytes.ends_with(b"\n") {
            written = written.and_then(|()| out.write_all(b"\n"));
        }
        written.and_then(|()| out.flush()).or_else(ignore_broken_pipe)
    }

    /// Returns the color mode of results.
    pub(super) fn color_mode(&self) -> ColorMode {
        ColorMode::detect(self.stdout_is_terminal)
    }

    /// Prints a table in the width of the terminal.
    pub(super) fn print_table(&self, table: &TextTable) -> Result<(), Problem> {
        let width = if self.stdout_is_terminal { terminal_width() } else { usize::MAX };
        let mut out = io::BufWriter::new(io::stdout().lock());
        table
            .render_lines(width, self.color_mode())
            .try_for_each(|line| writeln!(out, "{line}"))
            .and_then(|()| out.flush())
            .or_else(ignore_broken_pipe)
    }

    /// Prints a note for the user on standard error. JSON mode suppresses notes, so that scripts
    /// see only what they asked for.
    pub(super) fn note(&self, text: &str) {
        if !self.json {
            let _ = writeln!(io::stderr(), "{}", sanitize(text));
        }
    }

    /// Notes that copies of deleted data are left, and why.
    pub(super) fn note_incomplete_erasure(&self, erasure: &EraseOutcome) {
        if let EraseOutcome::Incomplete(reason) = erasure {
            self.note(&format!(
                "note: copies of the deleted data are left in the database files ({reason}); run `tokenring request history purge` later to erase them"
            ));
        }
    }

    /// Prints a problem on standard error, without secrets that were typed as arguments, and returns
    /// the exit code of its class.
    pub(super) fn print_problem(&self, problem: &Problem) -> ExitCode {
        let problem = &mask_arguments(problem, &process_arguments());
        let _ = if self.json {
            writeln!(io::stderr(), "{}", escaped_json(&serde_json::json!({ "error": problem })))
        } else {
            let error =
                ColorMode::detect(io::stderr().is_terminal()).paint("error:", TextTone::Bad);
            let [what, why, remedy] =
                [&problem.what, &problem.why, &problem.remedy].map(|text| sanitize(text));
            writeln!(io::stderr(), "{error} {what}\n  why: {why}\n  fix: {remedy}")
        };
        ExitCode::from(problem.class.exit_code())
    }
}

/// Exit code after Ctrl-C, as shells report it.
pub(super) const INTERRUPTED_EXIT_CODE: u8 = 130;

/// Returns a problem for arguments that are missing or contradict each other.
pub(super) fn usage_problem(what: &str, why: &str, remedy: &str) -> Problem {
    Problem::new(what, why, remedy).with_class(ProblemClass::Usage)
}

/// Formats a path on one line, without characters that would control the terminal.
pub(super) fn display_path(path: &Path) -> String {
    sanitize_line(&path.to_string_lossy())
}

/// Forwards output of a child process.
pub(super) fn forward_child_output(stream: OutputStream, bytes: &[u8]) -> io::Result<()> {
    match stream {
        OutputStream::Stdout => {
            let mut out = io::stdout().lock();
            out.write_all(bytes).and_then(|()| out.flush())
        }
        OutputStream::Stderr => io::stderr().write_all(bytes),
    }
}

/// Writes commands for the runner of GitHub Actions, which reads standard error and does not show
/// them.
pub(super) fn write_runner_commands(commands: &[u8]) {
    let _ = io::stderr().write_all(commands);
}

/// Writes a part of a growing result. Returns `Break` when the reader has closed the pipe.
pub(super) fn write_partial(text: &str) -> Result<ControlFlow<()>, Problem> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        written => written.or_else(ignore_broken_pipe).map(ControlFlow::Continue),
    }
}

/// Writes one of several JSON results: to a terminal formatted and in colors, to a pipe as it is.
pub(super) fn write_json_result(json: &str) -> Result<ControlFlow<()>, Problem> {
    write_partial(&format!("{}\n", draw_json(json)))
}

/// Returns JSON as standard output shows it: formatted and in colors for a terminal, else as it is.
pub(super) fn draw_json(json: &str) -> Cow<'_, str> {
    if io::stdout().is_terminal() {
        Cow::Owned(format_json(json, ColorMode::detect(true)))
    } else {
        Cow::Borrowed(json)
    }
}

/// Writes one of several results with arbitrary content. For a terminal, control characters are
/// removed; a pipe gets the text unchanged.
pub(super) fn write_result_line(text: &str) -> Result<ControlFlow<()>, Problem> {
    if io::stdout().is_terminal() {
        write_partial(&format!("{}\n", sanitize(text)))
    } else {
        write_partial(&format!("{text}\n"))
    }
}

/// Turns plain-text mode on: from now on nothing is overwritten, so that a screen reader reads all
/// of it.
pub(super) fn enable_plain_mode() {
    PLAIN_MODE.store(true, Ordering::Relaxed);
}

/// Shows a short text in place of the previous one, where standard error is a terminal.
pub(super) fn show_progress(text: &str) {
    let mut error = io::stderr();
    if error.is_terminal() && !PLAIN_MODE.load(Ordering::Relaxed) {
        let _ = write!(error, "\r\x1b[K{text}").and_then(|()| error.flush());
    }
}

/// Shows a progress bar, where standard error is a terminal.
pub(super) fn show_progress_bar(what: &str, done: usize, total: usize) {
    let filled = done * PROGRESS_BAR_WIDTH / total.max(1);
    show_progress(&format!(
        "{what} {}{} {done} of {total}",
        "█".repeat(filled),
        "░".repeat(PROGRESS_BAR_WIDTH - filled)
    ));
}

/// Prints help, the version or a usage error of the argument parser.
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
    let problem = Problem::new("Invalid command line", why, "see `tokenring --help`")
        .with_class(ProblemClass::Usage);
    CliOutput { json: true, stdout_is_terminal: false }.print_problem(&problem)
}

/// Returns the columns and rows of the terminal, where standard output is one.
pub(super) fn terminal_size() -> Option<(u16, u16)> {
    io::stdout().is_terminal().then(crossterm::terminal::size)?.ok()
}

fn terminal_width() -> usize {
    // A terminal that does not know its size reports 0.
    let size = crossterm::terminal::size().ok().filter(|(columns, _)| *columns > 0);
    size.map_or(usize::MAX, |(columns, _)| usize::from(columns).max(20))
}

fn finish_line(mut out: impl Write) -> io::Result<()> {
    out.write_all(b"\n").and_then(|()| out.flush())
}

/// Ignores a reader that closed the pipe (`| head`); any other error is a problem.
#[expect(clippy::needless_pass_by_value, reason = "used as the argument of `or_else`")]
fn ignore_broken_pipe(error: io::Error) -> Result<(), Problem> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        Ok(())
    } else {
        Err(output_write_problem(&error))
    }
}

/// Returns the problem of a result, or of a command's output, that could not be written.
pub(super) fn output_write_problem(error: &io::Error) -> Problem {
    Problem::new(
        "The result could not be written",
        error.to_string(),
        "check the disk space, or the program that reads the output",
    )
}

/// Prints a warning on standard error, in JSON mode too: something is wrong although the command
/// did what it should.
pub(super) fn print_warning(text: &str) {
    let text = format!("warning: {text}");
    let _ = writeln!(io::stderr(), "{}", sanitize(&text));
}
