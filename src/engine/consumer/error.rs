//! Why a consumer did not get the secret, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::domain::problem::Problem;

/// Why a consumer did not get the secret. What it had before, it still has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::engine) enum ConsumerError {
    /// There is no such file. None is made: nobody might ever read it.
    #[error("there is no file {}", .0.display())]
    NotFound(PathBuf),
    /// Something else than a regular file.
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// A file that its owner does not want changed.
    #[error("{} is read-only", .0.display())]
    ReadOnly(PathBuf),
    /// A file with further names, which would keep the old secret.
    #[cfg(unix)]
    #[error("{} has further names (hard links), which would keep the old secret", .0.display())]
    HardLinks(PathBuf),
    /// A file whose owner or group the new one could not have.
    #[error("{} belongs to another user or group, to whom a new file cannot be given", .0.display())]
    OwnerNotPreservable(PathBuf),
    /// The content is not of the expected form, so it is not touched.
    #[error("{}{}: {why}", .path.display(), in_line(*.line))]
    InvalidFormat {
        /// The file.
        path: PathBuf,
        /// The line, from 1, where it is known.
        line: Option<usize>,
        /// What is wrong, without the content.
        why: &'static str,
    },
    /// What came on standard input is not of the expected form.
    #[error("standard input{}: {why}", in_line(Some(*.line)))]
    InvalidInput {
        /// The line, from 1.
        line: usize,
        /// What is wrong, without the content.
        why: &'static str,
    },
    /// The file is sound, but there is no such place in it.
    #[error("{}: {why}", .path.display())]
    LocationNotFound {
        /// The file.
        path: PathBuf,
        /// What there is instead.
        why: String,
    },
    /// A secret that this form cannot hold.
    #[error(
        "the secret holds {0}, which cannot be written there so that every reader understands the same"
    )]
    UnrepresentableSecret(&'static str),
    /// Somebody else holds the file's lock.
    #[error("another program has held the lock of {} for some seconds", .0.display())]
    LockTimeout(PathBuf),
    /// Somebody else changed the file at the same time.
    #[error("{} was changed by another program at the same time", .0.display())]
    ChangedConcurrently(PathBuf),
    /// What the system said.
    #[error("{}: {why}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The program is not installed.
    #[error("the program \"{0}\" was not found")]
    ProgramNotFound(String),
    /// The program ended with another status than 0, or with what it wrote if it wrote too much.
    #[error("{0}")]
    ProgramFailed(String),
    /// The program did not end in time.
    #[error("\"{program}\" did not end within {seconds} s and was ended")]
    ProgramTimedOut {
        /// The program.
        program: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The secret stands among the arguments, where every user of the machine can read it.
    #[error(
        "an argument of \"{0}\" holds the secret, and every user of this machine can read arguments"
    )]
    SecretInArgument(String),
}

impl ConsumerError {
    /// Whether there simply is no such file.
    pub(in crate::engine) const fn is_missing(&self) -> bool {
        matches!(self, Self::NotFound(_))
    }

    /// An error of the disk.
    pub(super) fn from_io(path: &Path, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound(path.to_owned()),
            _ => Self::Io { path: path.to_owned(), why: error.to_string() },
        }
    }

    /// What a person reads; `what` names the consumer or the file that was not served.
    pub(in crate::engine) fn problem(&self, what: impl Into<String>) -> Problem {
        Problem::new(what, self.to_string(), self.remedy())
    }

    fn remedy(&self) -> String {
        match self {
            Self::NotFound(path) => {
                format!("make {} with the program it belongs to, or remove the consumer", path.display())
            }
            Self::NotAFile(_) => "name the file itself".to_owned(),
            Self::ReadOnly(path) => format!("allow it with `chmod u+w {}`, then try again", path.display()),
            #[cfg(unix)]
            Self::HardLinks(path) => format!("replace the other names of {} by symbolic links", path.display()),
            Self::OwnerNotPreservable(_) => "run this as the owner of the file".to_owned(),
            Self::InvalidFormat { path, .. } => format!("nothing was changed; mend {} by hand, then try again", path.display()),
            Self::InvalidInput { .. } => {
                "see what is piped in; `tokenring import dotenv -` and `import json -` say of which form it is".to_owned()
            }
            Self::LocationNotFound { .. } => "nothing was changed; see what the file holds, and name another place".to_owned(),
            Self::UnrepresentableSecret(_) => "use a command consumer, which reads the secret from standard input".to_owned(),
            Self::LockTimeout(_) | Self::ChangedConcurrently(_) => "nothing was changed; try again".to_owned(),
            Self::Io { .. } => "see that you may write to the file and its folder, and that the disk is not full".to_owned(),
            Self::ProgramNotFound(program) => format!("install {program}, or give its whole path"),
            Self::ProgramFailed(_) => "see what the program says and run it by hand, then try again".to_owned(),
            Self::ProgramTimedOut { .. } => "see whether it waits for an answer or for the network, then try again".to_owned(),
            Self::SecretInArgument(_) => "leave the secret out: the program gets it on standard input".to_owned(),
        }
    }
}

fn in_line(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(" line {line}"))
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
            ConsumerError::ReadOnly(path.clone()),
            #[cfg(unix)]
            ConsumerError::HardLinks(path.clone()),
            ConsumerError::OwnerNotPreservable(path.clone()),
            ConsumerError::InvalidFormat {
                path: path.clone(),
                line: Some(3),
                why: "it is not an assignment",
            },
            ConsumerError::InvalidInput { line: 3, why: "it is not JSON" },
            ConsumerError::LocationNotFound {
                path: path.clone(),
                why: "there is a number".to_owned(),
            },
            ConsumerError::UnrepresentableSecret("a quote"),
            ConsumerError::LockTimeout(path.clone()),
            ConsumerError::ChangedConcurrently(path.clone()),
            ConsumerError::Io { path, why: "no space left".to_owned() },
            ConsumerError::ProgramNotFound("gh".to_owned()),
            ConsumerError::ProgramFailed("gh ended with status 1".to_owned()),
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
