//! Preset commands that deliver a secret to GitHub, GitLab and Kubernetes.
//!
//! All three programs read the value from standard input:
//! [`gh secret set`](https://cli.github.com/manual/gh_secret_set) if `--body` is absent,
//! [`glab variable update`](https://docs.gitlab.com/cli/variable/update) if no value is given, and
//! [`kubectl create secret generic`](https://kubernetes.io/docs/reference/kubectl/generated/kubectl_create/kubectl_create_secret_generic/)
//! from a file that is `/dev/stdin`. [`CommandPreset::command`] builds the command.

use std::path::PathBuf;

use super::{CommandLine, StdinCommand};

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
