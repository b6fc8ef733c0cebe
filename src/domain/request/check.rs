//! What a draft must not hold, and how one loses its secrets before it is kept.

use url::Url;

use super::{Draft, Target};
use crate::domain::problem::{Class, Problem};
use crate::domain::redact::{MASK, Redactor};

/// Headers that are not a person's to set: those that carry a credential, which is bound below and goes nowhere else,
/// and the one that would lead it to another site.
const RESERVED: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "host"];

/// [`MASK`] as it stands in a URL.
const MASK_IN_URL: &str = "%E2%80%B9secret%E2%80%BA";

/// Why a draft is not sent as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// A header that only the program sets.
    #[error("the header {0} is not yours to set")]
    Reserved(&'static str),
    /// A secret was here, and nobody put anything in its place.
    #[error("{0} holds {MASK}, which stands where a secret was taken out")]
    Placeholder(&'static str),
}

impl Draft {
    /// Whether it may be sent with a credential.
    pub fn check(&self) -> Result<(), DraftError> {
        let reserved = RESERVED.into_iter().find(|name| self.header(name).is_some());
        let texts = [
            ("the path", vec![self.target.to_string()]),
            ("the query", self.query.iter().map(|(name, value)| format!("{name}={value}")).collect()),
            ("a header", self.headers.iter().map(|(_, value)| value.clone()).collect()),
            ("the body", self.body.clone().into_iter().collect()),
        ];
        let masked = |text: &String| text.contains(MASK) || text.contains(MASK_IN_URL);
        let placeholder = texts.into_iter().find(|(_, texts)| texts.iter().any(masked)).map(|(place, _)| place);
        match (reserved, placeholder) {
            (Some(name), _) => Err(DraftError::Reserved(name)),
            (None, Some(place)) => Err(DraftError::Placeholder(place)),
            (None, None) => Ok(()),
        }
    }

    /// The same draft with a placeholder for everything that is, or looks like, a secret.
    #[must_use]
    pub fn without_secrets(&self, redactor: &Redactor) -> Self {
        let pairs = |pairs: &[(String, String)]| {
            pairs.iter().map(|(name, value)| (redactor.redact(name), redactor.redact(value))).collect()
        };
        Self {
            method: self.method,
            target: match &self.target {
                Target::Path { place, path } => Target::Path { place: *place, path: redactor.redact(path) },
                Target::Url(url) => Target::Url(Url::parse(&redactor.redact(url.as_str())).unwrap_or_else(|_| url.clone())),
            },
            query: pairs(&self.query),
            headers: pairs(&self.headers),
            body: self.body.as_deref().map(|body| redactor.redact(body)),
            preset: self.preset.clone(),
        }
    }
}

impl From<DraftError> for Problem {
    fn from(error: DraftError) -> Self {
        let remedy = match &error {
            DraftError::Reserved("host") => "Leave it out; the region names the host",
            DraftError::Reserved(_) => "Leave it out; the credential's own header is added at the last moment",
            DraftError::Placeholder(_) => "Put something else in its place",
        };
        Self::new("Nothing was sent", error.to_string(), remedy).of(Class::Usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Secret;
    use crate::domain::request::Method;

    fn draft(target: &str) -> Draft {
        Draft::new(Method::Get, Target::parse(target).unwrap())
    }

    #[test]
    fn what_carries_a_credential_is_not_a_persons_to_set() {
        for name in ["Authorization", "COOKIE", "host", "Proxy-Authorization"] {
            let draft = Draft { headers: vec![(name.to_owned(), "x".to_owned())], ..draft("/a") };
            let error = draft.check().unwrap_err();
            assert!(matches!(error, DraftError::Reserved(known) if known.eq_ignore_ascii_case(name)));
            assert!(!Problem::from(error).remedy.is_empty());
        }
        assert_eq!(Draft { headers: vec![("x-cookie".to_owned(), "x".to_owned())], ..draft("/a") }.check(), Ok(()));
    }

    #[test]
    fn a_secret_leaves_a_placeholder_and_a_placeholder_is_not_sent() {
        let mut redactor = Redactor::default();
        redactor.learn(&Secret::from_text("4711-canary".to_owned()));
        let holding = [
            draft("/a/4711-canary"),
            draft("https://h.example/?k=4711-canary"),
            Draft { query: vec![("k".to_owned(), "4711-canary".to_owned())], ..draft("/a") },
            Draft { headers: vec![("x".to_owned(), "4711-canary".to_owned())], ..draft("/a") },
            Draft { body: Some("{\"k\":\"snyk_uat.abc.def\"}".to_owned()), ..draft("/a") },
        ];
        for draft in holding {
            assert_eq!(draft.check(), Ok(()));
            let clean = draft.without_secrets(&redactor);
            assert!(!format!("{clean:?}").contains("4711") && !format!("{clean:?}").contains("abc"), "{clean:?}");
            assert!(matches!(clean.check(), Err(DraftError::Placeholder(_))), "{clean:?}");
        }
        assert_eq!(draft("/rest/self?version=2024-10-15").without_secrets(&redactor), draft("/rest/self?version=2024-10-15"));
    }
}
