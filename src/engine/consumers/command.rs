//! Delivery of a secret to commands that read it from their standard input.
//!
//! A command gets a small environment, no trace of the secret in its arguments, and a deadline
//! after which it and all its child processes are killed. Its output is limited in size, sanitized,
//! and shown without the secret. Start at `run`.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Child;
use zeroize::Zeroizing;

use super::error::ConsumerError;
use crate::domain::consumer::{CommandLine, StdinCommand};
use crate::domain::redact::SecretRedactor;
use crate::domain::{Secret, text};

/// Maximum output of a command that is stored, in bytes.
const MAX_OUTPUT_BYTES: usize = 1 << 20;

/// Maximum output of a command that is shown, in lines and in characters.
const MAX_SHOWN_LINES: usize = 8;
const MAX_SHOWN_CHARS: usize = 800;

/// How long the output of a command that has exited may stay open, because one of its child
/// processes still has it.
const OUTPUT_CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// Environment variables that every command inherits.
const PASSED_VARIABLES: [&str; 40] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "TZ",
    "TMPDIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "XDG_CACHE_HOME",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SystemRoot",
    "SystemDrive",
    "ComSpec",
    "PATHEXT",
    "USERPROFILE",
    "USERNAME",
    "APPDATA",
    "LOCALAPPDATA",
    "ProgramData",
    "ProgramFiles",
    "TEMP",
    "TMP",
];

/// Result of a command.
struct CommandOutcome {
    status: ExitStatus,
    stdout: Zeroizing<Vec<u8>>,
    stderr: Zeroizing<Vec<u8>>,
}

/// Delivers the secret with the first pipeline that succeeds; each command has `deadline` to
/// finish. Returns a description of the commands that ran.
pub(super) async fn run(
    command: &StdinCommand,
    secret: &Secret,
    deadline: Duration,
) -> Result<String, ConsumerError> {
    let mut redactor = SecretRedactor::default();
    redactor.add_secret(secret);
    refuse_secret_arguments(command, secret)?;
    if !command.working_dir.is_dir() {
        return Err(ConsumerError::NotFound(command.working_dir.clone()));
    }
    let mut refusals = Vec::new();
    for pipeline in &command.pipelines {
        match run_pipeline(pipeline, command, secret, deadline).await {
            Ok(()) => return Ok(format!("`{}` exited with status 0", describe_pipeline(pipeline))),
            Err(CommandFailure::Fatal(error)) => return Err(error),
            Err(CommandFailure::Rejected(why)) => {
                refusals.push(redact_for_display(&redactor, &why));
            }
        }
    }
    Err(ConsumerError::ProgramFailed(refusals.join("; ")))
}

/// Checks that all programs can be found.
pub(super) fn check_programs(command: &StdinCommand) -> Result<(), ConsumerError> {
    let programs = command.pipelines.iter().flatten().filter_map(|argv| argv.first());
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |program: &str| {
        let named = Path::new(program).components().count() > 1;
        if named {
            return command.working_dir.join(program).is_file();
        }
        let suffix = std::env::consts::EXE_SUFFIX;
        std::env::split_paths(&folders).any(|folder| {
            folder.join(program).is_file() || folder.join(format!("{program}{suffix}")).is_file()
        })
    };
    match programs.into_iter().find(|program| !is_there(program)) {
        Some(missing) => Err(ConsumerError::ProgramNotFound(missing.clone())),
        None => Ok(()),
    }
}

/// Why a pipeline failed.
enum CommandFailure {
    /// A command rejected the secret; another pipeline may work.
    Rejected(String),
    /// No other pipeline can work either.
    Fatal(ConsumerError),
}

async fn run_pipeline(
    pipeline: &[CommandLine],
    command: &StdinCommand,
    secret: &Secret,
    deadline: Duration,
) -> Result<(), CommandFailure> {
    let mut input = Zeroizing::new(secret.expose(<[u8]>::to_vec));
    for (index, argv) in pipeline.iter().enumerate() {
        let CommandOutcome { status, stdout: out, stderr: err } =
            run_program(argv, command, &input, deadline).await.map_err(CommandFailure::Fatal)?;
        if !status.success() {
            let output = if err.trim_ascii().is_empty() { &out } else { &err };
            return Err(CommandFailure::Rejected(format!(
                "`{}` {}{}",
                describe_pipeline(pipeline),
                describe_exit_status(status),
                quote_output(output)
            )));
        }
        // The input of the next command must be complete; an empty output or its first half would
        // be delivered as if it were the whole.
        if index + 1 < pipeline.len() && (out.is_empty() || out.len() >= MAX_OUTPUT_BYTES) {
            let why = if out.is_empty() {
                "produced no output"
            } else {
                "produced more than 1 MiB of output"
            };
            return Err(CommandFailure::Rejected(format!(
                "`{}` {why} for the next command",
                argv.join(" ")
            )));
        }
        input = out;
    }
    Ok(())
}

async fn run_program(
    argv: &CommandLine,
    command: &StdinCommand,
    input: &[u8],
    deadline: Duration,
) -> Result<CommandOutcome, ConsumerError> {
    let [program, arguments @ ..] = argv.as_slice() else {
        return Err(ConsumerError::ProgramNotFound(String::new()));
    };
    let mut child =
        spawn_program(program, arguments, command).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ConsumerError::ProgramNotFound(program.clone()),
            _ => ConsumerError::ProgramFailed(format!("`{program}` could not be started: {error}")),
        })?;
    let group = child.id();
    if let Ok(done) = tokio::time::timeout(deadline, feed_and_wait(&mut child, input)).await {
        return done.map_err(|error| {
            ConsumerError::ProgramFailed(format!("`{program}` could not be waited for: {error}"))
        });
    }
    end_group(group);
    // Wait for the process, so that no zombie remains.
    let _ = child.kill().await;
    Err(ConsumerError::ProgramTimedOut { program: program.clone(), seconds: deadline.as_secs() })
}

fn spawn_program(program: &str, arguments: &[String], command: &StdinCommand) -> io::Result<Child> {
    let mut starting = tokio::process::Command::new(program);
    let known =
        PASSED_VARIABLES.iter().copied().chain(command.passed_env_vars.iter().map(String::as_str));
    let variables = known.filter_map(|name| Some((name, std::env::var_os(name)?)));
    starting
        .args(arguments)
        .env_clear()
        .envs(variables)
        .current_dir(&command.working_dir)
        .kill_on_drop(true);
    #[cfg(unix)]
    starting.process_group(0);
    starting.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
}

/// Feeds the command, reads its output and waits until it exits.
async fn feed_and_wait(child: &mut Child, input: &[u8]) -> io::Result<CommandOutcome> {
    let stdin = child.stdin.take();
    let (out, err) =
        (tokio::spawn(drain(child.stdout.take())), tokio::spawn(drain(child.stderr.take())));
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A command that does not read its input shows by its exit status whether that is an
            // error.
            let _ = stdin.write_all(input).await;
            let _ = stdin.shutdown().await;
        }
    };
    let (status, ()) = tokio::join!(child.wait(), feed);
    Ok(CommandOutcome {
        status: status?,
        stdout: read_output(out).await,
        stderr: read_output(err).await,
    })
}

/// Returns the output, or nothing if another process still holds the other end.
async fn read_output(reader: tokio::task::JoinHandle<Zeroizing<Vec<u8>>>) -> Zeroizing<Vec<u8>> {
    tokio::time::timeout(OUTPUT_CLOSE_TIMEOUT, reader)
        .await
        .ok()
        .and_then(Result::ok)
        .unwrap_or_default()
}

/// Reads to the end and stores the first part.
async fn drain(reader: Option<impl AsyncRead + Unpin>) -> Zeroizing<Vec<u8>> {
    let mut kept = Zeroizing::new(Vec::new());
    let Some(mut reader) = reader else { return kept };
    let mut buffer = Zeroizing::new(vec![0; 8192]);
    while let Ok(count @ 1..) = reader.read(&mut buffer).await {
        let room = MAX_OUTPUT_BYTES.saturating_sub(kept.len());
        kept.extend_from_slice(&buffer[..count.min(room)]);
    }
    kept
}

#[cfg(unix)]
fn end_group(leader: Option<u32>) {
    let leader =
        leader.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(leader) = leader {
        let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
    }
}

#[cfg(not(unix))]
fn end_group(_leader: Option<u32>) {}

fn refuse_secret_arguments(command: &StdinCommand, secret: &Secret) -> Result<(), ConsumerError> {
    let holds = |argument: &str| {
        secret.expose(|bytes| {
            !bytes.is_empty()
                && argument.as_bytes().windows(bytes.len()).any(|window| window == bytes)
        })
    };
    let offending =
        command.pipelines.iter().flatten().find(|argv| argv.iter().any(|argument| holds(argument)));
    offending.map_or(Ok(()), |argv| {
        Err(ConsumerError::SecretInArgument(argv.first().cloned().unwrap_or_default()))
    })
}

/// Formats the commands of a pipeline with their first words; the rest is in the consumer's
/// definition.
fn describe_pipeline(pipeline: &[CommandLine]) -> String {
    let stages = pipeline
        .iter()
        .map(|argv| argv.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(" "));
    stages.collect::<Vec<_>>().join(" | ")
}

fn describe_exit_status(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exited with status {code}"),
        None => format!("was killed by a signal ({status})"),
    }
}

fn quote_output(output: &[u8]) -> String {
    let whole = output.len() < MAX_OUTPUT_BYTES;
    let output = String::from_utf8_lossy(output);
    let lines: Vec<_> = output.trim().lines().collect();
    // The last lines say most, but in truncated output they may contain a part of the secret.
    let skipped = if whole { lines.len().saturating_sub(MAX_SHOWN_LINES) } else { 0 };
    let shown: Vec<_> = lines.into_iter().skip(skipped).take(MAX_SHOWN_LINES).collect();
    if shown.is_empty() { " without output".to_owned() } else { format!(": {}", shown.join("\n")) }
}

/// Redacts the output and prepares it for display. It is redacted before it is shortened, so that
/// no part of a secret remains at the cut, and after color codes are removed, because they may be
/// inside the secret.
fn redact_for_display(redactor: &SecretRedactor, output: &str) -> String {
    text::sanitize(&redactor.redact(&text::strip_escape_sequences(output)))
        .chars()
        .take(MAX_SHOWN_CHARS)
        .collect()
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    const SECRET: &str = "s3cr3t-of-this-test";
    const TEST_TIMEOUT: Duration = Duration::from_secs(20);

    fn shell(scripts: &[&str]) -> StdinCommand {
        let pipeline =
            scripts.iter().map(|script| ["sh", "-c", script].map(str::to_owned).to_vec()).collect();
        StdinCommand {
            pipelines: vec![pipeline],
            working_dir: std::env::temp_dir(),
            passed_env_vars: Vec::new(),
        }
    }

    async fn deliver(command: &StdinCommand) -> Result<String, ConsumerError> {
        run(command, &Secret::from_text(SECRET.to_owned()), TEST_TIMEOUT).await
    }

    #[tokio::test]
    async fn the_secret_arrives_on_standard_input_alone_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let script = "cat > got; env > environment; tr '\\0' ' ' < /proc/self/cmdline > arguments";
        let command = StdinCommand { working_dir: folder.path().to_owned(), ..shell(&[script]) };
        assert!(deliver(&command).await.unwrap().contains("status 0"));
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("got"), SECRET);
        assert!(!read("environment").contains(SECRET) && !read("arguments").contains(SECRET));
    }

    #[tokio::test]
    async fn the_environment_is_small() {
        let command = shell(&["env | grep -c ^CARGO >&2; exit 1"]);
        assert_eq!(
            deliver(&command).await,
            Err(ConsumerError::ProgramFailed(
                "`sh -c env | grep -c ^CARGO >&2; exit 1` exited with status 1: 0".to_owned()
            ))
        );
    }

    #[tokio::test]
    async fn programs_are_chained_and_the_first_failure_ends_the_chain() {
        let folder = tempfile::tempdir().unwrap();
        let chained = StdinCommand {
            working_dir: folder.path().to_owned(),
            ..shell(&["tr a-z A-Z", "cat > got"])
        };
        deliver(&chained).await.unwrap();
        assert_eq!(
            std::fs::read_to_string(folder.path().join("got")).unwrap(),
            SECRET.to_uppercase()
        );
        let broken = StdinCommand {
            working_dir: folder.path().to_owned(),
            ..shell(&["exit 7", "touch reached"])
        };
        assert!(
            matches!(deliver(&broken).await, Err(ConsumerError::ProgramFailed(why)) if why.contains("status 7"))
        );
        assert!(!folder.path().join("reached").exists());
    }

    #[tokio::test]
    async fn another_pipeline_is_tried_and_all_refusals_are_reported() {
        let mut command = shell(&["echo no >&2; exit 1"]);
        command.pipelines.push(shell(&["cat > /dev/null"]).pipelines.remove(0));
        deliver(&command).await.unwrap();
        command.pipelines[1] = shell(&["echo never >&2; exit 2"]).pipelines.remove(0);
        let Err(ConsumerError::ProgramFailed(why)) = deliver(&command).await else {
            panic!("it cannot succeed")
        };
        assert!(why.contains("status 1: no") && why.contains("status 2: never"), "{why}");
    }

    #[tokio::test]
    async fn what_a_program_says_is_shown_without_the_secret_and_without_escapes() {
        let script = "read s; printf 'got %s\\033[2J and ' \"$s\" >&2; printf %s \"$s\" | base64 >&2; exit 3";
        let Err(ConsumerError::ProgramFailed(why)) = deliver(&shell(&[script])).await else {
            panic!("it cannot succeed")
        };
        assert!(why.contains("got ‹secret›") && !why.contains('\u{1b}'), "{why}");
        assert!(!why.contains(SECRET) && !why.contains("czNjcjN0"), "{why}");
    }

    #[tokio::test]
    async fn a_flood_is_drained_and_bounded() {
        let Err(ConsumerError::ProgramFailed(why)) =
            deliver(&shell(&["head -c 9000000 /dev/zero | tr '\\0' x >&2; exit 1"])).await
        else {
            panic!("it cannot succeed")
        };
        assert!(why.chars().count() <= MAX_SHOWN_CHARS);
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_ended_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let command = StdinCommand {
            working_dir: folder.path().to_owned(),
            ..shell(&["sleep 1000 & echo $! > child; wait"])
        };
        let begun = Instant::now();
        let secret = Secret::from_text(SECRET.to_owned());
        let error = run(&command, &secret, Duration::from_secs(1)).await.unwrap_err();
        assert_eq!(error, ConsumerError::ProgramTimedOut { program: "sh".to_owned(), seconds: 1 });
        assert!(begun.elapsed() < TEST_TIMEOUT);
        let child: i32 =
            std::fs::read_to_string(folder.path().join("child")).unwrap().trim().parse().unwrap();
        let child = rustix::process::Pid::from_raw(child).unwrap();
        while rustix::process::test_kill_process(child).is_ok() && !is_zombie(child) {
            assert!(begun.elapsed() < TEST_TIMEOUT, "it still runs");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn is_zombie(pid: rustix::process::Pid) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()))
            .unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z'))
    }

    #[tokio::test]
    async fn a_program_that_leaves_a_child_behind_is_not_waited_for() {
        deliver(&shell(&["cat > /dev/null; sleep 30 & exit 0"])).await.unwrap();
    }

    #[tokio::test]
    async fn missing_programs_folders_and_secret_arguments_are_distinguished() {
        let missing = StdinCommand {
            pipelines: vec![vec![vec!["no-such-program-here".to_owned()]]],
            ..shell(&[])
        };
        assert_eq!(
            deliver(&missing).await,
            Err(ConsumerError::ProgramNotFound("no-such-program-here".to_owned()))
        );
        assert_eq!(
            check_programs(&missing),
            Err(ConsumerError::ProgramNotFound("no-such-program-here".to_owned()))
        );
        assert_eq!(check_programs(&shell(&["true"])), Ok(()));
        let nowhere = StdinCommand { working_dir: "/no/such/folder".into(), ..shell(&["true"]) };
        assert_eq!(deliver(&nowhere).await, Err(ConsumerError::NotFound("/no/such/folder".into())));
        let told = shell(&[&format!("echo {SECRET}")]);
        assert_eq!(deliver(&told).await, Err(ConsumerError::SecretInArgument("sh".to_owned())));
    }
}
