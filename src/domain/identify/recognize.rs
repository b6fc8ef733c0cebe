//! Matching of the catalog's recognition rules against an unwrapped text.
//!
//! Start at [`find_candidates`].

use super::IdentificationCandidate;
use super::host_trust::{self, HostTrust};
use super::token_claims::{TokenClaims, is_base64};
use crate::domain::provider::ProviderCatalog;
use crate::domain::provider::spec::{
    CredentialKind, MatchConfidence, Provider, RecognitionRule, SecretFormat, SecretRole,
};
use crate::domain::text::is_uuid;

/// Whether the text starts with a prefix that only secrets of one kind have.
pub(super) fn has_known_prefix(text: &str, catalog: &ProviderCatalog) -> bool {
    recognition_rules(catalog)
        .any(|(_, _, rule)| !rule.prefix.is_empty() && text.starts_with(&rule.prefix))
}

/// Finds every possible meaning of the text, best first.
pub(super) fn find_candidates(
    text: &str,
    catalog: &ProviderCatalog,
) -> Vec<IdentificationCandidate> {
    let mut found: Vec<IdentificationCandidate> = recognition_rules(catalog)
        .filter_map(|(provider, kind, rule)| {
            RuleMatch { text, rule, provider, catalog }.to_candidate(kind)
        })
        .collect();
    found.sort_by_key(|candidate| {
        (std::cmp::Reverse(candidate.confidence), candidate.secret_role != SecretRole::Secret)
    });
    found
}

fn recognition_rules(
    catalog: &ProviderCatalog,
) -> impl Iterator<Item = (&Provider, &CredentialKind, &RecognitionRule)> {
    let kinds = catalog
        .providers()
        .flat_map(|provider| provider.kinds.iter().map(move |kind| (provider, kind)));
    kinds.flat_map(|(provider, kind)| {
        kind.recognition_rules.iter().map(move |rule| (provider, kind, rule))
    })
}

/// Degree to which a text has the shape that a rule requires.
enum ShapeMatch {
    /// The text has the shape; the value holds its claims.
    Full(TokenClaims),
    /// The prefix is unmistakable, but the text is incomplete.
    Truncated,
}

/// Match of one rule against one text.
struct RuleMatch<'a> {
    text: &'a str,
    rule: &'a RecognitionRule,
    provider: &'a Provider,
    catalog: &'a ProviderCatalog,
}

impl RuleMatch<'_> {
    fn to_candidate(&self, kind: &CredentialKind) -> Option<IdentificationCandidate> {
        let candidate = IdentificationCandidate {
            provider: self.provider.id.clone(),
            kind: kind.id.clone(),
            secret_role: self.rule.secret_role.clone(),
            region: None,
            expires: None,
            confidence: self.rule.confidence,
            is_incomplete: false,
            why: self.rule.why.clone(),
            remote_id: None,
        };
        match self.match_shape()? {
            ShapeMatch::Truncated => Some(IdentificationCandidate {
                confidence: MatchConfidence::Possible,
                is_incomplete: true,
                why: format!(
                    "{}; but the text is incomplete: a part of it may be missing",
                    self.rule.why
                ),
                ..candidate
            }),
            ShapeMatch::Full(token_claims) => self.apply_claims(candidate, &token_claims),
        }
    }

    fn match_shape(&self) -> Option<ShapeMatch> {
        let inner = self.text.strip_prefix(self.rule.prefix.as_str())?;
        let inner =
            inner.strip_suffix(self.rule.suffix.as_str()).filter(|inner| !inner.is_empty())?;
        let plain = |fits: bool| fits.then(|| ShapeMatch::Full(TokenClaims::default()));
        match self.rule.shape {
            SecretFormat::Uuid => plain(is_uuid(inner)),
            SecretFormat::ClaimsToken => {
                Some(parse_claims_token(inner).map_or(ShapeMatch::Truncated, ShapeMatch::Full))
            }
            SecretFormat::Jwt => parse_jwt(inner).map(ShapeMatch::Full),
            SecretFormat::Base64 => plain(is_base64(self.text)),
            SecretFormat::Opaque => plain(!inner.contains(char::is_whitespace)),
            SecretFormat::PemKey => plain(is_pem_key(self.text)),
        }
    }

    /// Adds the information from the claims to the candidate; returns `None` where the claims
    /// contradict the rule.
    fn apply_claims(
        &self,
        mut candidate: IdentificationCandidate,
        token_claims: &TokenClaims,
    ) -> Option<IdentificationCandidate> {
        let claims = &self.rule.claims;
        if !claims.required.iter().all(|claim| token_claims.contains(claim)) {
            return None;
        }
        candidate.expires = claims.expires.as_ref().and_then(|claim| token_claims.timestamp(claim));
        candidate.remote_id = claims.id.as_ref().and_then(|claim| token_claims.id(claim));
        let Some(claim) = &claims.host else { return Some(candidate) };
        let named = token_claims
            .strings(claim)
            .into_iter()
            .map(|host| host_trust::classify_host(host, self.provider, self.catalog));
        match named.max_by_key(trust_rank) {
            Some(HostTrust::Region(region)) => {
                candidate.region = Some(region.id.clone());
                Some(with_reason(candidate, &format!("the token names the region {}", region.id)))
            }
            Some(HostTrust::Trusted(host)) => Some(with_reason(
                candidate,
                &format!("the token names the host {host}, which belongs to no known region"),
            )),
            Some(HostTrust::Untrusted) | None if self.rule.shape == SecretFormat::Jwt => None,
            Some(HostTrust::Untrusted) => Some(with_reason(
                candidate,
                "the token names a host that is not trusted, so its region is unknown",
            )),
            None => Some(candidate),
        }
    }
}

fn trust_rank(named: &HostTrust<'_>) -> u8 {
    match named {
        HostTrust::Untrusted => 0,
        HostTrust::Trusted(_) => 1,
        HostTrust::Region(_) => 2,
    }
}

fn with_reason(candidate: IdentificationCandidate, reason: &str) -> IdentificationCandidate {
    IdentificationCandidate { why: format!("{}; {reason}", candidate.why), ..candidate }
}

/// Parses the part after the prefix of a claims token: eight characters of ID, the claims, the
/// signature. Unreadable claims do not change the kind of token.
fn parse_claims_token(inner: &str) -> Option<TokenClaims> {
    let parts: Vec<&str> = inner.split('.').collect();
    let [id, claims, signature] = parts.as_slice() else { return None };
    let id_fits = id.len() == 8 && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    (id_fits && is_base64url(claims) && is_base64url(signature))
        .then(|| TokenClaims::decode(claims).unwrap_or_default())
}

fn parse_jwt(text: &str) -> Option<TokenClaims> {
    let parts: Vec<&str> = text.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else { return None };
    TokenClaims::decode(header)
        .filter(|header| header.contains("alg") && is_base64url(signature))?;
    TokenClaims::decode(claims)
}

fn is_base64url(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn is_pem_key(text: &str) -> bool {
    text.starts_with("-----BEGIN ")
        && text.ends_with("PRIVATE KEY-----")
        && text.contains("-----END ")
}
