//! Environment variables that a provider's own tools read, for child processes and copied commands.
//!
//! Only templates and names are resolved here; the code that may hold the secret inserts it. Start
//! at [`CredentialKind::environment_variables`].
//!
//! Names of environment variables that a provider file may set for a command.
//!
//! A provider file is data. A variable that makes programs load code, trust another certificate or
//! use another proxy would turn it into code. Start at `find_name_problem`.

use std::collections::BTreeMap;

use super::placeholder::{PlaceholderEncoding, fill_template};
use super::spec::CredentialKind;
use crate::domain::region::{HostRole, Region};

/// Template for the secret.
pub(super) const SECRET_TEMPLATE: &str = "{secret}";

/// Template for the access token that the secret is exchanged for.
pub(super) const ACCESS_TOKEN_TEMPLATE: &str = "{access_token}";

/// Value of a variable. The caller inserts the secret itself, where it may hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VariableValue {
    /// Secret of the credential.
    Secret,
    /// Access token that the secret is exchanged for.
    AccessToken,
    /// Text that is not secret.
    Text(String),
}

impl CredentialKind {
    /// Returns name and value of the variables for a credential of this kind. A variable that needs
    /// a missing host or field is omitted.
    pub fn environment_variables(
        &self,
        region: &Region,
        fields: &BTreeMap<String, String>,
    ) -> Vec<(&str, VariableValue)> {
        let value = |template: &str| match template {
            SECRET_TEMPLATE => Some(VariableValue::Secret),
            ACCESS_TOKEN_TEMPLATE => Some(VariableValue::AccessToken),
            text => fill_template(text, PlaceholderEncoding::Plain, |name| {
                placeholder_value(name, region, fields)
            })
            .ok()
            .map(VariableValue::Text),
        };
        self.environment
            .iter()
            .filter_map(|(name, template)| Some((name.as_str(), value(template)?)))
            .collect()
    }

    /// Returns the variable in which the provider's own tools expect the value after the
    /// authorization scheme: the secret, or the access token that it is exchanged for.
    pub fn secret_variable(&self) -> &str {
        let sent = if self.authorization.uses_token_exchange() {
            ACCESS_TOKEN_TEMPLATE
        } else {
            SECRET_TEMPLATE
        };
        self.environment
            .iter()
            .find(|(_, template)| template == sent)
            .map_or("TOKEN", |(name, _)| name)
    }
}

fn placeholder_value(
    name: &str,
    region: &Region,
    fields: &BTreeMap<String, String>,
) -> Option<String> {
    match name {
        "api" => Some(region.origin(HostRole::Api).to_string()),
        "auth" => Some(region.origin(HostRole::Auth).to_string()),
        "app" => region.app.as_ref().map(ToString::to_string),
        field => fields.get(field).filter(|value| !value.is_empty()).cloned(),
    }
}

/// Variables that decide which code a program runs, which servers it trusts, and where it finds its
/// files. `*` stands for any text, at the start or at the end.
const PROTECTED_NAMES: &[&str] = &[
    // Loader and C library
    "LD_*",
    "DYLD_*",
    "LIBPATH",
    "SHLIB_PATH",
    "GCONV_PATH",
    "GLIBC_TUNABLES",
    "LOCPATH",
    "NLSPATH",
    "HOSTALIASES",
    "RES_OPTIONS",
    "LOCALDOMAIN",
    // Shells
    "PATH",
    "PATHEXT",
    "COMSPEC",
    "SHELL",
    "SHELLOPTS",
    "BASHOPTS",
    "BASH_*",
    "ENV",
    "IFS",
    "PS4",
    "CDPATH",
    "GLOBIGNORE",
    "PROMPT_COMMAND",
    "ZDOTDIR",
    "FPATH",
    "PSMODULEPATH",
    // Interpreters and runtimes
    "PYTHON*",
    "PERL*",
    "RUBY*",
    "GEM_*",
    "BUNDLE_*",
    "NODE_OPTIONS",
    "NODE_PATH",
    "NODE_EXTRA_CA_CERTS",
    "NODE_TLS_*",
    "NPM_CONFIG_*",
    "ELECTRON_*",
    "JAVA_*",
    "_JAVA_OPTIONS",
    "JDK_*",
    "CLASSPATH",
    "MAVEN_*",
    "GRADLE_*",
    "DOTNET_*",
    "CORECLR_*",
    "COR_*",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "LUA_*",
    "GODEBUG",
    "GOFLAGS",
    "RUSTC*",
    "RUSTFLAGS",
    "CARGO_*",
    "PIP_*",
    "UV_*",
    // Programs that others start
    "GIT_*",
    "SSH_*",
    "SUDO_*",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "MANPAGER",
    "LESS*",
    "BROWSER",
    "DOCKER_*",
    "KUBECONFIG",
    // Servers and certificates that are trusted
    "*_PROXY",
    "SSL_*",
    "SSLKEYLOGFILE",
    "OPENSSL_*",
    "CURL_*",
    "REQUESTS_CA_BUNDLE",
    "AWS_CA_BUNDLE",
    // Folders
    "HOME",
    "HOMEDRIVE",
    "HOMEPATH",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "SYSTEMROOT",
    "WINDIR",
    "XDG_*",
    "TMPDIR",
    "TMP",
    "TEMP",
    "PWD",
    "DBUS_*",
    // tokenring itself
    "TOKENRING_*",
];

/// Returns why a provider file may not set a variable of this name.
pub(super) fn find_name_problem(name: &str) -> Option<&'static str> {
    let is_word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if name.is_empty() || !is_word || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Some("is not a name of letters, digits and underscores");
    }
    is_protected(name).then_some(
        "would change how programs run, which servers they trust or where their files are",
    )
}

/// Whether the variable is protected. Some systems do not distinguish cases, and some programs read
/// both.
fn is_protected(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    PROTECTED_NAMES.iter().any(|pattern| {
        match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
            (Some(end), _) => name.ends_with(end),
            (_, Some(start)) => name.starts_with(start),
            (None, None) => name == *pattern,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::builtin_catalog;

    #[test]
    fn a_childs_variables_point_to_the_region_of_the_credential() {
        let catalog = builtin_catalog();
        let kind = catalog.kind("snyk", "personal-access-token").unwrap();
        let variables =
            kind.environment_variables(catalog.region("snyk", "eu").unwrap(), &BTreeMap::new());
        assert_eq!(
            variables,
            [
                ("SNYK_TOKEN", VariableValue::Secret),
                ("SNYK_API", VariableValue::Text("https://api.eu.snyk.io".to_owned()))
            ]
        );
        let fields = BTreeMap::from([("org_id".to_owned(), "acme".to_owned())]);
        let variables = kind.environment_variables(catalog.region("snyk", "eu").unwrap(), &fields);
        assert_eq!(
            variables.last(),
            Some(&("SNYK_CFG_ORG", VariableValue::Text("acme".to_owned())))
        );
    }

    #[test]
    fn an_exchanged_secret_has_a_variable_for_its_access_token() {
        assert_eq!(
            builtin_catalog().kind("appcircle", "api-key").unwrap().secret_variable(),
            "APPCIRCLE_ACCESS_TOKEN"
        );
        assert_eq!(
            builtin_catalog().kind("snyk", "personal-token").unwrap().secret_variable(),
            "SNYK_TOKEN"
        );
    }
}

#[cfg(test)]
mod variable_name_tests {
    use super::*;

    #[test]
    fn variables_that_change_other_programs_are_refused() {
        for name in [
            "LD_PRELOAD",
            "DYLD_INSERT_LIBRARIES",
            "PATH",
            "Path",
            "BASH_ENV",
            "ENV",
            "PYTHONPATH",
            "PYTHONSTARTUP",
            "NODE_OPTIONS",
            "HTTPS_PROXY",
            "all_proxy",
            "GIT_SSH_COMMAND",
            "SSL_CERT_FILE",
            "HOME",
            "TOKENRING_PASSPHRASE_FILE",
            "PERL5OPT",
            "JAVA_TOOL_OPTIONS",
            "npm_config_script_shell",
            "",
            "A=B",
            "1A",
            "A B",
            "É",
        ] {
            assert!(find_name_problem(name).is_some(), "{name}");
        }
    }

    #[test]
    fn variables_of_providers_are_accepted() {
        for name in [
            "SNYK_TOKEN",
            "GITHUB_TOKEN",
            "GITLAB_HOST",
            "NPM_TOKEN",
            "NODE_AUTH_TOKEN",
            "AC_API_ENDPOINT",
            "ENVIRONMENT",
            "HOME_URL",
            "MY_PATH",
            "_X1",
        ] {
            assert_eq!(find_name_problem(name), None, "{name}");
        }
    }
}
