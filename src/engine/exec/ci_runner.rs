//! Runner of GitHub Actions: the commands that make it mask a secret in the log of a job.
//!
//! The runner reads the commands from the output of a step and does not show them. They belong on
//! standard error, because standard output may be the input of another program. A pipe that another
//! program reads, such as `tee`, would reveal the secret, so [`runner_reads_stderr`] looks for the
//! runner's end of the pipe first.

use zeroize::Zeroizing;

use crate::domain::Secret;

/// Variable that the runner sets in every step.
#[cfg(target_os = "linux")]
const RUNNER_VARIABLE: &str = "GITHUB_ACTIONS";

/// Name of the runner's process that starts the steps of a job and reads their output.
#[cfg(target_os = "linux")]
const RUNNER_PROCESS: &str = "Runner.Worker";

/// Shorter lines are not masked: the runner would replace them in the whole log, and one line of
/// JSON may be a single brace.
const MIN_MASKED_LINE_BYTES: usize = 4;

/// Returns the commands that make the runner mask these secrets, each line of a secret separately:
/// the runner compares lines.
pub fn mask_commands<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Zeroizing<Vec<u8>> {
    let mut commands = Zeroizing::new(Vec::new());
    for secret in secrets {
        secret.expose(|bytes| {
            bytes
                .split(|byte| matches!(byte, b'\n' | b'\r'))
                .map(<[u8]>::trim_ascii)
                .filter(|line| line.len() >= MIN_MASKED_LINE_BYTES)
                .for_each(|line| push_mask_command(&mut commands, line));
        });
    }
    commands
}

/// Appends the command for one line. The runner decodes `%25`.
fn push_mask_command(commands: &mut Vec<u8>, line: &[u8]) {
    commands.extend_from_slice(b"::add-mask::");
    for byte in line {
        match byte {
            b'%' => commands.extend_from_slice(b"%25"),
            byte => commands.push(*byte),
        }
    }
    commands.push(b'\n');
}

/// Returns whether standard error of this process is a pipe that a runner of GitHub Actions reads.
#[cfg(target_os = "linux")]
pub fn runner_reads_stderr() -> bool {
    if std::env::var_os(RUNNER_VARIABLE).is_none_or(|value| value != "true") {
        return false;
    }
    let Some(stderr) = pipe_identity("/proc/self/fd/2".as_ref()) else { return false };
    let Some(runner) = runner_process() else { return false };
    std::fs::read_dir(format!("/proc/{runner}/fd"))
        .is_ok_and(|files| files.flatten().any(|file| pipe_identity(&file.path()) == Some(stderr)))
}

/// Returns whether a runner reads standard error. Only Linux shows who reads a pipe.
#[cfg(not(target_os = "linux"))]
pub fn runner_reads_stderr() -> bool {
    false
}

/// Returns the device and the number of the pipe behind this path; `None` if it is no pipe.
#[cfg(target_os = "linux")]
fn pipe_identity(path: &std::path::Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
    let metadata = std::fs::metadata(path).ok()?;
    metadata.file_type().is_fifo().then(|| (metadata.dev(), metadata.ino()))
}

/// Returns the runner among the processes that this one descends from.
#[cfg(target_os = "linux")]
fn runner_process() -> Option<u32> {
    let mut process = std::os::unix::process::parent_id();
    while process > 1 {
        let name = std::fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
        if name.trim_end() == RUNNER_PROCESS {
            return Some(process);
        }
        process = parent_of(process)?;
    }
    None
}

#[cfg(target_os = "linux")]
fn parent_of(process: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands_for(secrets: &[&str]) -> String {
        let secrets: Vec<_> =
            secrets.iter().map(|text| Secret::from_text((*text).to_owned())).collect();
        String::from_utf8(mask_commands(&secrets).to_vec()).unwrap()
    }

    #[test]
    fn every_line_of_every_secret_is_masked_by_itself() {
        assert_eq!(
            commands_for(&["first-secret", "-----BEGIN\r\n  line%0A two \n\n}\nend=\n"]),
            "::add-mask::first-secret\n::add-mask::-----BEGIN\n::add-mask::line%250A two\n::add-mask::end=\n"
        );
    }

    #[test]
    fn a_line_that_is_part_of_every_log_is_not_masked() {
        assert_eq!(commands_for(&["}", "", " \n{\n"]), "");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_pipe_is_told_from_a_file_and_a_process_has_a_parent() {
        use std::os::fd::AsRawFd as _;
        let (reader, writer) = std::io::pipe().unwrap();
        let identity = |fd: i32| pipe_identity(format!("/proc/self/fd/{fd}").as_ref());
        assert!(identity(reader.as_raw_fd()).is_some());
        assert_eq!(identity(reader.as_raw_fd()), identity(writer.as_raw_fd()));
        assert_eq!(pipe_identity("/proc/self/exe".as_ref()), None);
        assert_eq!(parent_of(std::process::id()), Some(std::os::unix::process::parent_id()));
    }
}
