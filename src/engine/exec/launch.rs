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
use super::mask::{self, Masked};
#[cfg(unix)]
use super::signals;
use super::{Value, Variable};
use crate::domain::Secret;
use crate::domain::redact::SecretRedactor;

/// Both ends of a pipe hold this much on every system, so that a secret can be written before anybody reads.
#[cfg(unix)]
const PIPE: usize = 4096;

/// A command, and what it is given.
pub struct Launch {
    /// The program and its arguments; never empty.
    pub command: Vec<OsString>,
    /// The variables that are set.
    pub variables: Vec<Variable>,
    /// The variables of this process that the child does not get.
    pub without: Vec<String>,
    /// How secrets come to the child.
    pub handover: Handover,
}

/// How secrets come to a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handover {
    /// As variables.
    Environment,
    /// The first one on its standard input; the others not at all.
    Stdin,
    /// In private temporary files; a variable with `_FILE` behind its name holds the path.
    Files,
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code.
    Code(i32),
    /// By a signal.
    Signal(i32),
}

/// One of the two outputs of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Where the masked output of a child goes.
pub type Sink<'a> = dyn Fn(Stream, &[u8]) -> io::Result<()> + Sync + 'a;

impl Launch {
    /// Replaces this process by the command; it comes back only if that failed.
    #[cfg(unix)]
    pub fn replace(self) -> io::Result<Infallible> {
        use std::os::unix::process::CommandExt as _;
        let (mut command, files) = self.prepare()?;
        debug_assert!(files.is_empty(), "nobody would remove the files");
        if let Some(secret) = self.fed() {
            command.stdin(filled_pipe(secret)?);
        }
        Err(command.exec())
    }

    /// Runs the command beside this process until it ends. Where there is a sink, its output goes there with all
    /// secrets masked. Signals that come meanwhile are passed on, but for those that the terminal gives to both.
    pub fn supervise(&self, sink: Option<&Sink<'_>>) -> io::Result<Ended> {
        // Bound to a name, so that the files live until the child has ended.
        let (mut command, _files) = self.prepare()?;
        if sink.is_some() {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        if self.fed().is_some() {
            command.stdin(Stdio::piped());
        }
        let signals = signals::Passing::begin()?;
        let mut child = command.spawn()?;
        let passing = signals.pass_to(&child);
        self.feed(&mut child);
        if let Some(sink) = sink {
            self.show(&mut child, sink);
        }
        let status = child.wait();
        passing.end();
        status.map(ended)
    }

    fn prepare(&self) -> io::Result<(Command, Vec<NamedTempFile>)> {
        let (program, arguments) = self.command.split_first().ok_or_else(|| io::Error::other("there is no command"))?;
        let mut command = Command::new(program);
        command.args(arguments);
        for name in &self.without {
            command.env_remove(name);
        }
        let mut files = Vec::new();
        for Variable { name, value } in &self.variables {
            match (value, self.handover) {
                (Value::Text(text), _) => {
                    command.env(name, text);
                }
                (Value::Secret(secret), Handover::Environment) => {
                    command.env(name, os_text(secret)?);
                }
                (Value::Secret(secret), Handover::Files) => {
                    let file = private_file(secret)?;
                    command.env(format!("{name}_FILE"), file.path());
                    files.push(file);
                }
                (Value::Secret(_), Handover::Stdin) => {}
            }
        }
        Ok((command, files))
    }

    fn secrets(&self) -> impl Iterator<Item = &Arc<Secret>> {
        self.variables.iter().filter_map(|variable| match &variable.value {
            Value::Secret(secret) => Some(secret),
            Value::Text(_) => None,
        })
    }

    /// The secret that goes to standard input.
    fn fed(&self) -> Option<&Secret> {
        (self.handover == Handover::Stdin).then(|| self.secrets().next()).flatten().map(Arc::as_ref)
    }

    /// A child that does not read its input says by its status whether it wanted to.
    fn feed(&self, child: &mut Child) {
        if let (Some(secret), Some(mut stdin)) = (self.fed(), child.stdin.take()) {
            let _ = secret.expose(|bytes| stdin.write_all(bytes));
        }
    }

    fn show(&self, child: &mut Child, sink: &Sink<'_>) {
        let redactor = mask::redactor(self.secrets().map(Arc::as_ref));
        let longest = self.secrets().map(|secret| secret.len()).max().unwrap_or_default();
        let (out, err) = (child.stdout.take(), child.stderr.take());
        thread::scope(|scope| {
            scope.spawn(|| pump(out, &|bytes| sink(Stream::Out, bytes), &redactor, longest));
            pump(err, &|bytes| sink(Stream::Err, bytes), &redactor, longest);
        });
    }
}

/// Reads to the end. Where nobody wants to see it any more, the child learns that by a broken pipe.
fn pump(from: Option<impl Read>, show: &dyn Fn(&[u8]) -> io::Result<()>, redactor: &SecretRedactor, longest: usize) {
    let Some(mut from) = from else { return };
    let mut masked = Masked::new(redactor, longest);
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
fn filled_pipe(secret: &Secret) -> io::Result<Stdio> {
    if secret.len() > PIPE {
        return Err(io::Error::other("the secret is too long for standard input; use --file"));
    }
    let (reader, mut writer) = io::pipe()?;
    secret.expose(|bytes| writer.write_all(bytes))?;
    Ok(reader.into())
}

/// In the folder that is in memory and this user's alone, where there is one. Private from its first byte; removed
/// when it is dropped.
fn private_file(secret: &Secret) -> io::Result<NamedTempFile> {
    let memory = std::env::var_os("XDG_RUNTIME_DIR").map(std::path::PathBuf::from).filter(|folder| folder.is_dir());
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
            return Err(io::Error::other("the secret holds a NUL character, which no variable can"));
        }
        Ok(OsStr::from_bytes(bytes).to_owned())
    })
}

#[cfg(not(unix))]
fn os_text(secret: &Secret) -> io::Result<OsString> {
    let text = secret.expose(|bytes| std::str::from_utf8(bytes).map(OsStr::new).map(OsStr::to_owned));
    text.map_err(|_| io::Error::other("the secret is no text"))
}

#[cfg(unix)]
fn ended(status: ExitStatus) -> Ended {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal().map_or_else(|| Ended::Code(status.code().unwrap_or(1)), Ended::Signal)
}

#[cfg(not(unix))]
fn ended(status: ExitStatus) -> Ended {
    Ended::Code(status.code().unwrap_or(1))
}

impl Ended {
    /// Ends this process in the same way: whoever started it sees no difference. Gives the code where the child ended
    /// by itself.
    pub fn repeat(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => {
                signals::die_of(signal);
                128 + signal
            }
        }
    }
}
