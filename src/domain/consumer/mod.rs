//! A consumer: a place outside this keyring where a credential's secret must be delivered.

mod preset;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::credential::SecretPart;
use super::{CredentialId, CredentialName, Timestamp};

pub use preset::{CommandPreset, PresetDestination};

/// A program and its arguments. The secret is never among them.
pub type CommandLine = Vec<String>;

/// Where a credential must be delivered. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consumer {
    /// Whose secret it gets.
    pub credential: CredentialId,
    /// What people call it; unique within the credential.
    pub name: CredentialName,
    /// Which part of the secret material it gets.
    #[serde(default)]
    pub part: SecretPart,
    /// Where the secret goes.
    pub target: ConsumerTarget,
    /// What it was given last.
    #[serde(rename = "delivered")]
    pub last_delivery: Option<DeliveryRecord>,
}

/// A delivery that succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRecord {
    /// The keyed fingerprint of the secret that was delivered.
    pub fingerprint: String,
    /// When it was.
    #[serde(with = "time::serde::rfc3339")]
    pub at: Timestamp,
}

/// The places that a secret can be delivered to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ConsumerTarget {
    /// Programs that read the secret from standard input.
    Command(StdinCommand),
    /// One key of a dotenv file.
    EnvFile {
        /// The file, absolute.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// One member of a JSON file.
    JsonFile {
        /// The file, absolute.
        path: PathBuf,
        /// A JSON pointer, such as `/auth/token`.
        pointer: String,
    },
    /// The token in the configuration of the Snyk CLI.
    SnykCli {
        /// The configuration file, absolute.
        path: PathBuf,
    },
    /// The key in the configuration of the Probely CLI.
    ProbelyCli {
        /// The configuration file, absolute.
        path: PathBuf,
    },
}

/// Programs that take the secret over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StdinCommand {
    /// Ways to deliver, tried in this order until one succeeds. In each, the first program reads the secret from its
    /// standard input, and each further one what the program before it wrote.
    #[serde(rename = "ways")]
    pub pipelines: Vec<Vec<CommandLine>>,
    /// The folder in which they run.
    #[serde(rename = "folder")]
    pub working_dir: PathBuf,
    /// Variables of this program's environment that they get besides the common ones.
    #[serde(default)]
    #[serde(rename = "pass")]
    pub passed_env_vars: Vec<String>,
}

impl ConsumerTarget {
    /// The target's kind, as it stands in the index and in JSON.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Command(_) => "command",
            Self::EnvFile { .. } => "env-file",
            Self::JsonFile { .. } => "json-file",
            Self::SnykCli { .. } => "snyk-cli",
            Self::ProbelyCli { .. } => "probely-cli",
        }
    }

    /// The file that is changed; of a command, the folder that it runs in.
    pub fn path(&self) -> &Path {
        match self {
            Self::EnvFile { path, .. }
            | Self::JsonFile { path, .. }
            | Self::SnykCli { path }
            | Self::ProbelyCli { path } => path,
            Self::Command(command) => &command.working_dir,
        }
    }

    /// What a delivery does, in words, for the plan that a person reads.
    pub fn describe(&self) -> String {
        match self {
            Self::Command(command) => {
                format!("give it to the standard input of `{}`", command.describe())
            }
            Self::EnvFile { path, key } => format!("set {key} in {}", path.display()),
            Self::JsonFile { path, pointer } => format!("set {pointer} in {}", path.display()),
            Self::SnykCli { path } => {
                format!("set the token of the Snyk CLI in {}", path.display())
            }
            Self::ProbelyCli { path } => {
                format!("set the key of the Probely CLI in {}", path.display())
            }
        }
    }
}

impl StdinCommand {
    /// The first way, as a person would type it.
    pub fn describe(&self) -> String {
        let stages = self.pipelines.first().into_iter().flatten().map(|argv| argv.join(" "));
        stages.collect::<Vec<_>>().join(" | ")
    }

    /// All programs and arguments, in all ways.
    pub fn arguments(&self) -> impl Iterator<Item = &String> {
        self.pipelines.iter().flatten().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_says_its_kind_and_comes_back_from_json() {
        let file = PathBuf::from("/srv/app/.env");
        let targets = [
            ConsumerTarget::EnvFile { path: file.clone(), key: "SNYK_TOKEN".to_owned() },
            ConsumerTarget::JsonFile { path: file.clone(), pointer: "/auth/token".to_owned() },
            ConsumerTarget::SnykCli { path: file.clone() },
            ConsumerTarget::ProbelyCli { path: file.clone() },
            ConsumerTarget::Command(StdinCommand {
                pipelines: vec![vec![vec!["deploy".to_owned()]]],
                working_dir: file,
                passed_env_vars: Vec::new(),
            }),
        ];
        for target in targets {
            let json = serde_json::to_value(&target).unwrap();
            assert_eq!(json["kind"], target.kind());
            assert_eq!(serde_json::from_value::<ConsumerTarget>(json).unwrap(), target);
        }
    }

    #[test]
    fn words_name_every_program_of_the_first_way() {
        let argv = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let ways = vec![vec![argv("seal --key k"), argv("apply -f -")], vec![argv("other")]];
        let command = StdinCommand {
            pipelines: ways,
            working_dir: PathBuf::from("/"),
            passed_env_vars: Vec::new(),
        };
        let all = ["seal", "--key", "k", "apply", "-f", "-", "other"];
        assert!(
            command.arguments().eq(all),
            "a secret is looked for in every argument of every way"
        );
        assert_eq!(
            ConsumerTarget::Command(command).describe(),
            "give it to the standard input of `seal --key k | apply -f -`"
        );
    }
}
