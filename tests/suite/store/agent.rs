//! Tests of the session of the encrypted file: unlocked once, other commands need no passphrase.
//! What the agent holds, who can ask it, and what happens when it, its socket or the vault is gone
//! or replaced. Start with [`SessionHome`].

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sha2::{Digest as _, Sha256};
use tokenring::util::hex::to_hex;

use crate::support::TEST_TIMEOUT;
use crate::support::program::{Home, Outcome, PASSPHRASE};

const SECRET: &str = "0000abcd-0000-4000-8000-00000000a9e7";
const NEW_PASSPHRASE: &str = "Hb4-chosen-for-Tr8-tests-Lp1";

/// User of another process, where the test runs as root.
const OTHER_USER: u32 = 65_534;

/// A home with one secret, whose commands know no passphrase unless they are given it.
struct SessionHome(Home);

impl SessionHome {
    fn new() -> Self {
        let home = Home::new();
        let add = ["add", "laptop", "--provider", "snyk", "--kind", "personal-token"];
        let place = ["--region", "eu", "--offline"];
        home.feed(&[&add[..], &place[..]].concat(), SECRET).expect(0);
        Self(home)
    }

    /// Runs the program without the passphrase.
    fn run(&self, arguments: &[&str]) -> Outcome {
        outcome(self.0.command(arguments).env_remove("TOKENRING_PASSPHRASE_FILE"))
    }

    /// Runs `store unlock` with the passphrase.
    fn unlock(&self, options: &[&str]) -> Outcome {
        self.0.run(&[&["store", "unlock"], options].concat())
    }

    /// Checks whether `get` opens the store without the passphrase.
    #[track_caller]
    fn assert_open(&self, is_open: bool) {
        let got = self.run(&["get", "laptop"]).expect(if is_open { 0 } else { 6 });
        assert_eq!(got.out == SECRET, is_open, "{}", got.err);
        assert!(is_open || got.err.contains("The store is locked"), "{}", got.err);
    }

    /// What `store status` says about the agent.
    #[track_caller]
    fn status(&self) -> String {
        let found = self.run(&["store", "status", "--json"]).json();
        let findings = found["findings"].as_array().unwrap();
        let about = |what: &str| what.contains("unlocked") || what.contains("agent");
        let finding = findings.iter().find(|one| about(one["what"].as_str().unwrap())).unwrap();
        format!("{} {} {}", finding["level"], finding["what"], finding["why"])
    }

    fn sockets(&self) -> PathBuf {
        self.0.runtime_folder().join("tokenring")
    }

    fn vault(&self) -> PathBuf {
        self.0.root().join("data/vault")
    }

    /// The only socket of an agent.
    #[track_caller]
    fn socket(&self) -> PathBuf {
        let names: Vec<_> = fs::read_dir(self.sockets()).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
        names.into_iter().next().unwrap().unwrap().path()
    }

    /// The process that listens on the socket, as the kernel names it.
    #[track_caller]
    fn agent(&self) -> Pid {
        let stream = UnixStream::connect(self.socket()).unwrap();
        rustix::net::sockopt::socket_peercred(&stream).unwrap().pid
    }

    /// Number of agents of this home that live. The kernel lists the sockets that are bound.
    fn living_agents(&self) -> usize {
        let bound = fs::read_to_string("/proc/net/unix").unwrap();
        let folder = self.sockets();
        // The flags of a socket that listens.
        let listens = |line: &&str| line.split_whitespace().nth(3) == Some("00010000");
        bound.lines().filter(listens).filter(|line| line.contains(folder.to_str().unwrap())).count()
    }
}

fn outcome(command: &mut Command) -> Outcome {
    let done = command.output().unwrap();
    Outcome {
        code: done.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&done.stdout).into_owned(),
        err: String::from_utf8_lossy(&done.stderr).into_owned(),
    }
}

#[track_caller]
fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + TEST_TIMEOUT;
    while !holds() {
        assert!(Instant::now() < end, "timed out: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a process exists and is not only waiting for its parent to notice its end.
fn lives(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    stat.is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim().starts_with('Z'))
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn unlocked_once_no_command_needs_the_passphrase_until_it_is_locked() {
    let home = SessionHome::new();
    home.assert_open(false);
    assert!(home.status().contains("\"ok\" \"No agent"), "{}", home.status());
    let told = home.unlock(&[]).expect(0);
    assert!(told.err.contains("encrypted file: unlocked until 20"), "{}", told.err);
    assert!(told.err.contains("or after 1 h without use"), "{}", told.err);
    home.assert_open(true);
    let print = ["exec", "laptop", "--", "sh", "-c", "printf %s \"$SNYK_TOKEN\""];
    assert_eq!(home.run(&print).expect(0).out, SECRET);
    home.run(&["store", "status"]).expect(0);
    assert!(home.status().contains("\"ok\" \"An agent keeps the store unlocked\""));
    assert!(home.status().contains("since 20"), "{}", home.status());
    let doctor = home.run(&["doctor", "--offline"]);
    assert!(doctor.out.contains("An agent keeps the store unlocked"), "{}", doctor.out);
    assert!(doctor.out.contains("Store write/read test passed"), "{}", doctor.out);

    let agent = home.agent();
    let told = home.run(&["store", "unlock"]).expect(0);
    assert!(told.err.contains("already unlocked until"), "{}", told.err);
    assert_eq!(home.agent(), agent, "it is the same one");
    home.run(&["store", "unlock", "--for", "10m"]).expect(6);
    assert_eq!(home.agent(), agent, "more time needs the passphrase");
    let told = home.unlock(&["--for", "10m"]).expect(0);
    assert!(told.err.contains("or after 10 min without use"), "{}", told.err);
    wait_until("the earlier agent has ended", || !lives(agent));

    let agent = home.agent();
    let told = home.run(&["store", "lock"]).expect(0);
    assert_eq!(told.err.trim(), "encrypted file: locked");
    home.assert_open(false);
    wait_until("the agent has ended", || !lives(agent));
    assert_eq!(fs::read_dir(home.sockets()).unwrap().count(), 0, "it leaves no socket");
    let told = home.run(&["store", "lock"]).expect(0);
    assert!(told.err.contains("it was not unlocked"), "{}", told.err);
}

#[test]
fn a_session_ends_at_its_time_and_without_use() {
    for limits in [["--for", "300ms"], ["--idle", "300ms"]] {
        let home = SessionHome::new();
        home.unlock(&limits).expect(0);
        wait_until("the agent has ended", || home.living_agents() == 0);
        assert_eq!(fs::read_dir(home.sockets()).unwrap().count(), 0, "it leaves no socket");
        home.assert_open(false);
    }
    let home = SessionHome::new();
    home.unlock(&["--for", "0s"]).expect(2);
    home.unlock(&["--for", "25h"]).expect(2);
    assert!(!home.sockets().exists());
}

#[test]
fn the_agent_has_the_key_and_nothing_of_its_starter() {
    let home = SessionHome::new();
    let open = home.0.runtime_folder().join("open");
    fs::write(&open, "").unwrap();
    // The shell leaves a file open, as `flock` does.
    let script = r#"exec 7<"$0"; exec "$@""#;
    let program = home.0.command(&[]).get_program().to_owned();
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(&open).arg(program).args(["store", "unlock"]);
    shell.envs(home.0.command(&[]).get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("SNYK_TOKEN", SECRET);
    // It returns although the agent lives: the agent has none of the pipes.
    outcome(&mut shell).expect(0);

    let agent = home.agent().as_raw_nonzero();
    let read = |name: &str| fs::read(format!("/proc/{agent}/{name}")).unwrap();
    let arguments = String::from_utf8(read("cmdline")).unwrap();
    assert!(arguments.ends_with("tokenring\0store\0agent\0"), "{arguments:?}");
    let stat = String::from_utf8(read("stat")).unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // Of its own session, and without a terminal.
    assert_eq!((fields[3], fields[4]), (agent.to_string().as_str(), "0"), "{stat}");
    let limits = String::from_utf8(read("limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");

    let modes = [home.sockets(), home.socket()].map(|path| fs::metadata(path).unwrap());
    assert_eq!(modes.map(|found| found.permissions().mode() & 0o777), [0o700, 0o600]);
    for text in ["AGE-SECRET-KEY", SECRET, PASSPHRASE] {
        let searched = [home.0.root(), home.sockets()];
        assert!(searched.iter().all(|folder| !contains(folder, text)), "{text} is in a file");
    }

    let Ok(environment) = fs::read(format!("/proc/{agent}/environ")) else {
        return println!("skipped: the agent cannot be looked into, as intended; root could");
    };
    assert_eq!(String::from_utf8_lossy(&environment), "");
    assert_eq!(fs::read_link(format!("/proc/{agent}/cwd")).unwrap(), Path::new("/"));
    let mut files: Vec<_> = fs::read_dir(format!("/proc/{agent}/fd"))
        .unwrap()
        .filter_map(|fd| fs::read_link(fd.unwrap().path()).ok())
        .map(|file| file.to_string_lossy().split('[').next().unwrap_or_default().to_owned())
        .collect();
    files.sort();
    files.dedup();
    assert_eq!(files, ["/dev/null", "anon_inode:", "anon_inode:inotify", "socket:"]);
}

/// Whether a file below a folder contains a text.
fn contains(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        let found = || fs::read(&path).unwrap_or_default();
        if path.is_dir() {
            contains(&path, text)
        } else {
            found().windows(text.len()).any(|bytes| bytes == text.as_bytes())
        }
    })
}

#[test]
fn an_idle_agent_does_not_wake_up() {
    let home = SessionHome::new();
    home.unlock(&[]).expect(0);
    let agent = home.agent().as_raw_nonzero();
    let status = || fs::read_to_string(format!("/proc/{agent}/status")).unwrap();
    let line =
        |name: &str| status().lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    // It has served the connection that told its number.
    wait_until("it sleeps", || line("State:").contains("sleeping"));
    let before = line("voluntary_ctxt_switches");
    for _ in 0..5 {
        home.run(&["--version"]).expect(0);
    }
    assert_eq!(line("voluntary_ctxt_switches"), before);
}

#[test]
fn a_killed_agent_and_its_socket_are_like_none() {
    let home = SessionHome::new();
    home.unlock(&[]).expect(0);
    let agent = home.agent();
    kill_process(agent, Signal::KILL).unwrap();
    wait_until("the agent has ended", || !lives(agent));
    assert!(home.socket().exists(), "a killed process leaves its socket");
    home.assert_open(false);
    assert_eq!(home.0.run(&["get", "laptop"]).expect(0).out, SECRET);
    assert!(home.status().contains("No agent"), "{}", home.status());
    home.unlock(&[]).expect(0);
    home.assert_open(true);

    // An agent whose socket is removed cannot be asked any more.
    let agent = home.agent();
    fs::remove_file(home.socket()).unwrap();
    wait_until("the agent has ended", || !lives(agent));
}

#[test]
fn an_agent_that_does_not_respond_is_told_and_can_be_ended() {
    let home = SessionHome::new();
    home.unlock(&[]).expect(0);
    let agent = home.agent();
    kill_process(agent, Signal::STOP).unwrap();
    home.assert_open(false);
    assert_eq!(home.0.run(&["get", "laptop"]).expect(0).out, SECRET);
    assert!(home.status().starts_with("\"warn\""), "{}", home.status());
    assert!(home.status().contains("the agent does not respond"), "{}", home.status());
    home.run(&["store", "lock"]).expect(0);
    wait_until("the agent has ended", || !lives(agent));
    assert!(home.status().contains("No agent"), "{}", home.status());
}

#[test]
fn an_agent_of_another_version_is_told() {
    let home = SessionHome::new();
    home.unlock(&[]).expect(0);
    let socket = home.socket();
    home.run(&["store", "lock"]).expect(0);
    let other = UnixListener::bind(&socket).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Until it is asked nothing.
            while let Ok((mut stream, _)) = other.accept()
                && BufReader::new(&stream).read_line(&mut String::new()).is_ok_and(|read| read > 0)
            {
                let _ = stream.write_all(br#"{"protocol":7,"session":"sealed"}"#);
            }
        });
        let got = home.run(&["get", "laptop"]);
        let told = home.status();
        drop(UnixStream::connect(&socket).unwrap());
        assert_eq!((got.code, got.err.contains("The store is locked")), (6, true), "{}", got.err);
        assert!(told.contains("\"warn\"") && told.contains("another version"), "{told}");
    });
}

#[test]
fn a_changed_passphrase_and_another_vault_are_noticed() {
    let home = SessionHome::new();
    home.unlock(&[]).expect(0);
    let new = home.0.root().join("new");
    fs::write(&new, NEW_PASSPHRASE).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).unwrap();
    let new = new.to_str().unwrap();
    let told = home.0.run(&["store", "passphrase", "--new-passphrase-file", new]).expect(0);
    assert!(told.err.contains("the store is locked"), "{}", told.err);
    wait_until("the agent has ended", || home.living_agents() == 0);
    home.assert_open(false);

    // Another vault at the same path, such as one from a backup.
    let (home, other) = (SessionHome::new(), SessionHome::new());
    home.unlock(&[]).expect(0);
    for name in ["identity.age", "vault.age"] {
        fs::copy(other.vault().join(name), home.vault().join(name)).unwrap();
    }
    home.assert_open(false);
    wait_until("the agent has ended", || home.living_agents() == 0);
    // Older items under the same identity file cannot be opened, and are not reported as open.
    let home = SessionHome::new();
    home.unlock(&[]).expect(0);
    fs::copy(other.vault().join("vault.age"), home.vault().join("vault.age")).unwrap();
    home.assert_open(false);
}

#[test]
fn each_vault_has_an_agent_and_of_two_at_once_one_remains() {
    let (home, other) = (SessionHome::new(), SessionHome::new());
    let folder = home.0.runtime_folder().to_str().unwrap().to_owned();
    home.unlock(&[]).expect(0);
    let mut get = other.0.command(&["get", "laptop"]);
    get.env_remove("TOKENRING_PASSPHRASE_FILE").env("XDG_RUNTIME_DIR", &folder);
    outcome(&mut get).expect(6);
    outcome(other.0.command(&["store", "unlock"]).env("XDG_RUNTIME_DIR", &folder)).expect(0);
    outcome(&mut get).expect(0);
    home.assert_open(true);
    outcome(other.0.command(&["store", "lock"]).env("XDG_RUNTIME_DIR", &folder)).expect(0);
    home.assert_open(true);

    let options = ["store", "unlock", "--for", "1h"];
    let unlock = || home.0.command(&options).stderr(Stdio::null()).spawn();
    let many: Vec<_> = (0..4).map(|_| unlock()).collect();
    for one in many {
        assert!(one.unwrap().wait().unwrap().success());
    }
    wait_until("one agent remains", || home.living_agents() == 1);
    home.assert_open(true);
}

#[test]
fn a_runtime_folder_that_others_can_change_is_refused() {
    let home = SessionHome::new();
    let folder = home.0.runtime_folder();
    let refused = |words: &str| {
        let told = home.unlock(&[]).expect(6);
        assert!(told.err.contains(words), "{}", told.err);
        assert_eq!(home.0.run(&["get", "laptop"]).expect(0).out, SECRET);
        assert!(home.status().contains(words), "{}", home.status());
    };
    let set_mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    set_mode(&folder, 0o755);
    refused("is accessible to other users (mode 755)");
    set_mode(&folder, 0o700);
    fs::write(folder.join("tokenring"), "").unwrap();
    set_mode(&folder.join("tokenring"), 0o600);
    refused("is not a folder");
    fs::remove_file(folder.join("tokenring")).unwrap();
    fs::create_dir(folder.join("tokenring")).unwrap();
    set_mode(&folder.join("tokenring"), 0o770);
    refused("is accessible to other users (mode 770)");
    if is_root() {
        fs::remove_dir(folder.join("tokenring")).unwrap();
        chown(&folder, Some(OTHER_USER), None).unwrap();
        refused("belongs to another user");
    } else {
        println!("skipped: only root can give a folder to another user");
    }
}

#[test]
fn another_user_gets_no_response_and_the_memory_cannot_be_read() {
    let home = SessionHome::new();
    if !is_root() {
        home.unlock(&[]).expect(0);
        let memory = format!("/proc/{}/mem", home.agent().as_raw_nonzero());
        fs::File::open(memory).unwrap_err();
        return println!("skipped: only root can be another user");
    }
    // The agent runs as another user, and this test asks it as root.
    give_to_other_user(home.0.runtime_folder().parent().unwrap());
    let as_other =
        |command: &mut Command| outcome(command.uid(OTHER_USER).gid(OTHER_USER).current_dir("/"));
    let started = as_other(&mut home.0.command(&["store", "unlock"]));
    if started.code == -1 || started.err.contains("cannot start") {
        return println!("skipped: another user cannot run the program: {}", started.err);
    }
    started.expect(0);
    let mut get = home.0.command(&["get", "laptop"]);
    get.env_remove("TOKENRING_PASSPHRASE_FILE");
    assert_eq!(as_other(&mut get).expect(0).out, SECRET, "its own user is served");

    let identity = fs::read(home.vault().join("identity.age")).unwrap();
    let digest = to_hex(&Sha256::digest(identity));
    let mut stream = UnixStream::connect(home.socket()).unwrap();
    let request = format!(r#"{{"protocol":1,"call":"open","identity":"{digest}"}}"#);
    let _ = stream.write_all(request.as_bytes());
    let _ = stream.shutdown(Shutdown::Write);
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    assert!(reply.is_empty(), "{}", String::from_utf8_lossy(&reply));

    let agent = home.agent().as_raw_nonzero();
    let mut read = Command::new("cat");
    let refused = as_other(read.arg(format!("/proc/{agent}/mem")));
    assert!(refused.err.contains("Permission denied"), "{}", refused.err);
}

fn give_to_other_user(path: &Path) {
    chown(path, Some(OTHER_USER), Some(OTHER_USER)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give_to_other_user(&entry.unwrap().path());
        }
    }
}

#[test]
fn the_kernel_keyring_holds_a_session_without_a_process() {
    let home = SessionHome::new();
    let started = home.unlock(&["--in", "kernel-keyring", "--for", "10m"]);
    if started.err.contains("the kernel keyring cannot be used here") {
        return println!("skipped: {}", started.err);
    }
    started.expect(0);
    assert_eq!((home.living_agents(), home.sockets().exists()), (0, false));
    home.assert_open(true);
    assert!(home.status().contains("The kernel keyring keeps"), "{}", home.status());
    home.run(&["store", "lock"]).expect(0);
    home.assert_open(false);
    assert!(home.status().contains("No agent"), "{}", home.status());
    assert!(!home.vault().join("kernel-keyring").exists());

    home.unlock(&["--in", "kernel-keyring", "--for", "1s"]).expect(0);
    wait_until("the kernel has removed the key", || home.run(&["get", "laptop"]).code == 6);
    // Of an agent and the kernel, the later one holds the session alone.
    home.unlock(&["--in", "kernel-keyring"]).expect(0);
    home.unlock(&["--in", "agent"]).expect(0);
    kill_process(home.agent(), Signal::KILL).unwrap();
    home.assert_open(false);
}

#[test]
fn the_screen_and_the_session_are_locked_together() {
    let home = SessionHome::new();
    home.unlock(&[]).expect(0);
    // The screen never reads the passphrase file.
    let mut pty = home.0.screen();
    pty.expect("store ● encrypted file");
    pty.send("x");
    pty.expect(&SECRET[..20]);
    // Locked in another terminal: the screen reads no secret any more.
    home.run(&["store", "lock"]).expect(0);
    pty.send("xx");
    pty.expect("Unlock store");
    pty.escape();
    pty.expect_gone("Unlock store");
    pty.close("q").code();

    home.unlock(&[]).expect(0);
    let mut pty = home.0.screen();
    pty.expect("store ● encrypted file");
    pty.send("\x0c");
    pty.expect("The screen is locked");
    wait_until("the agent has ended", || home.living_agents() == 0);
    home.assert_open(false);
    pty.send(&format!("{PASSPHRASE}\r"));
    pty.expect("store ● encrypted file");
    pty.close("q").code();
}
