//! Starting the child: in place of this process where that is possible, else beside it, with signals and the end
//! passed through.

#[cfg(unix)]
use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;

use tempfile::NamedTempFile;

#[cfg(not(unix))]
use super::console as signals;
use super::mask::{self, OutputMasker};
#[cfg(unix)]
use super::signals;
use super::{EnvValue, EnvVariable};
use crate::domain::Secret;
use crate::domain::redact::SecretRedactor;

/// Both ends of a pipe hold this much on every system, so that a secret can be written before anybody reads.
#[cfg(unix)]
const PIPE_CAPACITY_BYTES: usize = 4096;

/// A command, and what it is given.
pub struct ChildCommand {
    /// The program and its arguments; never empty.
    pub command: Vec<OsString>,
    /// The variables that are set.
    pub variables: Vec<EnvVariable>,
    /// The variables of this process that the child does not get.
    pub removed_variables: Vec<String>,
    /// How secrets come to the child.
    pub secret_delivery: SecretDelivery,
}

/// How secrets come to a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretDelivery {
    /// As variables.
    Environment,
    /// The first one on its standard input; the others not at all.
    Stdin,
    /// In private temporary files; a variable with `_FILE` behind its name holds the path.
    Files,
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildExit {
    /// By itself, with this code.
    Code(i32),
    /// By a signal.
    Signal(i32),
}

/// One of the two outputs of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Where the masked output of a child goes.
pub type OutputSink<'a> = dyn Fn(OutputStream, &[u8]) -> io::Result<()> + Sync + 'a;

impl ChildCommand {
    /// Replaces this process by the command; it comes back only if that failed.
    #[cfg(unix)]
    pub fn replace_process(self) -> io::Result<Infallible> {
        use std::os::unix::process::CommandExt as _;
        let (mut command, files) = self.build_command()?;
        debug_assert!(files.is_empty(), "nobody would remove the files");
        if let Some(secret) = self.stdin_secret() {
            command.stdin(pipe_with_secret(secret)?);
        }
        Err(command.exec())
    }

    /// Runs the command beside this process until it ends. Where there is a sink, its output goes there with all
    /// secrets masked. Signals that come meanwhile are passed on, but for those that the terminal gives to both.
    pub fn run_supervised(&self, sink: Option<&OutputSink<'_>>) -> io::Result<ChildExit> {
        // Bound to a name, so that the files live until the child has ended.
        let (mut command, _files) = self.build_command()?;
        if sink.is_some() {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        if self.stdin_secret().is_some() {
            command.stdin(Stdio::piped());
        }
        let signals = signals::SignalRelay::start()?;
        let mut child = command.spawn()?;
        let passing = signals.forward_to(&child);
        self.write_stdin(&mut child);
        if let Some(sink) = sink {
            self.forward_output(&mut child, sink);
        }
        let status = child.wait();
        passing.stop();
        status.map(exit_from_status)
    }

    fn build_command(&self) -> io::Result<(Command, Vec<NamedTempFile>)> {
        let (program, arguments) =
            self.command.split_first().ok_or_else(|| io::Error::other("there is no command"))?;
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
                    let file = private_file(secret)?;
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

    /// The secret that goes to standard input.
    fn stdin_secret(&self) -> Option<&Secret> {
        (self.secret_delivery == SecretDelivery::Stdin)
            .then(|| self.secrets().next())
            .flatten()
            .map(Arc::as_ref)
    }

    /// A child that does not read its input says by its status whether it wanted to.
    fn write_stdin(&self, child: &mut Child) {
        if let (Some(secret), Some(mut stdin)) = (self.stdin_secret(), child.stdin.take()) {
            let _ = secret.expose(|bytes| stdin.write_all(bytes));
        }
    }

    fn forward_output(&self, child: &mut Child, sink: &OutputSink<'_>) {
        let redactor = mask::redactor_for(self.secrets().map(Arc::as_ref));
        let longest = self.secrets().map(|secret| secret.len()).max().unwrap_or_default();
        let (out, err) = (child.stdout.take(), child.stderr.take());
        thread::scope(|scope| {
            scope.spawn(|| {
                forward_masked(out, &|bytes| sink(OutputStream::Stdout, bytes), &redactor, longest)
            });
            forward_masked(err, &|bytes| sink(OutputStream::Stderr, bytes), &redactor, longest);
        });
    }
}

/// Reads to the end. Where nobody wants to see it any more, the child learns that by a broken pipe.
fn forward_masked(
    from: Option<impl Read>,
    show: &dyn Fn(&[u8]) -> io::Result<()>,
    redactor: &SecretRedactor,
    longest: usize,
) {
    let Some(mut from) = from else { return };
    let mut masked = OutputMasker::new(redactor, longest);
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

/// A pipe that already holds the secret and has no writer any more.
#[cfg(unix)]
fn pipe_with_secret(secret: &Secret) -> io::Result<Stdio> {
    if secret.len() > PIPE_CAPACITY_BYTES {
        return Err(io::Error::other("the secret is too long for standard input; use --file"));
    }
    let (reader, mut writer) = io::pipe()?;
    secret.expose(|bytes| writer.write_all(bytes))?;
    Ok(reader.into())
}

/// In the folder that is in memory and this user's alone, where there is one. Private from its first byte; removed
/// when it is dropped.
fn private_file(secret: &Secret) -> io::Result<NamedTempFile> {
    let memory = std::env::var_os("XDG_RUNTIME_DIR")
        .map(std::path::PathBuf::from)
        .filter(|folder| folder.is_dir());
    let mut builder = tempfile::Builder::new();
    builder.prefix("tokenring-");
    let mut file = builder.tempfile_in(memory.unwrap_or_else(std::env::temp_dir))?;
    secret.expose(|bytes| file.write_all(bytes))?;
    file.flush()?;
    Ok(file)
}

#[cfg(unix)]
fn os_text(secret: &Secret) -> io::Result<OsString> {
    use std::os::unix::ffi::OsStrExt as _;
    secret.expose(|bytes| {
        if bytes.contains(&0) {
            return Err(io::Error::other(
                "the secret holds a NUL character, which no variable can",
            ));
        }
        Ok(OsStr::from_bytes(bytes).to_owned())
    })
}

#[cfg(not(unix))]
fn os_text(secret: &Secret) -> io::Result<OsString> {
    let text =
        secret.expose(|bytes| std::str::from_utf8(bytes).map(OsStr::new).map(OsStr::to_owned));
    text.map_err(|_| io::Error::other("the secret is no text"))
}

#[cfg(unix)]
fn exit_from_status(status: ExitStatus) -> ChildExit {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal().map_or_else(|| ChildExit::Code(status.code().unwrap_or(1)), ChildExit::Signal)
}

#[cfg(not(unix))]
fn ended(status: ExitStatus) -> ChildExit {
    ChildExit::Code(status.code().unwrap_or(1))
}

impl ChildExit {
    /// Ends this process in the same way: whoever started it sees no difference. Gives the code where the child ended
    /// by itself.
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
