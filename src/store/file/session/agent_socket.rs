//! Address of the agent of a vault, and the requests that a program sends to it.
//!
//! The socket is in a private folder of the user's runtime folder. Both sides ask the kernel for the
//! user of the other one, so that a socket of another user is never used. Every call is short: an agent that
//! does not respond is like none. Start reading at [`ask`]; the process behind the socket is in
//! `agent`.

use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, UCred};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{IdentityDigest, PROTOCOL_VERSION, SessionCall, SessionMessage, SessionRecord};
use crate::store::{StoreError, private_files};

/// How long either side waits for the other one.
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Maximum size of a message in bytes.
const MAX_MESSAGE_BYTES: usize = 4 << 10;

/// Environment variable with the folder that the system makes for the files of a login.
const RUNTIME_FOLDER_VARIABLE: &str = "XDG_RUNTIME_DIR";

/// Folder of the sockets, in the runtime folder.
const SOCKET_FOLDER: &str = "tokenring";

/// Request of a program to an agent.
#[derive(Serialize, Deserialize)]
pub(super) struct AgentRequest {
    pub(super) protocol: u32,
    pub(super) call: SessionCall,
    pub(super) identity: IdentityDigest,
}

/// Connection to the process that listens on the socket of an agent.
struct AgentConnection {
    stream: UnixStream,
    /// The process, as the kernel names it.
    peer: UCred,
}

/// Returns the session that the agent of the vault holds; `None` if no agent runs, or if it holds the
/// key of an earlier vault or passphrase.
pub(super) fn ask(
    vault_id: &str,
    call: SessionCall,
    identity: &IdentityDigest,
) -> Result<Option<SessionRecord>, StoreError> {
    let folder = runtime_folder()?;
    if !private_files::folder_exists(&folder)? {
        return Ok(None);
    }
    let Some(connection) = AgentConnection::open(&socket_in(&folder, vault_id))? else {
        return Ok(None);
    };
    let reply = connection.exchange(call, identity).map_err(|_| no_response())?;
    SessionMessage::parse(&reply)
}

/// Ends the agents of the vault, and returns whether one ran. One that does not respond is killed.
/// The folders may be in any state, because nothing secret is sent. A session with another
/// environment can have started an agent in another folder.
pub(super) fn end(vault_id: &str) -> Result<bool, StoreError> {
    let [usual, private] = default_folders();
    let mut folders = vec![runtime_folder_path(), usual.join(SOCKET_FOLDER), private];
    folders.dedup();
    folders
        .iter()
        .try_fold(false, |ended, folder| Ok(end_at(&socket_in(folder, vault_id))? || ended))
}

fn end_at(socket: &Path) -> Result<bool, StoreError> {
    let Ok(Some(connection)) = AgentConnection::open(socket) else {
        let _ = fs::remove_file(socket);
        return Ok(false);
    };
    let (pid, stream) = (connection.peer.pid, connection.stream.try_clone());
    let identity = IdentityDigest::from_contents(&[]);
    let reply = connection.exchange(SessionCall::End, &identity);
    let killed = if reply.is_ok_and(|reply| !reply.is_empty()) {
        Ok(())
    } else {
        let _ = fs::remove_file(socket);
        rustix::process::kill_process(pid, Signal::KILL)
    };
    // The end of the agent closes the connection.
    let waited = stream.and_then(|mut stream| stream.read_to_end(&mut Vec::new()));
    match killed.map_err(std::io::Error::from) {
        Err(error) if waited.is_err() => {
            Err(StoreError::Session(format!("the agent cannot be ended: {error}")))
        }
        _ => Ok(true),
    }
}

/// Creates the folder of the sockets, and returns the path of the vault's socket.
pub(super) fn prepare_socket(vault_id: &str) -> Result<PathBuf, StoreError> {
    let folder = runtime_folder()?;
    private_files::create_folder(&folder)?;
    Ok(socket_in(&folder, vault_id))
}

/// Returns whether the process at the other end runs as this user, as the kernel reports it.
pub(super) fn is_own_user(stream: &UnixStream) -> bool {
    own_peer(stream).is_some()
}

fn own_peer(stream: &UnixStream) -> Option<UCred> {
    let peer = rustix::net::sockopt::socket_peercred(stream).ok()?;
    (peer.uid == rustix::process::geteuid()).then_some(peer)
}

impl AgentConnection {
    /// Connects to a socket; returns `None` if no process listens on it. Never waits for a process
    /// that accepts no connection.
    fn open(socket: &Path) -> Result<Option<Self>, StoreError> {
        let failed = |error: Errno| {
            StoreError::Session(format!("{}: {}", socket.display(), std::io::Error::from(error)))
        };
        let address = SocketAddrUnix::new(socket).map_err(failed)?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let end = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
            .map_err(failed)?;
        match rustix::net::connect(&end, &address) {
            Ok(()) => {}
            Err(Errno::NOENT | Errno::CONNREFUSED) => return Ok(None),
            Err(Errno::AGAIN) => return Err(no_response()),
            Err(error) => return Err(failed(error)),
        }
        let stream = UnixStream::from(end);
        let peer = own_peer(&stream).ok_or_else(|| {
            StoreError::InsecureFile(format!("{} belongs to another user", socket.display()))
        })?;
        set_timeouts(&stream).map_err(|_| no_response())?;
        Ok(Some(Self { stream, peer }))
    }

    /// Sends a request, and returns the reply.
    fn exchange(
        mut self,
        call: SessionCall,
        identity: &IdentityDigest,
    ) -> std::io::Result<Zeroizing<Vec<u8>>> {
        let identity = identity.clone();
        let request = AgentRequest { protocol: PROTOCOL_VERSION, call, identity };
        write_message(&mut self.stream, &request)?;
        read_message(&self.stream)
    }
}

/// Makes reading and writing end after the timeout.
pub(super) fn set_timeouts(stream: &UnixStream) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(RESPONSE_TIMEOUT))?;
    stream.set_write_timeout(Some(RESPONSE_TIMEOUT))
}

/// Writes a message in one line.
pub(super) fn write_message(
    target: &mut impl Write,
    message: &impl Serialize,
) -> std::io::Result<()> {
    let mut line = Zeroizing::new(Vec::<u8>::with_capacity(MAX_MESSAGE_BYTES));
    serde_json::to_writer(&mut *line, message)?;
    line.push(b'\n');
    target.write_all(&line)
}

/// Reads a message: one line, or everything if the other side closes the connection without one. The
/// buffer does not grow, so that no copies are left behind.
pub(super) fn read_message(mut source: impl Read) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut message = Zeroizing::new(vec![0; MAX_MESSAGE_BYTES]);
    let mut length = 0;
    while length < message.len() && !message[..length].ends_with(b"\n") {
        match source.read(&mut message[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    message.truncate(length);
    Ok(message)
}

fn no_response() -> StoreError {
    StoreError::Session("the agent does not respond".to_owned())
}

fn socket_in(folder: &Path, vault_id: &str) -> PathBuf {
    folder.join(format!("{vault_id}.sock"))
}

/// Returns the folder of the sockets, after checking that the folder around it is private.
fn runtime_folder() -> Result<PathBuf, StoreError> {
    let folder = runtime_folder_path();
    if folder.ends_with(SOCKET_FOLDER)
        && let Some(around) = folder.parent()
    {
        private_files::folder_exists(around)?;
    }
    Ok(folder)
}

fn runtime_folder_path() -> PathBuf {
    let [usual, private] = default_folders();
    choose_folder(std::env::var_os(RUNTIME_FOLDER_VARIABLE).as_deref(), &usual, &private)
}

/// Returns the usual runtime folder of this user, and the folder of the sockets without one.
fn default_folders() -> [PathBuf; 2] {
    let user = rustix::process::geteuid().as_raw();
    [format!("/run/user/{user}").into(), format!("/tmp/tokenring-{user}").into()]
}

/// Returns the folder of the sockets: in the runtime folder that the environment names, otherwise in
/// the usual one, so that processes outside of the login find it too, otherwise a private folder.
fn choose_folder(variable: Option<&OsStr>, usual: &Path, private: &Path) -> PathBuf {
    let named = variable.map(Path::new).filter(|folder| folder.is_absolute());
    let exists = |folder: &&Path| !matches!(fs::symlink_metadata(folder), Err(error) if error.kind() == ErrorKind::NotFound);
    named
        .into_iter()
        .chain([usual])
        .find(exists)
        .map_or_else(|| private.to_owned(), |folder| folder.join(SOCKET_FOLDER))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn the_socket_is_in_the_runtime_folder_that_exists() {
        let place = tempfile::tempdir().unwrap();
        let (named, usual) = (place.path().join("named"), place.path().join("usual"));
        let private = Path::new("/private");
        let choose = |variable: &str| choose_folder(Some(variable.as_ref()), &usual, private);
        let variable = named.to_str().unwrap();
        assert_eq!(choose(variable), private);
        fs::create_dir(&usual).unwrap();
        assert_eq!(choose(variable), usual.join("tokenring"));
        fs::create_dir(&named).unwrap();
        assert_eq!(choose(variable), named.join("tokenring"));
        assert_eq!(choose("relative"), usual.join("tokenring"));
        assert_eq!(choose_folder(None, &usual, private), usual.join("tokenring"));
    }

    #[test]
    fn a_socket_without_a_process_and_a_missing_one_are_no_agent() {
        let place = tempfile::tempdir().unwrap();
        let socket = place.path().join("s.sock");
        assert!(matches!(AgentConnection::open(&socket), Ok(None)));
        drop(UnixListener::bind(&socket).unwrap());
        assert!(socket.exists(), "the name stays");
        assert!(matches!(AgentConnection::open(&socket), Ok(None)));
        let long = place.path().join("x".repeat(200));
        assert!(matches!(AgentConnection::open(&long), Err(StoreError::Session(_))));
    }

    #[test]
    fn a_process_that_never_replies_is_not_waited_for() {
        let place = tempfile::tempdir().unwrap();
        let socket = place.path().join("s.sock");
        let _silent = UnixListener::bind(&socket).unwrap();
        let connection = AgentConnection::open(&socket).ok().flatten().unwrap();
        assert_eq!(connection.peer.pid, rustix::process::getpid());
        let digest = IdentityDigest::from_contents(b"identity");
        let refused = connection.exchange(SessionCall::Open, &digest).unwrap_err();
        assert!(
            matches!(refused.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
            "{refused:?}"
        );
    }

    #[test]
    fn both_ends_of_an_own_connection_are_this_user() {
        let (one, other) = UnixStream::pair().unwrap();
        assert!(is_own_user(&one) && is_own_user(&other));
        let mode = fs::metadata(std::env::temp_dir()).unwrap().permissions().mode();
        assert_ne!(mode & 0o777, 0o700, "the shared folder is not private");
    }
}
