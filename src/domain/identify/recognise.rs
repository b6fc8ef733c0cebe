//! The catalogue's rules held against a bare text.

use super::Candidate;
use super::claims::{Said, is_base64};
use super::hosts::{self, Named};
use crate::domain::provider::Catalogue;
use crate::domain::provider::spec::{Confidence, Holding, Kind, Provider, Recognition, Shape};
use crate::domain::text::is_uuid;

/// Whether the text begins as only the secrets of some kind do.
pub(super) fn is_marked(text: &str, catalogue: &Catalogue) -> bool {
    rules(catalogue).any(|(_, _, rule)| !rule.prefix.is_empty() && text.starts_with(&rule.prefix))
}

/// Everything that the text may be, best first.
pub(super) fn candidates(text: &str, catalogue: &Catalogue) -> Vec<Candidate> {
    let mut found: Vec<Candidate> =
        rules(catalogue).filter_map(|(provider, kind, rule)| Match { text, rule, provider, catalogue }.candidate(kind)).collect();
    found.sort_by_key(|candidate| (std::cmp::Reverse(candidate.confidence), candidate.holds != Holding::Secret));
    found
}

fn rules(catalogue: &Catalogue) -> impl Iterator<Item = (&Provider, &Kind, &Recognition)> {
    let kinds = catalogue.providers().flat_map(|provider| provider.kinds.iter().map(move |kind| (provider, kind)));
    kinds.flat_map(|(provider, kind)| kind.recognise.iter().map(move |rule| (provider, kind, rule)))
}

/// How far a text has the shape that a rule wants.
enum Shaped {
    /// It has it, and says this about itself.
    Whole(Said),
    /// It begins so that nothing else is meant, but is not whole.
    Cut,
}

/// One rule held against one text.
struct Match<'a> {
    text: &'a str,
    rule: &'a Recognition,
    provider: &'a Provider,
    catalogue: &'a Catalogue,
}

impl Match<'_> {
    fn candidate(&self, kind: &Kind) -> Option<Candidate> {
        let candidate = Candidate {
            provider: self.provider.id.clone(),
            kind: kind.id.clone(),
            holds: self.rule.holds.clone(),
            region: None,
            expires: None,
            confidence: self.rule.confidence,
            why: self.rule.why.clone(),
            remote_id: None,
        };
        match self.shape()? {
            Shaped::Cut => Some(Candidate {
                confidence: Confidence::Possible,
                why: format!("{}; but it is not whole: a part of it may be missing", self.rule.why),
                ..candidate
            }),
            Shaped::Whole(said) => self.with_claims(candidate, &said),
        }
    }

    fn shape(&self) -> Option<Shaped> {
        let inner = self.text.strip_prefix(self.rule.prefix.as_str())?;
        let inner = inner.strip_suffix(self.rule.suffix.as_str()).filter(|inner| !inner.is_empty())?;
        let plain = |fits: bool| fits.then(|| Shaped::Whole(Said::default()));
        match self.rule.shape {
            Shape::Uuid => plain(is_uuid(inner)),
            Shape::ClaimsToken => Some(claims_token(inner).map_or(Shaped::Cut, Shaped::Whole)),
            Shape::Jwt => jwt(inner).map(Shaped::Whole),
            Shape::Base64 => plain(is_base64(self.text)),
            Shape::Opaque => plain(!inner.contains(char::is_whitespace)),
            Shape::PemKey => plain(is_pem_key(self.text)),
        }
    }

    /// The candidate with what the claims say; `None` where they say that it is something else.
    fn with_claims(&self, mut candidate: Candidate, said: &Said) -> Option<Candidate> {
        let claims = &self.rule.claims;
        if !claims.required.iter().all(|claim| said.has(claim)) {
            return None;
        }
        candidate.expires = claims.expires.as_ref().and_then(|claim| said.moment(claim));
        candidate.remote_id = claims.id.as_ref().and_then(|claim| said.id(claim));
        let Some(claim) = &claims.host else { return Some(candidate) };
        let named = said.texts(claim).into_iter().map(|host| hosts::look_up(host, self.provider, self.catalogue));
        match named.max_by_key(rank) {
            Some(Named::Region(region)) => {
                candidate.region = Some(region.id.clone());
                Some(add(candidate, &format!("it says itself that it belongs to {}", region.id)))
            }
            Some(Named::Trusted(host)) => Some(add(candidate, &format!("it names the host {host}, which no known region has"))),
            Some(Named::Stranger) | None if self.rule.shape == Shape::Jwt => None,
            Some(Named::Stranger) => {
                Some(add(candidate, "the host that it names is not to be trusted, so its region is left open"))
            }
            None => Some(candidate),
        }
    }
}

fn rank(named: &Named<'_>) -> u8 {
    match named {
        Named::Stranger => 0,
        Named::Trusted(_) => 1,
        Named::Region(_) => 2,
    }
}

fn add(candidate: Candidate, reason: &str) -> Candidate {
    Candidate { why: format!("{}; {reason}", candidate.why), ..candidate }
}

/// What follows the prefix of a claims token: eight characters of id, the claims, the signature. Claims that cannot be
/// read do not make it another token.
fn claims_token(inner: &str) -> Option<Said> {
    let parts: Vec<&str> = inner.split('.').collect();
    let [id, claims, signature] = parts.as_slice() else { return None };
    let id_fits = id.len() == 8 && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    (id_fits && is_base64url(claims) && is_base64url(signature)).then(|| Said::read(claims).unwrap_or_default())
}

fn jwt(text: &str) -> Option<Said> {
    let parts: Vec<&str> = text.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else { return None };
    Said::read(header).filter(|header| header.has("alg") && is_base64url(signature))?;
    Said::read(claims)
}

fn is_base64url(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn is_pem_key(text: &str) -> bool {
    text.starts_with("-----BEGIN ") && text.ends_with("PRIVATE KEY-----") && text.contains("-----END ")
}
