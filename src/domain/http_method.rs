//! HTTP methods, and the names of headers and parameters that replace them.

use serde::{Deserialize, Serialize};

/// Names of headers and parameters that replace the method, in the form of [`normalize_name`].
/// Names that contain `method-override` are recognized without this list.
const OVERRIDE_NAMES: [&str; 7] = [
    "-method",
    "x-http-method",
    "x-method",
    "x-original-method",
    "x-original-http-method",
    "x-rewrite-method",
    "$httpmethod",
];

/// HTTP methods of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// Reads.
    #[default]
    Get,
    /// Reads only the headers.
    Head,
    /// Creates or acts.
    Post,
    /// Replaces.
    Put,
    /// Changes partially.
    Patch,
    /// Deletes.
    Delete,
    /// Queries the allowed methods.
    Options,
}

impl HttpMethod {
    /// All methods, in the order in which they are offered.
    pub const ALL: [Self; 7] =
        [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete, Self::Options];

    /// Returns the method's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }

    /// Parses a method, ignoring case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(text))
    }

    /// Whether a request that arrives twice has the same effect as one that arrives once (RFC 9110,
    /// section 9.2.2). For a draft, see [`RequestDraft::is_idempotent`].
    ///
    /// [`RequestDraft::is_idempotent`]: super::request::RequestDraft::is_idempotent
    pub const fn is_idempotent(self) -> bool {
        !matches!(self, Self::Post | Self::Patch)
    }

    /// Whether the method only reads. Every other method asks for confirmation and is never retried
    /// automatically. For a draft, see [`RequestDraft::is_safe`].
    ///
    /// [`RequestDraft::is_safe`]: super::request::RequestDraft::is_safe
    pub const fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }
}

impl std::fmt::Display for HttpMethod {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Returns whether servers take the method from a header or parameter with this name.
pub(in crate::domain) fn is_override_name(name: &str) -> bool {
    let name = normalize_name(name);
    name.contains("method-override") || OVERRIDE_NAMES.contains(&name.as_str())
}

/// Returns the name in lower case with dashes: servers that pass headers on in environment variables
/// do not distinguish dashes from underscores.
fn normalize_name(name: &str) -> String {
    name.trim().to_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_reads_is_safe_and_every_word_is_read_back() {
        let safe: Vec<_> = HttpMethod::ALL.into_iter().filter(|method| method.is_safe()).collect();
        assert_eq!(safe, [HttpMethod::Get, HttpMethod::Head]);
        let repeatable: Vec<_> =
            HttpMethod::ALL.into_iter().filter(|method| method.is_idempotent()).collect();
        let expected = "GET HEAD PUT DELETE OPTIONS".split(' ').map(HttpMethod::parse);
        assert_eq!(
            repeatable.into_iter().map(Some).collect::<Vec<_>>(),
            expected.collect::<Vec<_>>()
        );
        for method in HttpMethod::ALL {
            assert_eq!(HttpMethod::parse(&method.to_string().to_lowercase()), Some(method));
        }
        assert_eq!((HttpMethod::Patch.as_str(), HttpMethod::parse("BREW")), ("PATCH", None));
    }
}
