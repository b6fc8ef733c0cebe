//! References: values that stand for a secret in another place, and placeholders for one.
//!
//! Files of other programs often hold no secret but the way to it (`op://…`, `$(…)`, `${X}`). Such a
//! value is not imported, and overwriting it would cut the way. Start at [`recognize_reference`].

use std::fmt;

use zeroize::Zeroizing;

/// What a value is that holds no secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretReference {
    /// Address of a secret in a secret manager, by the manager's name.
    Manager(&'static str),
    /// Value that a program encrypted, by the program's name.
    Encrypted(&'static str),
    /// Command whose output is the secret.
    Command,
    /// Variable that holds the secret, by its name.
    Variable(String),
    /// Expression of a template language.
    Template,
    /// Tag of a YAML dialect, by its name.
    Tag(String),
    /// Text that is to be replaced by a secret.
    Placeholder,
}

/// Beginnings of addresses of secret managers, in lower case.
const MANAGERS: [(&str, &str); 27] = [
    ("op://", "1Password"),
    ("vault:", "Vault"),
    ("hashivault://", "Vault"),
    ("ref+", "vals"),
    ("bws://", "Bitwarden Secrets Manager"),
    ("bw://", "Bitwarden"),
    ("doppler://", "Doppler"),
    ("infisical://", "Infisical"),
    ("keeper://", "Keeper"),
    ("lastpass://", "LastPass"),
    ("pass://", "a password manager"),
    ("gopass://", "gopass"),
    ("arn:aws:secretsmanager:", "AWS Secrets Manager"),
    ("aws-sm://", "AWS Secrets Manager"),
    ("awssm://", "AWS Secrets Manager"),
    ("arn:aws:ssm:", "AWS Systems Manager"),
    ("ssm://", "AWS Systems Manager"),
    ("sm://", "Google Secret Manager"),
    ("gcpsm://", "Google Secret Manager"),
    ("gcp-secret://", "Google Secret Manager"),
    ("akv://", "Azure Key Vault"),
    ("azurekeyvault://", "Azure Key Vault"),
    ("@microsoft.keyvault(", "Azure Key Vault"),
    ("keyring://", "a keyring"),
    ("secret://", "a secret store"),
    ("secretref:", "a secret store"),
    ("file://", "a file"),
];

/// Beginnings of values that a program encrypted, in lower case.
const ENCRYPTED: [(&str, &str); 2] = [("enc[", "SOPS"), ("encrypted:", "dotenvx")];

/// Words of placeholders. They count only in a text without digits: tokens have some.
const PLACEHOLDER_WORDS: [&str; 18] = [
    "your-",
    "your_",
    "your ",
    "yourtoken",
    "yourkey",
    "changeme",
    "change-me",
    "change_me",
    "replaceme",
    "replace-me",
    "replace_me",
    "placeholder",
    "insert",
    "here",
    "dummy",
    "example",
    "redacted",
    "todo",
];

/// Maximum length of a placeholder that is known by its words.
const MAX_PLACEHOLDER_BYTES: usize = 64;

/// Minimum length of a mask such as `***` or `xxxxxxxx`.
const MIN_MASK_BYTES: usize = 3;

/// Returns what a value refers to; `None` for a value that may be a secret itself. A value in
/// backticks is given with them.
pub fn recognize_reference(value: &str) -> Option<SecretReference> {
    let text = value.trim();
    let begins = |prefix: &str| {
        text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let known = |list: &[(&str, &'static str)]| {
        list.iter().find(|(prefix, _)| begins(prefix)).map(|(_, name)| *name)
    };
    if let Some(manager) = known(&MANAGERS) {
        return Some(SecretReference::Manager(manager));
    }
    if let Some(program) = known(&ENCRYPTED) {
        return Some(SecretReference::Encrypted(program));
    }
    if text.contains("{{") && text.contains("}}") || begins("{%") || begins("<%") {
        return Some(SecretReference::Template);
    }
    if text.contains("$(") && text.contains(')') || is_backtick_command(text) {
        return Some(SecretReference::Command);
    }
    if let Some(name) = variable_name(text) {
        return Some(SecretReference::Variable(name.to_owned()));
    }
    if let Some(tag) = yaml_tag(text) {
        return Some(SecretReference::Tag(tag.to_owned()));
    }
    is_placeholder(text).then_some(SecretReference::Placeholder)
}

/// Whether a text in backticks is a command. Some dotenv readers take backticks as quotes, and a
/// token between them has digits and no space.
fn is_backtick_command(text: &str) -> bool {
    let inner = text.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
    inner.is_some_and(|inner| {
        let inner = inner.trim();
        inner.contains(char::is_whitespace)
            || !inner.is_empty() && !inner.contains(|c: char| c.is_ascii_digit())
    })
}

/// Returns the name of the variable in `${NAME}`, `$NAME`, `$env:NAME` or `%NAME%`. The default in
/// `${NAME:-default}` is not part of it, because it may be a secret.
fn variable_name(text: &str) -> Option<&str> {
    if let Some((_, rest)) = text.split_once("${") {
        return rest.contains('}').then(|| leading_name(rest)).flatten();
    }
    if let Some(rest) = text.strip_prefix('$') {
        return leading_name(rest).filter(|name| name.len() == rest.len());
    }
    let inner = text.strip_prefix('%')?.strip_suffix('%')?;
    leading_name(inner).filter(|name| name.len() == inner.len())
}

/// Returns the name at the beginning of a text, with the scope before a colon (`env:NAME`).
fn leading_name(text: &str) -> Option<&str> {
    let word = |text: &str| {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
        let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        begins.then_some(end)
    };
    let end = word(text)?;
    let scoped = text[end..].strip_prefix(':').and_then(word);
    Some(&text[..scoped.map_or(end, |length| end + 1 + length)])
}

/// Returns the tag in `!secret name` and the like.
fn yaml_tag(text: &str) -> Option<&str> {
    let (tag, rest) = text.split_once(char::is_whitespace)?;
    let name = tag.strip_prefix('!')?;
    let is_tag =
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "/_-:".contains(c));
    (is_tag && !rest.trim().is_empty()).then_some(tag)
}

fn is_placeholder(text: &str) -> bool {
    let is_open = text.starts_with('<') && text.ends_with('>')
        || text.contains("://") && text.contains('<') && text.contains('>');
    if is_open || is_mask(text) {
        return true;
    }
    if text.len() > MAX_PLACEHOLDER_BYTES
        || text.contains(|c: char| c.is_ascii_digit() || "./:".contains(c))
    {
        return false;
    }
    let lower = Zeroizing::new(text.to_ascii_lowercase());
    PLACEHOLDER_WORDS.iter().any(|word| lower.contains(word))
}

/// Whether a text repeats one character, such as `****` or a UUID of zeros.
fn is_mask(text: &str) -> bool {
    let mut chars = text.chars().filter(|c| *c != '-');
    let Some(first) = chars.next() else { return false };
    text.len() >= MIN_MASK_BYTES && "xX*._0".contains(first) && chars.all(|c| c == first)
}

impl fmt::Display for SecretReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manager(manager) => write!(f, "a reference to {manager}"),
            Self::Encrypted(program) => write!(f, "a value that {program} encrypted"),
            Self::Command => f.write_str("a command whose output is the value"),
            Self::Variable(name) => write!(f, "a reference to the variable {name}"),
            Self::Template => f.write_str("a template expression"),
            Self::Tag(tag) => write!(f, "a reference by the tag {tag}"),
            Self::Placeholder => f.write_str("a placeholder"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_reference_is_called_what_it_is() {
        for (value, name) in [
            ("op://Private/snyk/token", "a reference to 1Password"),
            ("OP://Private/snyk/token", "a reference to 1Password"),
            ("vault:secret/data/snyk#token", "a reference to Vault"),
            ("ref+vault://secret/snyk#/token", "a reference to vals"),
            ("bws://0b1c", "a reference to Bitwarden Secrets Manager"),
            (
                "arn:aws:secretsmanager:eu-west-1:1:secret:snyk",
                "a reference to AWS Secrets Manager",
            ),
            ("sm://project/snyk", "a reference to Google Secret Manager"),
            ("@Microsoft.KeyVault(SecretUri=https://x)", "a reference to Azure Key Vault"),
            ("ENC[AES256_GCM,data:x]", "a value that SOPS encrypted"),
            ("encrypted:BDqDBibm4wsYqMpCjTQ6", "a value that dotenvx encrypted"),
            ("$(op read op://x/y)", "a command whose output is the value"),
            ("\"$(cat /run/secrets/snyk)\"", "a command whose output is the value"),
            ("`pass show snyk`", "a command whose output is the value"),
            ("`get-token`", "a command whose output is the value"),
            ("${SNYK}", "a reference to the variable SNYK"),
            ("${SNYK:-5ec2e7aa-0000-4000-8000-00c0ffee0001}", "a reference to the variable SNYK"),
            ("${env:SNYK}", "a reference to the variable env:SNYK"),
            ("${input:snyk-token}", "a reference to the variable input:snyk"),
            ("$SNYK", "a reference to the variable SNYK"),
            ("$env:SNYK", "a reference to the variable env:SNYK"),
            ("%SNYK%", "a reference to the variable SNYK"),
            ("{{ snyk_token }}", "a template expression"),
            ("${{ secrets.SNYK_TOKEN }}", "a template expression"),
            ("<%= ENV['X'] %>", "a template expression"),
            ("!secret snyk", "a reference by the tag !secret"),
            ("!vault |", "a reference by the tag !vault"),
            ("<your token>", "a placeholder"),
            ("<SNYK_TOKEN>", "a placeholder"),
            ("your-token-here", "a placeholder"),
            ("YOUR_API_KEY", "a placeholder"),
            ("changeme", "a placeholder"),
            ("REPLACE_ME", "a placeholder"),
            ("xxxxxxxx", "a placeholder"),
            ("********", "a placeholder"),
            ("00000000-0000-0000-0000-000000000000", "a placeholder"),
        ] {
            let found = recognize_reference(value).map(|found| found.to_string());
            assert_eq!(found.as_deref(), Some(name), "{value}");
        }
    }

    #[test]
    fn what_may_be_a_secret_is_no_reference() {
        for value in [
            "",
            "5ec2e7aa-0000-4000-8000-00c0ffee0001",
            "`5ec2e7aa-0000-4000-8000-00c0ffee0001`",
            "snyk_uat.1a2b3c4d.eyJoIjoiYSJ9.c2ln",
            "snyk_cs_ctZW0JsWG^Bm$x_v1",
            "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiIxIn0.c2ln",
            "$2b$12$abcdefghijklmnopqrstuv",
            "p4ss%word%1",
            "a!b c",
            "https://api.eu.snyk.io",
            "old",
            "x",
            "TodoInsert1Here",
        ] {
            assert_eq!(recognize_reference(value), None, "{value}");
        }
    }
}
