//! JSON shapes of the command line, on which scripts rely.
//!
//! Field names are stable; more fields may follow.
//!
//! JSON on a terminal: one member per line, indented and colored.
//!
//! The tokens are copied, so numbers, escapes and repeated members stay as they were sent. Start at
//! [`format_json`].

use std::collections::BTreeMap;

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use time::format_description::well_known::Rfc3339;

use crate::cli::output::style::ColorMode;
use crate::domain::credential::{self, Principal};
use crate::domain::identify::Identification;
use crate::domain::provider::spec::MatchConfidence;
use crate::domain::response::CheckResult;
use crate::domain::rotation::{RotationPhase, RotationStatus};
use crate::domain::text::escape_json;
use crate::domain::{Credential, CredentialStatus, Timestamp};
use crate::util::json_scan::{is_json_space, string_end, value_end};

/// Credential as `list --json` and `show --json` print it.
#[derive(Serialize)]
pub(in crate::cli) struct CredentialJson<'a> {
    name: &'a str,
    provider: &'a str,
    kind: &'a str,
    region: &'a str,
    fields: &'a BTreeMap<String, String>,
    labels: &'a [String],
    created: String,
    expires: Option<String>,
    fingerprint: Option<&'a str>,
    principal: Option<&'a Principal>,
    /// Accepted, refused, unknown, expired or unchecked.
    status: &'static str,
    last_check: Option<LastCheckJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation: Option<OpenRotationJson<'a>>,
}

/// Unfinished rotation within a credential of `list` and `show`. The fields have the names that
/// `rotations --json` uses.
#[derive(Serialize)]
struct OpenRotationJson<'a> {
    id: &'a str,
    state: RotationPhase,
    step: Option<&'a str>,
    next: &'a str,
}

/// Latest check result within a credential.
#[derive(Serialize)]
struct LastCheckJson<'a> {
    verdict: CheckResult,
    status: Option<u16>,
    reason: &'a str,
    at: String,
    latency_ms: Option<u64>,
}

/// Check result as `check --json` prints it.
#[derive(Serialize)]
pub(in crate::cli) struct CheckResultJson {
    pub name: String,
    pub region: String,
    pub verdict: CheckResult,
    pub status: Option<u16>,
    pub reason: String,
    pub latency_ms: Option<u64>,
    /// Description of the policy violation.
    pub policy: Option<String>,
}

/// Region with its check result, as `probe --json` and `regions NAME --json` print it.
#[derive(Serialize)]
pub(in crate::cli) struct RegionJson {
    pub region: String,
    pub api: String,
    pub verdict: CheckResult,
    pub status: Option<u16>,
    pub latency_ms: Option<u64>,
    pub current: bool,
}

/// Identification of a secret, as `identify --json` prints it.
#[derive(Serialize)]
pub(in crate::cli) struct IdentificationJson {
    candidates: Vec<CandidateJson>,
    cleaned: Vec<String>,
}

#[derive(Serialize)]
struct CandidateJson {
    provider: String,
    kind: String,
    region: Option<String>,
    expires: Option<String>,
    /// ID that the secret contains about itself; not a secret.
    id: Option<String>,
    confidence: MatchConfidence,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    incomplete: bool,
    why: String,
}

impl<'a> CredentialJson<'a> {
    /// Returns the JSON shape of a credential.
    pub(in crate::cli) fn new(credential: &'a Credential, now: Timestamp) -> Self {
        Self {
            name: credential.name.as_str(),
            provider: &credential.provider,
            kind: &credential.kind,
            region: &credential.region,
            fields: &credential.fields,
            labels: &credential.labels,
            created: format_rfc3339(credential.created),
            expires: credential.expires.map(format_rfc3339),
            fingerprint: credential.fingerprint.as_deref(),
            principal: credential.principal.as_ref(),
            status: CredentialStatus::for_credential(credential, now).word(),
            last_check: credential.last_check.as_ref().map(LastCheckJson::new),
            rotation: None,
        }
    }

    /// Adds the unfinished rotation of the credential.
    pub(in crate::cli) fn with_rotation(mut self, rotation: Option<&'a RotationStatus>) -> Self {
        self.rotation = rotation.map(|status| OpenRotationJson {
            id: &status.id,
            state: status.state,
            step: status.step.as_deref(),
            next: &status.next,
        });
        self
    }
}

impl<'a> LastCheckJson<'a> {
    fn new(check: &'a credential::CheckReport) -> Self {
        let credential::CheckReport { result: verdict, status, reason, checked_at: at, latency_ms } =
            check;
        Self {
            verdict: *verdict,
            status: *status,
            reason,
            at: format_rfc3339(*at),
            latency_ms: *latency_ms,
        }
    }
}

impl CheckResultJson {
    /// Returns the JSON shape of a check result of a credential in a region.
    pub(in crate::cli) fn new(
        credential: &Credential,
        region: &str,
        check: &credential::CheckReport,
    ) -> Self {
        Self {
            name: credential.name.to_string(),
            region: region.to_owned(),
            verdict: check.result,
            status: check.status,
            reason: check.reason.clone(),
            latency_ms: check.latency_ms,
            policy: None,
        }
    }
}

impl IdentificationJson {
    /// Returns the JSON shape of an identification, best candidate first.
    pub(in crate::cli) fn new(found: &Identification) -> Self {
        let candidates = found.candidates.iter().map(|candidate| CandidateJson {
            provider: candidate.provider.clone(),
            kind: candidate.kind.clone(),
            region: candidate.region.clone(),
            expires: candidate.expires.map(format_rfc3339),
            id: candidate.remote_id.clone(),
            confidence: candidate.confidence,
            incomplete: candidate.is_incomplete,
            why: candidate.why.clone(),
        });
        Self { candidates: candidates.collect(), cleaned: found.removed.clone() }
    }
}

/// Formats a timestamp as RFC 3339 in UTC, to the second.
pub(in crate::cli) fn format_rfc3339(moment: Timestamp) -> String {
    let seconds = moment.to_offset(time::UtcOffset::UTC).replace_nanosecond(0).unwrap_or(moment);
    seconds.format(&Rfc3339).unwrap_or_default()
}

/// Kind of a token, which decides its color.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenColor {
    Key,
    Text,
    Number,
    Word,
}

/// Formats a text of one or more JSON values. Characters that would control the terminal are
/// escaped.
pub(in crate::cli) fn format_json(json: &str, colors: ColorMode) -> String {
    let escaped = escape_json(json);
    let formatted = String::with_capacity(escaped.len() * 2);
    let mut formatter =
        TerminalJsonWriter { json: &escaped, at: 0, depth: 0, is_fresh: true, colors, formatted };
    while let Some(byte) = formatter.peek() {
        formatter.push_token(byte);
    }
    formatter.formatted
}

struct TerminalJsonWriter<'j> {
    json: &'j str,
    at: usize,
    depth: usize,
    /// Whether nothing of a value at the top level has been written since the last line break.
    is_fresh: bool,
    colors: ColorMode,
    formatted: String,
}

impl TerminalJsonWriter<'_> {
    /// Returns the next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.json.as_bytes().get(self.at..)?;
        let skipped = rest.iter().position(|byte| !is_json_space(*byte))?;
        self.at += skipped;
        Some(rest[skipped])
    }

    fn push_token(&mut self, byte: u8) {
        match byte {
            b'{' | b'[' => self.open(byte),
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                self.break_line();
                self.push_sign(byte);
            }
            b',' => {
                self.push_sign(byte);
                self.break_line();
            }
            b':' => {
                self.push_sign(byte);
                self.formatted.push(' ');
            }
            _ => self.push_scalar(byte),
        }
    }

    fn open(&mut self, byte: u8) {
        self.begin_value();
        self.push_sign(byte);
        let closing = if byte == b'{' { b'}' } else { b']' };
        if self.peek() == Some(closing) {
            self.push_sign(closing);
        } else {
            self.depth += 1;
            self.break_line();
        }
    }

    fn push_scalar(&mut self, first: u8) {
        self.begin_value();
        let bytes = self.json.as_bytes();
        let end =
            if first == b'"' { string_end(bytes, self.at) } else { value_end(bytes, self.at) };
        // A sign that no JSON has must not stop the formatting.
        let token = &self.json[self.at..end.max(self.at + 1)];
        self.at += token.len();
        let color = match first {
            b'"' if self.peek() == Some(b':') => TokenColor::Key,
            b'"' => TokenColor::Text,
            b't' | b'f' | b'n' => TokenColor::Word,
            _ => TokenColor::Number,
        };
        let painted = self.colors.paint_in(token, color.style());
        self.formatted.push_str(&painted);
    }

    /// Starts the line of another value at the top level.
    fn begin_value(&mut self) {
        if self.depth == 0 && !std::mem::take(&mut self.is_fresh) {
            self.formatted.push('\n');
        }
    }

    fn push_sign(&mut self, byte: u8) {
        self.formatted.push(char::from(byte));
        self.at += 1;
    }

    fn break_line(&mut self) {
        self.formatted.push('\n');
        self.formatted.extend(std::iter::repeat_n("  ", self.depth));
    }
}

impl TokenColor {
    const fn style(self) -> Style {
        match self {
            Self::Key => AnsiColor::Blue.on_default().bold(),
            Self::Text => AnsiColor::Green.on_default(),
            Self::Number => AnsiColor::Cyan.on_default(),
            Self::Word => AnsiColor::Magenta.on_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_utc_to_the_second() {
        let moment = time::macros::datetime!(2026-11-21 10:00:00.25 +02:00);
        assert_eq!(format_rfc3339(moment), "2026-11-21T08:00:00Z");
    }
}

#[cfg(test)]
mod json_text_tests {
    use super::*;

    #[test]
    fn one_member_per_line_and_every_token_as_it_was() {
        let json = "{\"a\":[1.10,{ },[]],\r\n\"a\":\"\\u00e9\u{9b}\",\"b\":{\"c\":null}} 2 [\"x\"]";
        let expected = "{\n  \"a\": [\n    1.10,\n    {},\n    []\n  ],\n  \"a\": \"\\u00e9\\u009b\",\n  \"b\": {\n    \"c\": null\n  }\n}\n2\n[\n  \"x\"\n]";
        assert_eq!(format_json(json, ColorMode::Plain), expected);
        assert_eq!(format_json("", ColorMode::Plain), "");
        assert_eq!(format_json("\u{1e}1\n\u{1e}2", ColorMode::Plain), "1\n2");
    }

    #[test]
    fn colors_tell_keys_from_values() {
        let colored = format_json(r#"{"a":"b","c":1,"d":true}"#, ColorMode::Colored);
        for (token, code) in [("\"a\"", "34"), ("\"b\"", "32"), ("1", "36"), ("true", "35")] {
            let position = colored.find(&format!("{token}\u{1b}[0m")).unwrap();
            assert!(colored[..position].ends_with(&format!("[{code}m")), "{token}: {colored:?}");
        }
    }
}
