//! Choice of the kind under which an identified secret is stored: the same for `add`, `import`, the
//! form and a pasted secret of a rotation.
//!
//! Start at [`Identification::choose_kind`].

use super::{Identification, IdentificationCandidate};
use crate::domain::provider::spec::{MatchConfidence, SecretRole};

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
mod tests {
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
