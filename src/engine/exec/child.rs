//! Child process: replaces this process where possible, else runs beside it with signals and exit
//! status passed through.
//!
//! Start with [`ChildCommand::replace_process`] and [`ChildCommand::run_supervised`].

#[cfg(unix)]
use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;

use super::mask::OutputMasker;
use super::secret_file::SecretFile;
#[cfg(unix)]
use super::signals_unix as signals;
#[cfg(not(unix))]
use super::signals_windows as signals;
use super::{EnvValue, EnvVariable};
use crate::domain::Secret;
use crate::domain::redact::OutputScanner;

/// Capacity that a pipe has on every system, so that a secret can be written before it is read.
#[cfg(unix)]
const PIPE_CAPACITY_BYTES: usize = 4096;

/// Command and its environment.
pub struct ChildCommand {
    /// The program and its arguments; never empty.
    pub command: Vec<OsString>,
    /// The variables to set.
    pub variables: Vec<EnvVariable>,
    /// The variables of this process that the child does not inherit.
    pub removed_variables: Vec<OsString>,
    /// How the child receives secrets.
    pub secret_delivery: SecretDelivery,
}

/// How a child receives secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretDelivery {
    /// As variables.
    Environment,
    /// The first secret on standard input; the others not at all.
    Stdin,
    /// In files, in memory where the system can; a variable named with the suffix `_FILE` holds the
    /// path.
    Files,
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildExit {
    /// It exited with this code.
    Code(i32),
    /// It was ended by this signal.
    Signal(i32),
}

/// Output stream of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Receiver of a child's masked output.
pub type OutputSink<'a> = dyn Fn(OutputStream, &[u8]) -> io::Result<()> + Sync + 'a;

impl ChildCommand {
    /// Replaces this process by the command; returns only if that failed.
    #[cfg(unix)]
    pub fn replace_process(self) -> io::Result<Infallible> {
        use std::os::unix::process::CommandExt as _;
        let (mut command, files) = self.build_command()?;
        debug_assert!(files.is_empty(), "the files would never be removed");
        if let Some(secret) = self.stdin_secret() {
            command.stdin(pipe_with_secret(secret)?);
        }
        Err(command.exec())
    }

    /// Runs the command beside this process until it exits. With a sink, the command's output goes
    /// there with all secrets masked. Signals are forwarded, except those that the terminal sends
    /// to both processes.
    pub fn run_supervised(&self, sink: Option<&OutputSink<'_>>) -> io::Result<ChildExit> {
        // Bound to a name, so that the files exist until the child has exited.
        let (mut command, _files) = self.build_command()?;
        if sink.is_some() {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        if self.stdin_secret().is_some() {
            command.stdin(Stdio::piped());
        }
        let signals = signals::SignalRelay::start()?;
        let mut child = command.spawn()?;
        let guard = signals.forward_to(&child);
        self.write_stdin(&mut child);
        if let Some(sink) = sink {
            self.forward_output(&mut child, sink);
        }
        let status = child.wait();
        guard.stop();
        status.map(exit_from_status)
    }

    fn build_command(&self) -> io::Result<(Command, Vec<SecretFile>)> {
        let (program, arguments) =
            self.command.split_first().ok_or_else(|| io::Error::other("no command was given"))?;
        let mut command = Command::new(program);
        command.args(arguments);
        for name in &self.removed_variables {
            command.env_remove(name);
        }
        let mut files = Vec::new();
        for EnvVariable { name, value } in &self.variables {
            match (value, self.secret_delivery) {
                (EnvValue::Text(text), _) => {
                    command.env(name, text);
                }
                (EnvValue::Secret(secret), SecretDelivery::Environment) => {
                    command.env(name, os_text(secret)?);
                }
                (EnvValue::Secret(secret), SecretDelivery::Files) => {
                    let file = SecretFile::create(secret)?;
                    command.env(format!("{name}_FILE"), file.path());
                    files.push(file);
                }
                (EnvValue::Secret(_), SecretDelivery::Stdin) => {}
            }
        }
        Ok((command, files))
    }

    fn secrets(&self) -> impl Iterator<Item = &Arc<Secret>> {
        self.variables.iter().filter_map(|variable| match &variable.value {
            EnvValue::Secret(secret) => Some(secret),
            EnvValue::Text(_) => None,
        })
    }

    /// Returns the secret for standard input.
    fn stdin_secret(&self) -> Option<&Secret> {
        (self.secret_delivery == SecretDelivery::Stdin)
            .then(|| self.secrets().next())
            .flatten()
            .map(Arc::as_ref)
    }

    /// Writes the secret to standard input. A child that does not read it reports any problem by
    /// its exit status.
    fn write_stdin(&self, child: &mut Child) {
        if let (Some(secret), Some(mut stdin)) = (self.stdin_secret(), child.stdin.take()) {
            let _ = secret.expose(|bytes| stdin.write_all(bytes));
        }
    }

    fn forward_output(&self, child: &mut Child, sink: &OutputSink<'_>) {
        let scanner = OutputScanner::for_secrets(self.secrets().map(Arc::as_ref));
        let longest = self.secrets().map(|secret| secret.len()).max().unwrap_or_default();
        let (out, err) = (child.stdout.take(), child.stderr.take());
        thread::scope(|scope| {
            scope.spawn(|| {
                forward_masked(out, &|bytes| sink(OutputStream::Stdout, bytes), &scanner, longest);
            });
            forward_masked(err, &|bytes| sink(OutputStream::Stderr, bytes), &scanner, longest);
        });
    }
}

/// Forwards output to its end. If the receiver is closed, the child sees a broken pipe.
fn forward_masked(
    from: Option<impl Read>,
    show: &dyn Fn(&[u8]) -> io::Result<()>,
    scanner: &OutputScanner,
    longest: usize,
) {
    let Some(mut from) = from else { return };
    let mut masked = OutputMasker::new(scanner, longest);
    let mut buffer = vec![0; 16 << 10];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) if show(&masked.push(&buffer[..count])).is_err() => return,
            Err(error) if error.kind() != io::ErrorKind::Interrupted => break,
            _ => {}
        }
    }
    let _ = show(&masked.finish());
}

/// Returns a pipe that already holds the secret and has no writer left.
#[cfg(unix)]
fn pipe_with_secret(secret: &Secret) -> io::Result<Stdio> {
    if secret.len() > PIPE_CAPACITY_BYTES {
        return Err(io::Error::other("the secret is too long for standard input; use --file"));
    }
    let (reader, mut writer) = io::pipe()?;
    secret.expose(|bytes| writer.write_all(bytes))?;
    Ok(reader.into())
}

#[cfg(unix)]
fn os_text(secret: &Secret) -> io::Result<OsString> {
    use std::os::unix::ffi::OsStrExt as _;
    secret.expose(|bytes| {
        if bytes.contains(&0) {
            return Err(io::Error::other(
                "the secret contains a NUL character, which a variable cannot hold",
            ));
        }
        Ok(OsStr::from_bytes(bytes).to_owned())
    })
}

#[cfg(not(unix))]
fn os_text(secret: &Secret) -> io::Result<OsString> {
    let text =
        secret.expose(|bytes| std::str::from_utf8(bytes).map(OsStr::new).map(OsStr::to_owned));
    text.map_err(|_| io::Error::other("the secret is not text"))
}

#[cfg(unix)]
fn exit_from_status(status: ExitStatus) -> ChildExit {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal().map_or_else(|| ChildExit::Code(status.code().unwrap_or(1)), ChildExit::Signal)
}

#[cfg(not(unix))]
fn exit_from_status(status: ExitStatus) -> ChildExit {
    ChildExit::Code(status.code().unwrap_or(1))
}

impl ChildExit {
    /// Ends this process in the same way, so that its parent sees no difference. Returns the code
    /// if the child exited by itself.
    pub fn propagate(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => {
                signals::die_by_signal(signal);
                128 + signal
            }
        }
    }
}
