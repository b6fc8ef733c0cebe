//! Offline identification of a pasted secret: provider, kind, region, expiry, and the reason for
//! each guess.
//!
//! Identification has three steps: `unwrap` removes what users paste along with a secret,
//! `recognize` applies the rules of the catalog to the rest, and `token_claims` reads what a token
//! says about itself. Claims are only hints, because nothing verifies a signature; `host_trust`
//! decides which hosts in them count. Start at [`identify`]. `endpoint` reads the address beside a
//! secret, `reference` and `secret_names` tell what a value and its name are.
//!
//! Choice of the kind under which an identified secret is stored: the same for `add`, `import`, the
//! form and a pasted secret of a rotation.
//!
//! Start at [`Identification::choose_kind`].

pub mod endpoint;
mod host_trust;
mod recognize;
pub mod reference;
pub mod secret_names;
pub mod token_claims;
mod unwrap;

use host_trust::HostTrust;

use super::provider::ProviderCatalog;
use super::provider::spec::{MatchConfidence, SecretRole};
use super::region::Region;
use super::{Secret, Timestamp};

/// Result of identifying a pasted text.
pub struct Identification {
    /// Secret without anything around it.
    pub secret: Secret,
    /// Descriptions of what was removed, in the order of removal.
    pub removed: Vec<String>,
    /// Possible meanings, best first; empty where no rule matches.
    pub candidates: Vec<IdentificationCandidate>,
}

/// One possible meaning of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentificationCandidate {
    /// ID of the provider.
    pub provider: String,
    /// ID of the kind.
    pub kind: String,
    /// Role of the text for that kind: its secret, one of its parts, or a short-lived token not
    /// worth storing.
    pub secret_role: SecretRole,
    /// ID of the region, where the secret names one that is trusted.
    pub region: Option<String>,
    /// Expiry time, where the secret contains one.
    pub expires: Option<Timestamp>,
    /// Confidence of the match.
    pub confidence: MatchConfidence,
    /// Whether a part of the text is missing. The form then shows the kind only.
    pub is_incomplete: bool,
    /// Reason for the match.
    pub why: String,
    /// Probable ID of the credential at the provider (`j` of a Snyk token, `jti` of a JWT). The ID
    /// is not secret.
    pub remote_id: Option<String>,
}

/// Reason why a pasted text cannot be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasteError {
    /// The text is empty, or only whitespace and quotes.
    #[error("the input is empty")]
    Empty,
    /// The text contains several secrets, or other words beside the secret.
    #[error("the text contains more than one word or secret")]
    Ambiguous,
    /// The text contains an invisible or control character. The error names it, since the user
    /// cannot see it.
    #[error("the text contains {name} at character {position}")]
    UnprintableCharacter {
        /// Name of the character, such as "a zero-width space (U+200B)".
        name: String,
        /// Position of the character, counted from 1.
        position: usize,
    },
    /// The bytes are not UTF-8 text.
    #[error("the input is not text")]
    NotText,
}

/// Extracts the secret from a pasted text and lists what it may be.
///
/// # Errors
///
/// Fails where the text contains no secret, or more than one.
pub fn identify(pasted: &Secret, catalog: &ProviderCatalog) -> Result<Identification, PasteError> {
    pasted.expose(|bytes| {
        let text = std::str::from_utf8(bytes).map_err(|_| PasteError::NotText)?;
        let bare = unwrap::unwrap_secret(text, &|text| recognize::has_known_prefix(text, catalog))?;
        let candidates = recognize::find_candidates(&bare.text, catalog);
        Ok(Identification {
            secret: Secret::new(bare.text.as_bytes().to_vec()),
            removed: bare.removed,
            candidates,
        })
    })
}

/// Returns the region of a host that a provider names in a response, such as after a sign-in;
/// `None` for a host that is not in the catalog, whatever its name claims.
pub fn region_for_host<'c>(
    host: &str,
    provider: &str,
    catalog: &'c ProviderCatalog,
) -> Option<&'c Region> {
    match host_trust::classify_host(host, catalog.provider(provider).ok()?, catalog) {
        HostTrust::Region(region) => Some(region),
        HostTrust::Trusted(_) | HostTrust::Untrusted => None,
    }
}

impl From<PasteError> for super::Problem {
    fn from(error: PasteError) -> Self {
        let remedy = match &error {
            PasteError::Empty => "paste the secret, or pipe it in: `tokenring … < FILE`",
            PasteError::Ambiguous => "Paste only the secret",
            PasteError::UnprintableCharacter { .. } => {
                "Copy the secret again from the provider's page; web pages and chats can add such characters"
            }
            PasteError::NotText => "Save the secret as plain UTF-8 text, or paste it",
        };
        let what = match error {
            PasteError::Empty => "No secret was given",
            _ => "The pasted text is not a valid secret",
        };
        Self::new(what, error.to_string(), remedy).with_class(super::problem::ProblemClass::Usage)
    }
}

/// Kind of a secret, as far as the secret shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KindChoice<'a> {
    /// One kind.
    One(&'a IdentificationCandidate),
    /// Several kinds have secrets of this form; the usual one first.
    Several(Vec<&'a IdentificationCandidate>),
    /// A part of the text is missing.
    Incomplete(&'a IdentificationCandidate),
    /// A short-lived token or a further part, not the secret of a kind.
    NotStorable(&'a IdentificationCandidate),
    /// The secret of another provider.
    OtherProvider(&'a IdentificationCandidate),
    /// No kind of the provider has secrets that are recognized by this form.
    Unrecognized,
}

impl Identification {
    /// Chooses the kind of the secret among the kinds of a provider.
    pub fn choose_kind(&self, provider: &str) -> KindChoice<'_> {
        choose_kind(&self.candidates, provider)
    }
}

/// Chooses the kind among the candidates that are of a provider.
pub fn choose_kind<'a>(
    candidates: &'a [IdentificationCandidate],
    provider: &str,
) -> KindChoice<'a> {
    let own = || candidates.iter().filter(|candidate| candidate.provider == provider);
    let Some(best) = own().next() else {
        return match candidates.first() {
            Some(other) if other.confidence > MatchConfidence::Possible || other.is_incomplete => {
                KindChoice::OtherProvider(other)
            }
            _ => KindChoice::Unrecognized,
        };
    };
    if best.is_incomplete {
        return KindChoice::Incomplete(best);
    }
    if best.secret_role != SecretRole::Secret {
        return KindChoice::NotStorable(best);
    }
    let equal: Vec<_> = own()
        .filter(|other| {
            other.confidence == best.confidence && other.secret_role == SecretRole::Secret
        })
        .collect();
    if equal.len() > 1 { KindChoice::Several(equal) } else { KindChoice::One(best) }
}

#[cfg(test)]
mod kind_choice_tests {
    use super::*;
    use crate::domain::Secret;
    use crate::domain::identify::identify;
    use crate::domain::provider::builtin_catalog;

    fn chosen(text: &str, provider: &str) -> String {
        let catalog = builtin_catalog();
        let found = identify(&Secret::from_text(text.to_owned()), catalog).unwrap();
        let kinds = |all: &[&IdentificationCandidate]| {
            all.iter().map(|one| one.kind.as_str()).collect::<Vec<_>>().join(" or ")
        };
        match found.choose_kind(provider) {
            KindChoice::One(one) => one.kind.clone(),
            KindChoice::Several(all) => kinds(&all),
            KindChoice::Incomplete(one) => format!("incomplete {}", one.kind),
            KindChoice::NotStorable(one) => format!("not a {}", one.kind),
            KindChoice::OtherProvider(one) => format!("{} of {}", one.kind, one.provider),
            KindChoice::Unrecognized => "unrecognized".to_owned(),
        }
    }

    #[test]
    fn a_text_is_one_kind_several_or_none() {
        const UUID: &str = "12345678-1234-4234-8234-123456789abc";
        const WHOLE: &str = "snyk_uat.1a2b3c4d.eyJlIjoxfQ.c2lnbmF0dXJl";
        for (text, provider, expected) in [
            (UUID, "snyk", "personal-token or service-account-token"),
            (UUID, "appcircle", "unrecognized"),
            (WHOLE, "snyk", "personal-access-token"),
            (WHOLE, "appcircle", "personal-access-token of snyk"),
            ("snyk_uat.1a2b3c4d.eyJlIjox", "snyk", "incomplete personal-access-token"),
            ("snyk_uat.1a2b3c4d.eyJlIjox", "appcircle", "personal-access-token of snyk"),
            ("snyk_sat.1a2b3c4d", "snyk", "incomplete service-account-token"),
            ("hunter2hunter2", "snyk", "unrecognized"),
        ] {
            assert_eq!(chosen(text, provider), expected, "{text} for {provider}");
        }
    }
}

#[cfg(test)]
mod tests;
