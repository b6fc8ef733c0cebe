//! Resolution of a record: provider, kind and region, from what the record names, what the secret
//! shows and which address is beside it.
//!
//! What contradicts one another is refused and never guessed. Start at `ImportService::resolve`.

use std::cmp::Reverse;
use std::sync::Arc;

use time::format_description::well_known::Rfc3339;

use super::records::ImportRecord;
use super::{ImportService, UNKNOWN_SHAPE_REASON};
use crate::domain::identify::endpoint::resolve_endpoint;
use crate::domain::identify::{IdentificationCandidate, KindChoice, choose_kind};
use crate::domain::provider::CredentialKind;
use crate::domain::provider::spec::{MatchConfidence, SecretRole};
use crate::domain::redact::MASK;
use crate::domain::redact::patterns::{looks_like_secret, mask_patterns, secret_words};
use crate::domain::region::Region;
use crate::domain::{Secret, Timestamp};

/// Why a record cannot be imported.
pub(super) struct RecordRefusal {
    /// The reason.
    pub(super) why: String,
    /// Whether only the format of the secret is unknown, as that of most passwords is.
    pub(super) is_unrecognized: bool,
}

/// What a record was resolved to.
pub(super) struct ResolvedRecord<'a> {
    pub(super) kind: &'a CredentialKind,
    pub(super) provider: String,
    pub(super) region: String,
    pub(super) secret: Arc<Secret>,
    pub(super) expires: Option<Timestamp>,
}

impl ResolvedRecord<'_> {
    /// Returns those parts of the record that the kind has.
    pub(super) fn known_parts<'p>(
        &self,
        record: &'p ImportRecord,
    ) -> impl Iterator<Item = (&'p String, &'p Arc<Secret>)> {
        let kind = self.kind;
        record.parts.iter().filter(move |(id, _)| kind.parts.iter().any(|part| part.id == **id))
    }
}

impl RecordRefusal {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), is_unrecognized: false }
    }

    fn unrecognized(why: impl Into<String>) -> Self {
        Self { why: why.into(), is_unrecognized: true }
    }
}

/// Returns the text with every word masked that may be a secret.
pub(super) fn mask_secrets(text: &str) -> String {
    let mut words: Vec<_> = secret_words(text).collect();
    words.sort_by_key(|word| Reverse(word.len()));
    let masked = words.into_iter().fold(text.to_owned(), |text, word| text.replace(word, MASK));
    mask_patterns(&masked)
}

/// Returns the names of the fields and of the parts that a record names. The labels of a password
/// manager's item are not among them: they can be words of a note, and no message repeats them.
fn field_names(record: &ImportRecord) -> impl Iterator<Item = &str> {
    let possible = record.possible_fields.keys().filter(move |_| record.item.is_none());
    record.fields.keys().chain(record.parts.keys()).chain(possible).map(String::as_str)
}

impl ImportService {
    /// Resolves provider, kind and region of a record.
    pub(super) fn resolve(
        &self,
        record: &ImportRecord,
    ) -> Result<ResolvedRecord<'_>, RecordRefusal> {
        if let Some(why) = &record.rejection {
            return Err(RecordRefusal::new(why.clone()));
        }
        let named = [&record.provider, &record.kind, &record.region];
        if named.into_iter().flatten().any(|name| looks_like_secret(name)) {
            return Err(RecordRefusal::new("a secret is in the place of an ID"));
        }
        if field_names(record).any(looks_like_secret) {
            return Err(RecordRefusal::new("a secret is in the place of the name of a field"));
        }
        let Some(secret) = &record.secret else {
            return Err(RecordRefusal::new("the record has no secret"));
        };
        let identified = self.credentials.identify(secret).map_err(|problem| RecordRefusal {
            why: problem.why,
            is_unrecognized: record.item.is_some(),
        })?;
        let candidates = identified.candidates;
        let (provider, kind) = self.resolve_kind(record, &candidates)?;
        let kind = self
            .catalog
            .kind(&provider, &kind)
            .map_err(|error| RecordRefusal::new(error.to_string()))?;
        let candidate =
            candidates.iter().find(|one| one.provider == provider && one.kind == kind.id);
        let region = self.resolve_region(record, &provider, candidate)?;
        let expires = match &record.expires {
            Some(text) => Some(Timestamp::parse(text, &Rfc3339).map_err(|_| {
                RecordRefusal::new("the expiry is not a time such as 2030-01-31T00:00:00Z")
            })?),
            None => candidate.and_then(|one| one.expires),
        };
        Ok(ResolvedRecord { kind, provider, region, secret: Arc::new(identified.secret), expires })
    }

    /// Returns provider and kind: those that the record names, unless the secret contradicts them;
    /// else those that the secret shows.
    fn resolve_kind(
        &self,
        record: &ImportRecord,
        candidates: &[IdentificationCandidate],
    ) -> Result<(String, String), RecordRefusal> {
        let Some(provider) = self.named_provider(record)? else {
            return self.recognized_kind(record, candidates);
        };
        let looks_like = |other: &IdentificationCandidate| {
            format!("the secret is a {} {}", other.provider, other.kind)
        };
        let shown = match choose_kind(candidates, &provider) {
            KindChoice::One(one) => Some(one),
            KindChoice::Several(all) => all.first().copied(),
            KindChoice::Unrecognized => None,
            KindChoice::Incomplete(one) => return Err(RecordRefusal::new(one.why.clone())),
            KindChoice::NotStorable(one) => {
                return Err(RecordRefusal::new(format!("not a long-lived secret: {}", one.why)));
            }
            KindChoice::OtherProvider(other) => return Err(RecordRefusal::new(looks_like(other))),
        };
        match (&record.kind, shown) {
            (None, Some(shown)) => Ok((provider, shown.kind.clone())),
            (None, None) => Err(RecordRefusal::new(
                "the format of the secret is not known, and the record names no kind",
            )),
            (Some(kind), shown) => {
                let named = self.catalog.kind(&provider, kind);
                let named = named.map_err(|error| RecordRefusal::new(error.to_string()))?;
                let contradiction = shown.filter(|shown| {
                    shown.confidence > MatchConfidence::Possible
                        && shown.kind != named.id
                        && self
                            .catalog
                            .kind(&provider, &shown.kind)
                            .is_ok_and(|other| !named.resembles(other))
                });
                match contradiction {
                    Some(other) => Err(RecordRefusal::new(looks_like(other))),
                    None => Ok((provider, named.id.clone())),
                }
            }
        }
    }

    /// Returns the provider that a record names, itself or by a kind that only one provider has.
    fn named_provider(&self, record: &ImportRecord) -> Result<Option<String>, RecordRefusal> {
        if let Some(provider) = &record.provider {
            let known = self.catalog.provider(provider);
            return known
                .map(|provider| Some(provider.id.clone()))
                .map_err(|error| RecordRefusal::new(error.to_string()));
        }
        let Some(kind) = &record.kind else { return Ok(None) };
        let mut owners = self.catalog.providers().filter(|known| known.kind(kind).is_some());
        match (owners.next(), owners.next()) {
            (Some(only), None) => Ok(Some(only.id.clone())),
            (None, _) => Err(RecordRefusal::new(format!("no provider has the kind \"{kind}\""))),
            _ => Err(RecordRefusal::new(format!("several providers have the kind \"{kind}\""))),
        }
    }

    /// Returns the kind that a secret shows. A format that is only possible counts where the label
    /// is a variable of the provider, or an address beside it is one of its regions.
    fn recognized_kind(
        &self,
        record: &ImportRecord,
        candidates: &[IdentificationCandidate],
    ) -> Result<(String, String), RecordRefusal> {
        let is_supported = |one: &&IdentificationCandidate| {
            one.confidence > MatchConfidence::Possible
                || self.is_provider_variable(&one.provider, &record.variable)
                || self.region_of_addresses(&record.addresses, &one.provider).is_some()
        };
        let Some(best) = candidates.iter().find(is_supported) else {
            let why = candidates.first().map_or_else(
                || UNKNOWN_SHAPE_REASON.to_owned(),
                |one| {
                    format!(
                        "it may be a {} of {}, which is not certain; add it with `tokenring add`",
                        one.kind, one.provider
                    )
                },
            );
            return Err(RecordRefusal::unrecognized(why));
        };
        if best.is_incomplete {
            return Err(RecordRefusal::new(best.why.clone()));
        }
        if best.secret_role != SecretRole::Secret {
            return Err(RecordRefusal::new(format!("not a long-lived secret: {}", best.why)));
        }
        Ok((best.provider.clone(), best.kind.clone()))
    }

    /// Returns the region: the one that the record or an address names, unless the secret names
    /// another one; else the secret's; else the provider's first.
    fn resolve_region(
        &self,
        record: &ImportRecord,
        provider: &str,
        candidate: Option<&IdentificationCandidate>,
    ) -> Result<String, RecordRefusal> {
        let of_secret = candidate.and_then(|one| one.region.as_deref());
        let named = match &record.region {
            Some(name) => {
                let known = self.catalog.region(provider, name);
                Some(known.map_err(|error| RecordRefusal::new(error.to_string()))?)
            }
            None => self.region_of_addresses(&record.addresses, provider),
        };
        match (named, of_secret) {
            (Some(region), Some(own)) if !region.matches_name(own) => Err(RecordRefusal::new(
                format!("the secret belongs to {own}, the record says {}", region.id),
            )),
            (Some(region), _) => Ok(region.id.clone()),
            (None, Some(own)) => Ok(own.to_owned()),
            (None, None) if record.addresses.is_empty() => {
                let regions = self.catalog.regions(provider).unwrap_or_default();
                let first = regions.first().map(|region| region.id.clone());
                first.ok_or_else(|| RecordRefusal::new("the provider has no region"))
            }
            (None, None) => Err(RecordRefusal::new(
                "the address beside it belongs to no known region; add it with `tokenring regions add`",
            )),
        }
    }

    /// Returns the region of a provider that one of these addresses belongs to, as its API or its
    /// web application.
    fn region_of_addresses(&self, addresses: &[String], provider: &str) -> Option<&Region> {
        addresses.iter().find_map(|address| resolve_endpoint(address, provider, &self.catalog).ok())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::provider::ProviderCatalog;

    const TOKEN: &str = "00000001-1234-4234-8234-123456789abc";

    #[test]
    fn words_that_may_be_secrets_are_masked() {
        let text = format!("no field \"{TOKEN}\": snyk_uat.abc, use org_id");
        let masked = mask_secrets(&text);
        assert!(!masked.contains(TOKEN) && !masked.contains("uat.abc"), "{masked}");
        assert!(masked.starts_with("no field \"") && masked.ends_with("use org_id"), "{masked}");
        assert_eq!(mask_secrets("the record has no secret"), "the record has no secret");
    }

    #[test]
    fn names_of_fields_and_parts_are_searched_for_secrets() {
        let texts = || BTreeMap::from([(TOKEN.to_owned(), "x".to_owned())]);
        let parts =
            BTreeMap::from([(TOKEN.to_owned(), Arc::new(Secret::from_text("x".to_owned())))]);
        for record in [
            ImportRecord { fields: texts(), ..ImportRecord::default() },
            ImportRecord { possible_fields: texts(), ..ImportRecord::default() },
            ImportRecord { parts, ..ImportRecord::default() },
        ] {
            assert!(field_names(&record).any(looks_like_secret));
        }
        let item =
            ImportRecord { item: Some(0), possible_fields: texts(), ..ImportRecord::default() };
        assert_eq!(field_names(&item).count(), 0);
    }

    #[test]
    fn only_parts_that_the_kind_has_are_completed() {
        let catalog = ProviderCatalog::builtin();
        let resolved = ResolvedRecord {
            kind: catalog.kind("snyk", "personal-token").unwrap(),
            provider: "snyk".to_owned(),
            region: "SNYK-US-01".to_owned(),
            secret: Arc::new(Secret::from_text(TOKEN.to_owned())),
            expires: None,
        };
        let parts =
            BTreeMap::from([("nope".to_owned(), Arc::new(Secret::from_text("x".to_owned())))]);
        let record = ImportRecord { parts, ..ImportRecord::default() };
        assert_eq!(resolved.known_parts(&record).count(), 0);
    }
}
