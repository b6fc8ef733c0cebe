//! Agent: the process that holds the key of a vault for other processes of this user.
//!
//! It is this program, started with an empty environment. It cannot be traced or dumped, the key is
//! kept out of swap, and it has no open file and no terminal of the process that started it. It
//! sleeps until it is asked, until its time has come (also the time in which the machine sleeps
//! counts), or until its socket is removed or replaced by that of a newer agent. Start reading at
//! [`start`] for the program that starts it, and at [`run`] for the process.

use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, WatchFlags};
use rustix::io::Errno;
use rustix::stdio::{stdin, stdout};
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, clock_gettime,
};
use serde::{Deserialize, Serialize};

use super::agent_socket::{
    AgentRequest, is_own_user, prepare_socket, read_message, set_timeouts, write_message,
};
use super::{AGENT_ARGUMENTS, PROTOCOL_VERSION, SessionCall, SessionMessage, SessionRecord};
use crate::domain::Secret;
use crate::store::StoreError;

/// How long an agent may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// What an agent prints once it can be asked. It prints the reason instead if it cannot start.
const READY: &str = "ready";

/// Start of an agent, as it reads it from its standard input.
#[derive(Serialize, Deserialize)]
struct AgentStart {
    socket: PathBuf,
    maximum_ms: u64,
    session: SessionRecord,
}

/// Agent that can be asked.
struct SessionAgent {
    listener: UnixListener,
    socket: OwnSocket,
    /// The session without its key.
    session: SessionRecord,
    key: Secret,
    timer: OwnedFd,
    /// Reports that the socket was removed or replaced.
    watch: OwnedFd,
    /// End on the clock that also counts while the machine sleeps.
    ends_at: Duration,
}

/// Path of the agent's socket, which another agent may replace.
struct OwnSocket {
    path: PathBuf,
    inode: u64,
}

/// What the agent does after a request.
#[derive(PartialEq, Eq)]
enum AgentOutcome {
    Continue,
    End,
}

/// Starts an agent for a vault, and returns when it can be asked.
pub(super) fn start(
    vault_id: &str,
    session: SessionRecord,
    maximum: Duration,
) -> Result<(), StoreError> {
    let maximum_ms = u64::try_from(maximum.as_millis()).unwrap_or(u64::MAX);
    let start = AgentStart { socket: prepare_socket(vault_id)?, maximum_ms, session };
    let failed = |why: String| StoreError::Session(format!("the agent cannot start: {why}"));
    let mut agent = spawn().map_err(|error| failed(error.to_string()))?;
    // An agent that ends early does not read its input; what it prints tells why.
    let _ = agent.stdin.take().map(|mut pipe| write_message(&mut pipe, &start));
    match first_line(&mut agent) {
        Ok(line) if line == READY => Ok(()),
        outcome => {
            let _ = agent.kill();
            let _ = agent.wait();
            Err(failed(match outcome {
                Ok(line) if line.is_empty() => "it ended at once".to_owned(),
                Ok(line) => line,
                Err(error) => error.to_string(),
            }))
        }
    }
}

/// Starts this program as an agent. It inherits nothing: no variable, no folder, no open file.
fn spawn() -> std::io::Result<Child> {
    close_fds::set_fds_cloexec_threadsafe(3, &[]);
    Command::new(std::env::current_exe()?)
        .args(AGENT_ARGUMENTS)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
}

/// Returns the line that an agent prints when it has started.
fn first_line(agent: &mut Child) -> std::io::Result<String> {
    let Some(mut pipe) = agent.stdout.take() else { return Ok(String::new()) };
    let mut line = String::new();
    let wait = Timespec::try_from(START_TIMEOUT).ok();
    let mut fds = [PollFd::new(&pipe, PollFlags::IN)];
    if poll(&mut fds, wait.as_ref())? == 0 {
        return Err(std::io::ErrorKind::TimedOut.into());
    }
    pipe.read_to_string(&mut line)?;
    Ok(line.trim_end().to_owned())
}

/// Runs the process of an agent until its session ends, and returns whether one was started.
pub(super) fn run() -> bool {
    // A terminal of the starter would send its signals.
    let _ = rustix::process::setsid();
    let agent = read_start().and_then(SessionAgent::new);
    let report = match &agent {
        Ok(_) => READY.to_owned(),
        Err(why) => why.clone(),
    };
    let _ = rustix::io::write(stdout(), report.as_bytes());
    let is_started = agent.is_ok();
    if let Ok(agent) = agent
        && close_standard_streams().is_ok()
    {
        agent.serve();
    }
    is_started
}

fn read_start() -> Result<AgentStart, String> {
    // Not the standard library's input, whose buffer would keep a copy of the key.
    let input = rustix::io::dup(stdin())
        .map_err(std::io::Error::from)
        .and_then(|input| read_message(File::from(input)))
        .map_err(|error| error.to_string())?;
    serde_json::from_slice(&input)
        .map_err(|_| "it was not started by `tokenring store unlock`".to_owned())
}

/// Gives up the pipes to the starter.
fn close_standard_streams() -> std::io::Result<()> {
    let nothing = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nothing)?;
    rustix::stdio::dup2_stdout(&nothing)?;
    rustix::stdio::dup2_stderr(&nothing)?;
    Ok(())
}

impl SessionAgent {
    /// Opens the socket. It gets its name last, in one step, so that of two agents that start at
    /// once the later one is asked and the other one ends.
    fn new(start: AgentStart) -> Result<Self, String> {
        let AgentStart { socket, maximum_ms, mut session } = start;
        let key = session.key.take().map(Secret::from_text).ok_or("the key is missing")?;
        let text = |error: &dyn std::fmt::Display| format!("{}: {error}", socket.display());
        let draft = socket.with_extension(std::process::id().to_string());
        let _ = fs::remove_file(&draft);
        let listener = UnixListener::bind(&draft).map_err(|error| text(&error))?;
        let opened = watch_socket(&draft, &socket).map_err(|error| {
            let _ = fs::remove_file(&draft);
            text(&error)
        });
        let (watch, inode) = opened?;
        listener.set_nonblocking(true).map_err(|error| text(&error))?;
        let timer = rustix::time::timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::CLOEXEC)
            .map_err(|error| text(&error))?;
        let ends_at = boot_time() + Duration::from_millis(maximum_ms);
        let socket = OwnSocket { path: socket, inode };
        let agent = Self { listener, socket, session, key, timer, watch, ends_at };
        agent.set_timer().map_err(|error| error.to_string())?;
        Ok(agent)
    }

    /// Waits for requests until the session ends.
    fn serve(&self) {
        loop {
            let mut fds = [
                PollFd::new(&self.timer, PollFlags::IN),
                PollFd::new(&self.watch, PollFlags::IN),
                PollFd::new(&self.listener, PollFlags::IN),
            ];
            match poll(&mut fds, None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => break,
            }
            let [is_due, is_changed, is_asked] =
                [0, 1, 2].map(|at: usize| !fds[at].revents().is_empty());
            if is_due || is_changed && !self.socket.is_own() {
                break;
            }
            if is_changed {
                let mut events = [0; 1024];
                let _ = rustix::io::read(&self.watch, &mut events);
            }
            if is_asked
                && let Ok((stream, _)) = self.listener.accept()
                && self.respond(&stream) == AgentOutcome::End
            {
                break;
            }
        }
        self.socket.remove();
    }

    /// Responds to one request. Another user gets no response.
    fn respond(&self, stream: &UnixStream) -> AgentOutcome {
        if !is_own_user(stream) || set_timeouts(stream).is_err() {
            return AgentOutcome::Continue;
        }
        let request = read_message(stream).ok();
        let request = request.and_then(|text| serde_json::from_slice::<AgentRequest>(&text).ok());
        let (session, outcome) = match request {
            // A request that only another version understands: the reply names this version.
            None => (None, AgentOutcome::Continue),
            Some(AgentRequest { call: SessionCall::End, .. }) => {
                self.socket.remove();
                (None, AgentOutcome::End)
            }
            Some(request) if request.protocol != PROTOCOL_VERSION => (None, AgentOutcome::Continue),
            // Another passphrase or another vault: the key is of no use any more.
            Some(request) if request.identity != self.session.identity => {
                self.socket.remove();
                (None, AgentOutcome::End)
            }
            Some(AgentRequest { call: SessionCall::Open, .. }) => {
                (Some(self.record(Some(&self.key))), self.used())
            }
            Some(AgentRequest { call: SessionCall::Renew, .. }) => {
                (Some(self.record(None)), self.used())
            }
            Some(AgentRequest { call: SessionCall::Describe, .. }) => {
                (Some(self.record(None)), AgentOutcome::Continue)
            }
        };
        let mut stream = stream;
        let _ = write_message(&mut stream, &SessionMessage::new(session));
        outcome
    }

    /// Lets the time without use begin again.
    fn used(&self) -> AgentOutcome {
        if self.set_timer().is_ok() { AgentOutcome::Continue } else { AgentOutcome::End }
    }

    fn set_timer(&self) -> rustix::io::Result<()> {
        let left = self.ends_at.saturating_sub(boot_time()).min(self.session.idle());
        // Zero would stop the timer.
        let left = left.max(Duration::from_nanos(1));
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let it_value = Timespec::try_from(left).map_err(|_| Errno::INVAL)?;
        let spec = Itimerspec { it_interval: zero, it_value };
        rustix::time::timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &spec).map(drop)
    }

    fn record(&self, key: Option<&Secret>) -> SessionRecord {
        let text = |key: &Secret| key.expose(|bytes| String::from_utf8_lossy(bytes).into_owned());
        SessionRecord {
            identity: self.session.identity.clone(),
            key: key.map(text),
            ..self.session
        }
    }
}

impl OwnSocket {
    /// Whether the path still leads to this agent.
    fn is_own(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode)
    }

    /// Removes the socket, unless another agent has replaced it.
    fn remove(&self) {
        if self.is_own() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes a socket private, watches it and gives it its name. Returns the watch and its inode.
fn watch_socket(draft: &Path, socket: &Path) -> std::io::Result<(OwnedFd, u64)> {
    fs::set_permissions(draft, fs::Permissions::from_mode(0o600))?;
    let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
    let watch = inotify::init(flags)?;
    // A name that is removed or replaced changes the number of names.
    inotify::add_watch(&watch, draft, WatchFlags::ATTRIB | WatchFlags::DELETE_SELF)?;
    let inode = fs::symlink_metadata(draft)?.ino();
    fs::rename(draft, socket)?;
    Ok((watch, inode))
}

/// Returns the time since the start of the machine, with the time in which it slept.
fn boot_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default()
}
