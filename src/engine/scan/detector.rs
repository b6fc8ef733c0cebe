//! Secret detector: recognizes a word as a stored secret by its fingerprint, or as a secret of a
//! known format.
//!
//! `tokenize` supplies the words. Start with `SecretDetector::scan_file`.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::tokenize::{
    decode_base64, decode_escapes, decode_percent, secret_candidates, split_words,
};
use super::{MatchOwner, MatchedCredential};
use crate::domain::Secret;
use crate::domain::identify::secret_names::{VendorWord, is_secret_name, vendor_words};
use crate::domain::identify::{self, IdentificationCandidate};
use crate::domain::provider::ProviderCatalog;
use crate::domain::provider::spec::{AuthMethod, MatchConfidence, SecretRole};
use crate::engine::fingerprints::{FingerprintBytes, FingerprintHasher};
use crate::util::hex::parse_hex;

/// Maximum size of a private key.
const MAX_PRIVATE_KEY_BYTES: usize = 16 << 10;

/// Words after which a vendor's command takes a secret.
const COMMAND_WORDS: [&str; 5] = ["auth", "api", "token", "pat", "key"];

/// Options of the vendors' commands that take a secret.
const SECRET_FLAGS: [&str; 8] = [
    "--token",
    "--api-token",
    "--auth-token",
    "--api-key",
    "--key",
    "--pat",
    "--access-key",
    "--personal-access-key",
];

/// How much of a line before a word is read as a command.
const MAX_COMMAND_BYTES: usize = 256;

const KEY_HEADER_PREFIX: &[u8] = b"-----BEGIN ";
const KEY_LINE_SUFFIX: &[u8] = b"PRIVATE KEY-----";

/// Knows the fingerprints of the stored secrets and the formats of secrets.
pub(super) struct SecretDetector {
    catalog: Arc<ProviderCatalog>,
    fingerprints: Option<FingerprintHasher>,
    known_secrets: HashMap<FingerprintBytes, Vec<MatchedCredential>>,
    /// Prefixes of secrets of known kinds.
    prefixes: Vec<String>,
    /// Variables that hold a secret, each with its provider; `schemes` has the authorization
    /// schemes.
    variables: Vec<(String, String)>,
    schemes: Vec<(String, String)>,
    /// Words of the vendors in the names of variables and commands.
    vendors: Vec<VendorWord>,
    /// Files of the providers' tools and their members that hold a secret, each with its provider.
    tool_secrets: Vec<((String, String), String)>,
}

/// State of scanning one file.
pub(super) struct FileScanState<'l> {
    detector: &'l SecretDetector,
    file: &'l str,
    /// Bytes of a private key read so far.
    key: Zeroizing<Vec<u8>>,
}

/// Callback that receives every match.
type MatchCallback<'a> = &'a mut dyn FnMut(MatchOwner, Option<&'static str>);

impl SecretDetector {
    pub(super) fn new(
        catalog: Arc<ProviderCatalog>,
        fingerprints: Option<FingerprintHasher>,
        known_secrets: HashMap<String, Vec<MatchedCredential>>,
    ) -> Self {
        // Millions of words are looked up: as bytes, so that no hexadecimal text is needed.
        let known_secrets = known_secrets
            .into_iter()
            .filter_map(|(fingerprint, holders)| {
                Some((parse_hex(fingerprint.as_bytes())?, holders))
            })
            .collect();
        let (mut prefixes, mut variables, mut schemes) = (Vec::new(), Vec::new(), Vec::new());
        let mut tool_secrets = Vec::new();
        for provider in catalog.providers() {
            let members = provider.tool_secrets.iter().cloned();
            tool_secrets.extend(members.map(|member| (member, provider.id.clone())));
            for kind in provider.kinds.iter() {
                let rules = kind.recognition_rules.iter().map(|rule| rule.prefix.clone());
                prefixes.extend(rules.filter(|prefix| !prefix.is_empty()));
                variables.push((kind.secret_variable().to_owned(), provider.id.clone()));
                if let AuthMethod::Header { scheme, .. } = &kind.authorization {
                    schemes.push((scheme.to_lowercase(), provider.id.clone()));
                }
            }
        }
        // A scheme that every provider uses identifies none of them.
        schemes.retain(|(scheme, _)| !scheme.is_empty() && scheme != "bearer");
        for list in [&mut variables, &mut schemes] {
            list.sort();
            list.dedup();
        }
        prefixes.sort();
        prefixes.dedup();
        let vendors = vendor_words(&catalog);
        Self {
            catalog,
            fingerprints,
            known_secrets,
            prefixes,
            variables,
            schemes,
            vendors,
            tool_secrets,
        }
    }

    /// Returns the credentials that hold this secret.
    pub(super) fn matched_credentials(&self, text: &[u8]) -> Option<Vec<MatchedCredential>> {
        self.known_secrets.get(&self.fingerprints.as_ref()?.fingerprint_bytes(text)).cloned()
    }

    pub(super) fn scan_file<'l>(&'l self, file: &'l str) -> FileScanState<'l> {
        FileScanState { detector: self, file, key: Zeroizing::default() }
    }

    /// Recognizes a text by its format, with the text before it as a hint.
    fn recognize(&self, text: &[u8], before: &[u8], file: &str) -> Option<MatchOwner> {
        let hint = self.announced_provider(before, file);
        let marked = self.prefixes.iter().any(|prefix| text.starts_with(prefix.as_bytes()))
            || looks_like_jwt(text);
        if hint.is_none() && !marked || is_repeated_character(text) {
            return None;
        }
        let secret = Secret::new(text.to_vec());
        let identified = identify::identify(&secret, &self.catalog).ok()?;
        let hinted = |candidate: &&IdentificationCandidate| {
            hint.is_some_and(|provider| candidate.provider == provider)
        };
        let sure =
            |candidate: &&IdentificationCandidate| candidate.confidence > MatchConfidence::Possible;
        let candidates = || {
            identified
                .candidates
                .iter()
                .filter(|candidate| candidate.secret_role != SecretRole::AccessToken)
        };
        let IdentificationCandidate { provider, kind, why, .. } =
            candidates().find(hinted).or_else(|| candidates().find(sure))?.clone();
        Some(MatchOwner::Unknown { provider, kind, why })
    }

    /// Returns the provider whose secret the preceding words announce: by its variable, or by its
    /// scheme in a header.
    fn announced_provider(&self, before: &[u8], file: &str) -> Option<&str> {
        let before = trim_end(before, |byte| {
            matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b'=' | b':' | b' ' | b'\t')
        });
        let rest = trim_end(before, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let word =
            std::str::from_utf8(&before[rest.len()..]).ok().filter(|word| !word.is_empty())?;
        let member_of =
            |((known, member), _): &&((String, String), String)| known == file && member == word;
        if let Some((_, provider)) = self.tool_secrets.iter().find(member_of) {
            return Some(provider);
        }
        let named = self.variables.iter().find(|(variable, _)| variable == word);
        let headed = || {
            let scheme = word.to_lowercase();
            let header = trim_end(rest, |byte| matches!(byte, b' ' | b':' | b'"' | b'\''))
                .to_ascii_lowercase();
            self.schemes
                .iter()
                .find(|(known, _)| *known == scheme && header.ends_with(b"authorization"))
        };
        let by_name = || self.vendors.iter().find(|vendor| is_secret_name(word, &vendor.word));
        let vendors = || by_name().or_else(|| self.commanded_vendor(before, word));
        named
            .or_else(headed)
            .map(|(_, provider)| provider.as_str())
            .or_else(|| vendors().map(|vendor| vendor.provider.as_str()))
    }

    /// Returns the vendor whose command takes the next word as its secret: `snyk auth …`, `snyk
    /// config set api=…`, `appcircle login --pat=…`. `before` ends with `last`, a word of letters
    /// and digits.
    fn commanded_vendor(&self, before: &[u8], last: &str) -> Option<&VendorWord> {
        let is_flag = before.len() > last.len() && before[before.len() - last.len() - 1] == b'-';
        if !is_flag && !COMMAND_WORDS.contains(&last) {
            return None;
        }
        let tail =
            String::from_utf8_lossy(&before[before.len().saturating_sub(MAX_COMMAND_BYTES)..]);
        let words: Vec<&str> = tail
            .split(|c: char| c.is_whitespace() || "\"'`;|&()".contains(c))
            .filter(|word| !word.is_empty())
            .collect();
        let (at, vendor) = words.iter().enumerate().rev().find_map(|(at, word)| {
            self.vendors
                .iter()
                .find(|vendor| is_command(word, &vendor.word))
                .map(|found| (at, found))
        })?;
        let takes_secret = match &words[at + 1..] {
            [.., flag] if SECRET_FLAGS.contains(flag) => true,
            ["auth", flags @ ..] => flags.iter().all(|flag| flag.starts_with('-')),
            ["config", "set", member] => matches!(*member, "api" | "token"),
            _ => false,
        };
        takes_secret.then_some(vendor)
    }
}

impl FileScanState<'_> {
    /// Reports every secret in a line.
    pub(super) fn scan_line(&mut self, line: &[u8], on_match: MatchCallback<'_>) {
        self.scan_plain_line(line, None, on_match);
        if let Some(plain) = decode_escapes(line) {
            self.scan_plain_line(&plain, Some("escaped"), on_match);
            plain
                .split(|byte| *byte == b'\n')
                .for_each(|line| self.collect_key_line(line, Some("escaped"), on_match));
            self.key.clear();
        }
        self.collect_key_line(line, None, on_match);
    }

    fn scan_plain_line(
        &self,
        line: &[u8],
        encoding: Option<&'static str>,
        on_match: MatchCallback<'_>,
    ) {
        for span in split_words(line) {
            let (word, before) = (&line[span.clone()], &line[..span.start]);
            self.scan_word(line, span.clone(), encoding, on_match);
            if let Some(plain) = word.contains(&b'%').then(|| decode_percent(word)).flatten() {
                let whole = Zeroizing::new([before, plain.as_slice()].concat());
                self.scan_word(&whole, span.start..whole.len(), Some("percent-encoded"), on_match);
            }
            if let Some(plain) = decode_base64(word) {
                split_words(&plain)
                    .for_each(|span| self.scan_word(&plain, span, Some("base64"), on_match));
            }
        }
    }

    /// Checks the candidates in a word of a line. Of those that start at the same place, a stored
    /// secret takes precedence over a known format.
    fn scan_word(
        &self,
        line: &[u8],
        span: Range<usize>,
        encoding: Option<&'static str>,
        on_match: MatchCallback<'_>,
    ) {
        let word = &line[span.clone()];
        let all = secret_candidates(word);
        for same in all.chunk_by(|one, other| one.start == other.start) {
            if let Some(holders) =
                same.iter().find_map(|part| self.detector.matched_credentials(&word[part.clone()]))
            {
                on_match(MatchOwner::Known(holders), encoding);
                return;
            }
            let ahead = &line[..span.start + same[0].start];
            if let Some(owner) = same
                .iter()
                .find_map(|part| self.detector.recognize(&word[part.clone()], ahead, self.file))
            {
                on_match(owner, encoding);
                return;
            }
        }
    }

    /// Collects the lines of a private key; reports the key if it is stored.
    fn collect_key_line(
        &mut self,
        line: &[u8],
        encoding: Option<&'static str>,
        on_match: MatchCallback<'_>,
    ) {
        if let Some(start) = find_bytes(line, KEY_HEADER_PREFIX) {
            self.key.clear();
            self.key.extend_from_slice(trim_end(&line[start..], |byte| byte.is_ascii_whitespace()));
        } else if !self.key.is_empty() {
            self.key.push(b'\n');
            self.key.extend_from_slice(line.trim_ascii());
        }
        if self.key.len() > MAX_PRIVATE_KEY_BYTES {
            self.key.clear();
        }
        let Some(end) = find_bytes(&self.key, b"\n-----END ") else { return };
        let Some(length) = find_bytes(&self.key[end..], KEY_LINE_SUFFIX) else { return };
        self.key.truncate(end + length + KEY_LINE_SUFFIX.len());
        let bare = self.detector.matched_credentials(&self.key);
        self.key.push(b'\n');
        if let Some(holders) = bare.or_else(|| self.detector.matched_credentials(&self.key)) {
            on_match(MatchOwner::Known(holders), encoding);
        }
        self.key.clear();
    }
}

/// Whether a word of a command line starts the vendor's command: `snyk`, `/usr/bin/snyk`,
/// `snyk@latest`, `probely-cli`, `snyk.exe`.
fn is_command(word: &str, vendor: &str) -> bool {
    let name = word.rsplit(['/', '\\']).next().unwrap_or_default();
    let rest = name.get(..vendor.len()).filter(|start| start.eq_ignore_ascii_case(vendor));
    rest.is_some() && name[vendor.len()..].chars().next().is_none_or(|c| "@-.".contains(c))
}

fn looks_like_jwt(text: &[u8]) -> bool {
    text.starts_with(b"eyJ") && text.split(|byte| *byte == b'.').count() == 3
}

/// Returns whether a text is a placeholder, such as a UUID of zeros.
fn is_repeated_character(text: &[u8]) -> bool {
    let mut letters = text.iter().filter(|byte| byte.is_ascii_alphanumeric());
    let first = letters.next();
    letters.all(|letter| Some(letter) == first)
}

fn trim_end(text: &[u8], is_cut: impl Fn(u8) -> bool) -> &[u8] {
    let kept = text.iter().rposition(|byte| !is_cut(*byte)).map_or(0, |last| last + 1);
    &text[..kept]
}

fn find_bytes(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CredentialName;
    use crate::domain::credential::{SecretPart, SecretSlot};
    use crate::engine::fingerprints::HmacKey;

    const UUID: &str = "5ec2e7aa-0000-4000-8000-00c0ffee0001";
    const OPAQUE: &str = "Zk3/abcd+efgh-1234==";
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\n9w0BAQEFAASC\n-----END PRIVATE KEY-----";

    fn detector() -> SecretDetector {
        let fingerprints = FingerprintHasher::new(HmacKey::new(b"key").unwrap());
        let known_secrets = [(UUID, "laptop"), (OPAQUE, "build"), (KEY, "signer")];
        let holder = |name: &str| MatchedCredential {
            slot: Some(SecretSlot::Current),
            name: CredentialName::parse(name).unwrap(),
            part: SecretPart::Secret,
        };
        let known_secrets = known_secrets.map(|(secret, name)| {
            (fingerprints.fingerprint(secret.as_bytes()), vec![holder(name)])
        });
        SecretDetector::new(
            Arc::new(ProviderCatalog::builtin()),
            Some(fingerprints),
            known_secrets.into(),
        )
    }

    fn seen(file: &str, text: &str) -> Vec<String> {
        let detector = detector();
        let (mut state, mut found) = (detector.scan_file(file), Vec::new());
        for line in text.split('\n') {
            state.scan_line(line.as_bytes(), &mut |owner, encoding| {
                let owner = match owner {
                    MatchOwner::Known(holders) => holders[0].name.to_string(),
                    MatchOwner::Unknown { kind, .. } => kind,
                };
                found
                    .push(encoding.map_or(owner.clone(), |encoding| format!("{owner} {encoding}")));
            });
        }
        found
    }

    #[test]
    fn what_is_held_is_found_in_every_writing() {
        assert_eq!(seen("x", &format!("a: {UUID}")), ["laptop"]);
        assert_eq!(seen("x", &format!("export A='{OPAQUE}'\r")), ["build"]);
        assert_eq!(seen("x", &format!("https://me:{UUID}@host/")), ["laptop"]);
        assert_eq!(seen("x", "?t=Zk3%2Fabcd%2Befgh-1234%3D%3D"), ["build percent-encoded"]);
        assert_eq!(seen("x", r#"{"t":"Zk3\/abcd+efgh-1234=="}"#), ["build escaped"]);
        let encoded = base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            format!("me:{UUID}"),
        );
        assert_eq!(seen("x", &format!("auth={encoded}")), ["laptop base64"]);
        assert_eq!(seen("x", &format!("{KEY}\n")), ["signer"]);
        assert_eq!(
            seen("x", &format!("{{\"key\": \"{}\"}}", KEY.replace('\n', "\\n"))),
            ["signer escaped"]
        );
    }

    #[test]
    fn what_is_not_held_is_known_by_its_shape_or_by_its_place() {
        let strange = "7a1b0000-0000-4000-8000-00000000beef";
        for line in [
            format!("SNYK_TOKEN={strange}"),
            format!("export SNYK_TOKEN=\"{strange}\""),
            format!("\"SNYK_TOKEN\": \"{strange}\""),
            format!("curl -H 'Authorization: token {strange}' https://api.snyk.io/rest/self"),
        ] {
            assert_eq!(seen(".env", &line), ["personal-token"], "{line}");
        }
        for line in [
            format!("MY_SNYK_KEY={strange}"),
            format!("export ACME_SNYK_API_TOKEN='{strange}'"),
            format!("{{\"snykToken\": \"{strange}\"}}"),
            format!("TF_VAR_snyk_token={strange} terraform apply"),
            format!("SNYK_CFG_API: {strange}"),
            format!("snyk auth {strange}"),
            format!(": 1700000000:0;snyk auth --auth-type=token {strange}"),
            format!("npx snyk@latest auth -d {strange} && snyk test"),
            format!("/usr/local/bin/snyk config set api={strange}"),
            format!("cd x; snyk config set 'api={strange}'"),
            format!("snyk-api-cli --token={strange} orgs"),
            format!("snyk-to-html --api-key \"{strange}\""),
        ] {
            assert_eq!(seen("history", &line), ["personal-token"], "{line}");
        }
        assert_eq!(seen("snyk.json", &format!("{{\"api\": \"{strange}\"}}")), ["personal-token"]);
        assert_eq!(
            seen("x", "https://a/snyk_uat.abcd1234.eyJoIjoiYSJ9.c2ln"),
            ["personal-access-token"]
        );
        for harmless in [
            format!("id: {strange}"),
            format!("\"api\": \"{strange}\""),
            format!("SNYK_CFG_ORG={strange}"),
            format!("SNYK_API_ORG_ID={strange}"),
            format!("snyk test --org={strange}"),
            format!("snyk config set org={strange}"),
            format!("gcloud auth {strange}"),
            format!("see snyk-docs: key {strange}"),
            "SNYK_TOKEN=00000000-0000-0000-0000-000000000000".to_owned(),
            "SNYK_TOKEN=${{ secrets.SNYK_TOKEN }}".to_owned(),
            "nothing to see here, only words and more words".to_owned(),
        ] {
            assert_eq!(seen("x", &harmless), [""; 0], "{harmless}");
        }
    }
}
