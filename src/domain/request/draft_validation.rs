//! Validation of a draft before it is sent, and removal of its secrets before it is stored.
//!
//! Start at [`RequestDraft::validate`].

use url::Url;

use super::{DraftBody, RequestDraft, RequestTarget};
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::redact::{MASK, SecretRedactor};

/// Headers that users may not set: headers that carry a credential, which the engine adds for bound
/// hosts only, and the host header, which would redirect the credential to another site.
const RESERVED_HEADERS: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "host"];

/// [`MASK`] in URL encoding.
const URL_ENCODED_MASK: &str = "%E2%80%B9secret%E2%80%BA";

/// Reason why a draft cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// A header that only tokenring sets.
    #[error("the header {0} is reserved")]
    ReservedHeader(&'static str),
    /// A secret was removed here, and its placeholder is still in the draft.
    #[error("{0} contains {MASK}, the placeholder of a removed secret")]
    MaskedSecret(&'static str),
}

impl RequestDraft {
    /// Checks whether the draft may be sent with a credential.
    pub fn validate(&self) -> Result<(), DraftError> {
        let reserved = RESERVED_HEADERS
            .into_iter()
            .find(|name| self.header(name).is_some() || self.removes_header(name));
        let body = self.body.iter().flat_map(DraftBody::texts);
        let texts = [
            ("the path", vec![self.target.to_string()]),
            (
                "the query",
                self.query.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            ),
            ("a header", self.headers.iter().map(|(_, value)| value.clone()).collect()),
            ("the body", body.map(str::to_owned).collect()),
        ];
        let masked = |text: &String| text.contains(MASK) || text.contains(URL_ENCODED_MASK);
        let placeholder =
            texts.into_iter().find(|(_, texts)| texts.iter().any(masked)).map(|(place, _)| place);
        match (reserved, placeholder) {
            (Some(name), _) => Err(DraftError::ReservedHeader(name)),
            (None, Some(place)) => Err(DraftError::MaskedSecret(place)),
            (None, None) => Ok(()),
        }
    }

    /// Returns the draft with a placeholder for everything that is or looks like a secret.
    #[must_use]
    pub fn without_secrets(&self, redactor: &SecretRedactor) -> Self {
        let pairs = |pairs: &[(String, String)]| {
            pairs
                .iter()
                .map(|(name, value)| (redactor.redact(name), redactor.redact(value)))
                .collect()
        };
        Self {
            method: self.method,
            target: match &self.target {
                RequestTarget::Path { place, path } => {
                    RequestTarget::Path { place: *place, path: redactor.redact(path) }
                }
                RequestTarget::Url(url) => RequestTarget::Url(
                    Url::parse(&redactor.redact(url.as_str())).unwrap_or_else(|_| url.clone()),
                ),
            },
            query: pairs(&self.query),
            headers: pairs(&self.headers),
            removed_headers: self
                .removed_headers
                .iter()
                .map(|name| redactor.redact(name))
                .collect(),
            body: self.body.as_ref().map(|body| body.map_texts(|text| redactor.redact(text))),
            preset: self.preset.clone(),
        }
    }
}

impl From<DraftError> for Problem {
    fn from(error: DraftError) -> Self {
        let remedy = match &error {
            DraftError::ReservedHeader("host") => "Remove the header; the region sets the host",
            DraftError::ReservedHeader(_) => {
                "Remove the header; tokenring adds the credential's own header"
            }
            DraftError::MaskedSecret(_) => "Replace the placeholder",
        };
        Self::new("The request was not sent", error.to_string(), remedy)
            .with_class(ProblemClass::Usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Secret;
    use crate::domain::request::{FormPart, HttpMethod};

    fn draft(target: &str) -> RequestDraft {
        RequestDraft::new(HttpMethod::Get, RequestTarget::parse(target).unwrap())
    }

    #[test]
    fn headers_that_carry_a_credential_cannot_be_set() {
        for name in ["Authorization", "COOKIE", "host", "Proxy-Authorization"] {
            let draft =
                RequestDraft { headers: vec![(name.to_owned(), "x".to_owned())], ..draft("/a") };
            let error = draft.validate().unwrap_err();
            assert!(
                matches!(error, DraftError::ReservedHeader(known) if known.eq_ignore_ascii_case(name))
            );
            assert!(!Problem::from(error).remedy.is_empty());
        }
        let removing =
            RequestDraft { removed_headers: vec!["Authorization".to_owned()], ..draft("/a") };
        assert_eq!(removing.validate(), Err(DraftError::ReservedHeader("authorization")));
        assert_eq!(
            RequestDraft { headers: vec![("x-cookie".to_owned(), "x".to_owned())], ..draft("/a") }
                .validate(),
            Ok(())
        );
    }

    #[test]
    fn a_secret_leaves_a_placeholder_and_a_placeholder_is_not_sent() {
        let mut redactor = SecretRedactor::default();
        redactor.add_secret(&Secret::from_text("4711-canary".to_owned()));
        let holding = [
            draft("/a/4711-canary"),
            draft("https://h.example/?k=4711-canary"),
            RequestDraft { query: vec![("k".to_owned(), "4711-canary".to_owned())], ..draft("/a") },
            RequestDraft {
                headers: vec![("x".to_owned(), "4711-canary".to_owned())],
                ..draft("/a")
            },
            RequestDraft { body: Some("{\"k\":\"snyk_uat.abc.def\"}".into()), ..draft("/a") },
            RequestDraft {
                body: Some(DraftBody::Form { form: vec![FormPart::with_text("k", "4711-canary")] }),
                ..draft("/a")
            },
            RequestDraft {
                body: Some(DraftBody::File { file: "/home/me/4711-canary".to_owned() }),
                ..draft("/a")
            },
        ];
        for draft in holding {
            assert_eq!(draft.validate(), Ok(()));
            let clean = draft.without_secrets(&redactor);
            assert!(
                !format!("{clean:?}").contains("4711") && !format!("{clean:?}").contains("abc"),
                "{clean:?}"
            );
            assert!(matches!(clean.validate(), Err(DraftError::MaskedSecret(_))), "{clean:?}");
        }
        assert_eq!(
            draft("/rest/self?version=2024-10-15").without_secrets(&redactor),
            draft("/rest/self?version=2024-10-15")
        );
    }
}
