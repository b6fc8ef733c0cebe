//! Names of environment variables that a provider file may set for a command.
//!
//! A provider file is data. A variable that makes programs load code, trust another certificate or
//! use another proxy would turn it into code. Start at [`find_name_problem`].

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
