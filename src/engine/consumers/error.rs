//! Errors of a delivery: why a consumer did not get the secret, and how to fix it.

use std::io;
use std::path::{Path, PathBuf};

use crate::domain::problem::Problem;

/// Why a consumer did not get the secret. The consumer's previous content is unchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::engine) enum ConsumerError {
    /// The file does not exist. A delivery creates none, because perhaps no program reads it.
    #[error("{} does not exist", .0.display())]
    NotFound(PathBuf),
    /// The path is not a regular file.
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// The path is a symbolic link that was not recorded when the consumer was added.
    #[error(
        "{} is a symbolic link to {}, which was not recorded when the consumer was added",
        .path.display(), .destination.display()
    )]
    UnexpectedLink {
        /// Path of the link.
        path: PathBuf,
        /// File that it leads to.
        destination: PathBuf,
    },
    /// The file is read-only.
    #[error("{} is read-only", .0.display())]
    ReadOnly(PathBuf),
    /// The file has more hard links, which would keep the old secret.
    #[cfg(unix)]
    #[error("{} has more hard links, which would keep the old secret", .0.display())]
    HardLinks(PathBuf),
    /// The owner or group of the file cannot be preserved.
    #[error("{} belongs to another user or group, which a new file cannot preserve", .0.display())]
    OwnerNotPreservable(PathBuf),
    /// The content does not have the expected format, so it is not changed.
    #[error("{}{}: {why}", .path.display(), in_line(*.line))]
    InvalidFormat {
        /// The file.
        path: PathBuf,
        /// Line, from 1, where it is known.
        line: Option<usize>,
        /// The error, without any content of the file.
        why: &'static str,
    },
    /// The standard input does not have the expected format.
    #[error("standard input{}: {why}", in_line(Some(*.line)))]
    InvalidInput {
        /// Line, from 1.
        line: usize,
        /// The error, without any content of the input.
        why: &'static str,
    },
    /// The file is valid, but it does not contain the location.
    #[error("{}: {why}", .path.display())]
    LocationNotFound {
        /// The file.
        path: PathBuf,
        /// What the file contains instead.
        why: String,
    },
    /// The location stands more than once in the file, with different values.
    #[error("{}: {location} stands there more than once, with different values (lines {})", .path.display(), join_lines(.lines))]
    Repeated {
        /// The file.
        path: PathBuf,
        /// Key, pointer or member.
        location: String,
        /// Lines, from 1.
        lines: Vec<usize>,
    },
    /// The location holds a reference to a secret or a placeholder for one.
    #[error("{}: the value of {location} is {reference}, not a secret", .path.display())]
    HoldsReference {
        /// The file.
        path: PathBuf,
        /// Key, pointer or member.
        location: String,
        /// What the value is.
        reference: String,
    },
    /// The format cannot represent the secret.
    #[error("the secret contains {0}, which this format cannot represent for every reader")]
    UnrepresentableSecret(&'static str),
    /// Another process holds the lock of the file.
    #[error("another process holds the lock of {}", .0.display())]
    LockTimeout(PathBuf),
    /// Another process changed the file at the same time.
    #[error("another process changed {} at the same time", .0.display())]
    ChangedConcurrently(PathBuf),
    /// Error of the operating system.
    #[error("{}: {why}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Message of the operating system.
        why: String,
    },
    /// The program is not installed.
    #[error("the program \"{0}\" was not found")]
    ProgramNotFound(String),
    /// The program exited with a status other than 0; contains its shortened output.
    #[error("{0}")]
    ProgramFailed(String),
    /// The program did not exit in time.
    #[error("\"{program}\" did not exit within {seconds} s and was killed")]
    ProgramTimedOut {
        /// The program.
        program: String,
        /// The deadline, in seconds.
        seconds: u64,
    },
    /// The secret is in an argument, which every user of this machine can read.
    #[error(
        "an argument of \"{0}\" contains the secret, and every user of this machine can read arguments"
    )]
    SecretInArgument(String),
}

impl ConsumerError {
    /// Returns whether the error is that the file does not exist.
    pub(in crate::engine) const fn is_missing(&self) -> bool {
        matches!(self, Self::NotFound(_))
    }

    /// Converts an I/O error.
    pub(super) fn from_io(path: &Path, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound(path.to_owned()),
            _ => Self::Io { path: path.to_owned(), why: error.to_string() },
        }
    }

    /// Converts the error to a [`Problem`] for the user; `what` names the failed operation.
    pub(in crate::engine) fn problem(&self, what: impl Into<String>) -> Problem {
        Problem::new(what, self.to_string(), self.remedy())
    }

    fn remedy(&self) -> String {
        match self {
            Self::NotFound(path) => {
                format!("create {} with the program that uses it, or remove the consumer", path.display())
            }
            Self::NotAFile(_) => "give the path of a regular file".to_owned(),
            Self::UnexpectedLink { .. } => "if the link is yours, remove the consumer and add it again; nothing was changed".to_owned(),
            Self::ReadOnly(path) => format!("run `chmod u+w {}`, then try again", path.display()),
            #[cfg(unix)]
            Self::HardLinks(path) => format!("replace the other hard links of {} with symbolic links", path.display()),
            Self::OwnerNotPreservable(_) => "run this as the owner of the file".to_owned(),
            Self::InvalidFormat { path, .. } => format!("fix {}, then try again; nothing was changed", path.display()),
            Self::InvalidInput { .. } => {
                "check the piped input; `tokenring import dotenv -` and `import json -` select its format".to_owned()
            }
            Self::LocationNotFound { .. } => "check the content of the file and choose another location; nothing was changed".to_owned(),
            Self::Repeated { .. } => "delete the lines that programs do not need; nothing was changed".to_owned(),
            Self::HoldsReference { .. } => "to replace it by the secret, run `tokenring consumer deliver` with --overwrite; otherwise remove the consumer; nothing was changed".to_owned(),
            Self::UnrepresentableSecret(_) => "use a command consumer, which reads the secret from standard input".to_owned(),
            Self::LockTimeout(_) | Self::ChangedConcurrently(_) => "try again; nothing was changed".to_owned(),
            Self::Io { .. } => "check that you may write to the file and its folder, and that the disk is not full".to_owned(),
            Self::ProgramNotFound(program) => format!("install {program}, or give its full path"),
            Self::ProgramFailed(_) => "run the program by hand to find the error, then try again".to_owned(),
            Self::ProgramTimedOut { .. } => "check whether the program waits for input or for the network, then try again".to_owned(),
            Self::SecretInArgument(_) => "remove the secret from the arguments: the program gets it on standard input".to_owned(),
        }
    }
}

fn in_line(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(" line {line}"))
}

fn join_lines(lines: &[usize]) -> String {
    let lines: Vec<_> = lines.iter().map(ToString::to_string).collect();
    match &lines[..] {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => lines.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_says_what_why_and_what_to_do() {
        let path = PathBuf::from("/srv/app/.env");
        let all = [
            ConsumerError::NotFound(path.clone()),
            ConsumerError::NotAFile(path.clone()),
            ConsumerError::UnexpectedLink { path: path.clone(), destination: path.clone() },
            ConsumerError::ReadOnly(path.clone()),
            #[cfg(unix)]
            ConsumerError::HardLinks(path.clone()),
            ConsumerError::OwnerNotPreservable(path.clone()),
            ConsumerError::InvalidFormat {
                path: path.clone(),
                line: Some(3),
                why: "not an assignment",
            },
            ConsumerError::InvalidInput { line: 3, why: "not valid JSON" },
            ConsumerError::LocationNotFound {
                path: path.clone(),
                why: "there is a number".to_owned(),
            },
            ConsumerError::Repeated {
                path: path.clone(),
                location: "SNYK_TOKEN".to_owned(),
                lines: vec![2, 5, 9],
            },
            ConsumerError::HoldsReference {
                path: path.clone(),
                location: "SNYK_TOKEN".to_owned(),
                reference: "a reference to 1Password".to_owned(),
            },
            ConsumerError::UnrepresentableSecret("a quote"),
            ConsumerError::LockTimeout(path.clone()),
            ConsumerError::ChangedConcurrently(path.clone()),
            ConsumerError::Io { path, why: "no space left".to_owned() },
            ConsumerError::ProgramNotFound("gh".to_owned()),
            ConsumerError::ProgramFailed("gh exited with status 1".to_owned()),
            ConsumerError::ProgramTimedOut { program: "gh".to_owned(), seconds: 60 },
            ConsumerError::SecretInArgument("gh".to_owned()),
        ];
        for error in all {
            let problem = error.problem("ci did not get the secret");
            assert_eq!(
                (problem.what.as_str(), problem.why),
                ("ci did not get the secret", error.to_string())
            );
            assert!(!problem.remedy.is_empty());
        }
    }
}
