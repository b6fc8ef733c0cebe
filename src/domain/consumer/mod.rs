//! Consumers: places outside this keyring to which a credential's secret must be delivered.
//!
//! A [`Consumer`] binds a credential to a [`ConsumerTarget`]; it contains no secret. Delivering and
//! verifying belong to `engine::consumer`; ready-made commands for `gh`, `glab` and `kubectl` are
//! below.
//!
//! Preset commands that deliver a secret to GitHub, GitLab and Kubernetes.
//!
//! All three programs read the value from standard input:
//! [`gh secret set`](https://cli.github.com/manual/gh_secret_set) if `--body` is absent,
//! [`glab variable update`](https://docs.gitlab.com/cli/variable/update) if no value is given, and
//! [`kubectl create secret generic`](https://kubernetes.io/docs/reference/kubectl/generated/kubectl_create/kubectl_create_secret_generic/)
//! from a file that is `/dev/stdin`. [`CommandPreset::command`] builds the command.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::credential::SecretPart;
use super::{CredentialId, CredentialName, Timestamp};

/// Program with its arguments. The secret is never among them.
pub type CommandLine = Vec<String>;

/// Place to which a credential must be delivered. Contains no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consumer {
    /// Credential whose secret is delivered.
    pub credential: CredentialId,
    /// Display name, unique within the credential.
    pub name: CredentialName,
    /// Part of the secret material that is delivered.
    #[serde(default)]
    pub part: SecretPart,
    /// Destination of the secret.
    pub target: ConsumerTarget,
    /// File that the target's path led to through a symbolic link when the consumer was added. A
    /// link is followed only while it still leads there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked_to: Option<PathBuf>,
    /// Latest successful delivery.
    #[serde(rename = "delivered")]
    pub last_delivery: Option<DeliveryRecord>,
}

/// Record of a successful delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRecord {
    /// Keyed fingerprint of the delivered secret.
    pub fingerprint: String,
    /// Time of the delivery.
    #[serde(with = "time::serde::rfc3339")]
    pub at: Timestamp,
}

/// Destination of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ConsumerTarget {
    /// Programs that read the secret from standard input.
    Command(StdinCommand),
    /// Key of a dotenv file.
    EnvFile {
        /// Absolute path of the file.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// Member of a JSON file.
    JsonFile {
        /// Absolute path of the file.
        path: PathBuf,
        /// JSON pointer, such as `/auth/token`.
        pointer: String,
    },
    /// Token in the configuration of the Snyk CLI.
    SnykCli {
        /// Absolute path of the configuration file.
        path: PathBuf,
    },
    /// Key in the configuration of the Probely CLI.
    ProbelyCli {
        /// Absolute path of the configuration file.
        path: PathBuf,
    },
}

/// Programs that receive the secret on standard input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StdinCommand {
    /// Alternative pipelines, tried in this order until one succeeds. In each, the first program
    /// reads the secret from standard input, and each further program reads the output of the one
    /// before it.
    #[serde(rename = "ways")]
    pub pipelines: Vec<Vec<CommandLine>>,
    /// Working directory of the programs.
    #[serde(rename = "folder")]
    pub working_dir: PathBuf,
    /// Environment variables of this process that the programs receive in addition to the common
    /// ones.
    #[serde(default)]
    #[serde(rename = "pass")]
    pub passed_env_vars: Vec<String>,
}

impl ConsumerTarget {
    /// Returns the kind of the target, as stored in the index and in JSON.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Command(_) => "command",
            Self::EnvFile { .. } => "env-file",
            Self::JsonFile { .. } => "json-file",
            Self::SnykCli { .. } => "snyk-cli",
            Self::ProbelyCli { .. } => "probely-cli",
        }
    }

    /// Returns the file that is changed; for a command, its working directory.
    pub fn path(&self) -> &Path {
        match self {
            Self::EnvFile { path, .. }
            | Self::JsonFile { path, .. }
            | Self::SnykCli { path }
            | Self::ProbelyCli { path } => path,
            Self::Command(command) => &command.working_dir,
        }
    }

    /// Describes the delivery for the plan that the user reads.
    pub fn describe(&self) -> String {
        match self {
            Self::Command(command) => {
                format!("pass the secret to `{}` on standard input", command.describe())
            }
            Self::EnvFile { path, key } => format!("set {key} in {}", path.display()),
            Self::JsonFile { path, pointer } => format!("set {pointer} in {}", path.display()),
            Self::SnykCli { path } => {
                format!("set the Snyk CLI token in {}", path.display())
            }
            Self::ProbelyCli { path } => {
                format!("set the Probely CLI key in {}", path.display())
            }
        }
    }
}

impl StdinCommand {
    /// Returns the first pipeline as a user would type it.
    pub fn describe(&self) -> String {
        let stages = self.pipelines.first().into_iter().flatten().map(|argv| argv.join(" "));
        stages.collect::<Vec<_>>().join(" | ")
    }

    /// Iterates over all programs and arguments of all pipelines.
    pub fn arguments(&self) -> impl Iterator<Item = &String> {
        self.pipelines.iter().flatten().flatten()
    }
}

/// Program with a known way to read a secret from standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandPreset {
    /// Secret of a GitHub repository, set with the GitHub CLI.
    Gh,
    /// Variable of a GitLab project, set with the GitLab CLI.
    Glab,
    /// Key of a Kubernetes secret.
    Kubectl,
}

/// Where a preset stores the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresetDestination {
    /// Repository (`gh`), project (`glab`) or name of the Kubernetes secret (`kubectl`).
    pub container: String,
    /// Name of the secret, the variable or the key.
    pub key: String,
    /// Additional arguments, such as `--env prod` or `--namespace ci`.
    pub extra_args: Vec<String>,
}

/// Environment variables with which `gh` finds its host and its own credential.
const GH_ENV_VARS: [&str; 6] = [
    "GH_TOKEN",
    "GITHUB_TOKEN",
    "GH_ENTERPRISE_TOKEN",
    "GITHUB_ENTERPRISE_TOKEN",
    "GH_HOST",
    "GH_CONFIG_DIR",
];

/// Environment variables with which `glab` finds its host and its own credential.
const GLAB_ENV_VARS: [&str; 6] = [
    "GITLAB_TOKEN",
    "GITLAB_ACCESS_TOKEN",
    "OAUTH_TOKEN",
    "GITLAB_HOST",
    "GITLAB_API_HOST",
    "GLAB_CONFIG_DIR",
];

/// Environment variables with which `kubectl` finds its cluster and signs in, often through a cloud
/// provider's program.
const KUBECTL_ENV_VARS: [&str; 6] = [
    "KUBECONFIG",
    "AWS_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "CLOUDSDK_CONFIG",
    "GOOGLE_APPLICATION_CREDENTIALS",
];

impl CommandPreset {
    /// All presets, by program name.
    pub const ALL: [(&'static str, Self); 3] =
        [("gh", Self::Gh), ("glab", Self::Glab), ("kubectl", Self::Kubectl)];

    /// Returns the command that stores a secret at this destination, run in `folder`.
    pub fn command(self, destination: &PresetDestination, folder: PathBuf) -> StdinCommand {
        let (pipelines, env_vars) = match self {
            Self::Gh => (vec![vec![gh_command(destination)]], GH_ENV_VARS),
            // `set` fails for an existing variable, `update` for a missing one.
            Self::Glab => (
                vec![
                    vec![glab_command("update", destination)],
                    vec![glab_command("set", destination)],
                ],
                GLAB_ENV_VARS,
            ),
            Self::Kubectl => (
                vec![vec![kubectl_create(destination), kubectl_apply(destination)]],
                KUBECTL_ENV_VARS,
            ),
        };
        StdinCommand {
            pipelines,
            working_dir: folder,
            passed_env_vars: env_vars.map(str::to_owned).into(),
        }
    }
}

fn gh_command(destination: &PresetDestination) -> CommandLine {
    command_line(
        &["gh", "secret", "set", &destination.key, "--repo", &destination.container],
        &destination.extra_args,
    )
}

fn glab_command(verb: &str, destination: &PresetDestination) -> CommandLine {
    command_line(
        &["glab", "variable", verb, &destination.key, "--repo", &destination.container],
        &destination.extra_args,
    )
}

/// Returns the command that generates the manifest from the secret on standard input; it sends
/// nothing.
fn kubectl_create(destination: &PresetDestination) -> CommandLine {
    let file = format!("--from-file={}=/dev/stdin", destination.key);
    command_line(
        &[
            "kubectl",
            "create",
            "secret",
            "generic",
            &destination.container,
            &file,
            "--dry-run=client",
            "--output=json",
        ],
        &destination.extra_args,
    )
}

/// Returns the command that applies the manifest on the server, so that other keys of the secret
/// remain and no annotation contains a copy.
fn kubectl_apply(destination: &PresetDestination) -> CommandLine {
    let manager = "--field-manager=tokenring";
    command_line(
        &["kubectl", "apply", "--server-side", "--force-conflicts", manager, "--filename=-"],
        &destination.extra_args,
    )
}

fn command_line(args: &[&str], extra_args: &[String]) -> CommandLine {
    args.iter().map(|word| (*word).to_owned()).chain(extra_args.iter().cloned()).collect()
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
        let pipelines = vec![vec![argv("seal --key k"), argv("apply -f -")], vec![argv("other")]];
        let command = StdinCommand {
            pipelines,
            working_dir: PathBuf::from("/"),
            passed_env_vars: Vec::new(),
        };
        let all = ["seal", "--key", "k", "apply", "-f", "-", "other"];
        assert!(
            command.arguments().eq(all),
            "every argument of every pipeline is searched for the secret"
        );
        assert_eq!(
            ConsumerTarget::Command(command).describe(),
            "pass the secret to `seal --key k | apply -f -` on standard input"
        );
    }
}

#[cfg(test)]
mod preset_tests {
    use super::*;

    fn command(preset: CommandPreset) -> StdinCommand {
        let extra_args = vec!["--context".to_owned(), "prod".to_owned()];
        preset.command(
            &PresetDestination {
                container: "acme/shop".to_owned(),
                key: "SNYK_TOKEN".to_owned(),
                extra_args,
            },
            PathBuf::from("/"),
        )
    }

    #[test]
    fn every_program_gets_the_further_arguments() {
        for (name, preset) in CommandPreset::ALL {
            for argv in command(preset).pipelines.iter().flatten() {
                assert_eq!(argv[0], name);
                assert!(argv.ends_with(&["--context".to_owned(), "prod".to_owned()]), "{argv:?}");
            }
        }
    }

    #[test]
    fn a_variable_is_updated_and_made_only_where_there_is_none() {
        let pipelines = command(CommandPreset::Glab).pipelines;
        assert_eq!(
            pipelines.iter().map(|way| way[0][2].as_str()).collect::<Vec<_>>(),
            ["update", "set"]
        );
    }
}
