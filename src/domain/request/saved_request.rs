//! Requests that the user saves under a name.
//!
//! Each is a TOML file that users can read, edit and share; it contains no secret. Reading and
//! writing files is the engine's task. Start at [`SavedRequest`].

use serde::{Deserialize, Serialize};

use super::{DraftBody, HttpMethod, RequestDraft, RequestTarget};
use crate::domain::problem::{Problem, ProblemClass};

/// Maximum length of a name, in characters.
const MAX_NAME_BYTES: usize = 64;

/// Name of a saved request and of its file: lower-case letters, digits, dashes, dots and
/// underscores.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SavedRequestName(String);

/// Saved request in the structure of its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedRequest {
    /// ID of the provider.
    pub provider: String,
    /// HTTP method.
    pub method: HttpMethod,
    /// Path on the API host, `auth:/path` or `app:/path`, or a full URL.
    pub target: String,
    /// Query parameters, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    /// Headers besides the provider's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// Names of headers that are not sent although the provider or the client would add them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed_headers: Vec<String>,
    /// Body: a text, a table with `file`, or a table with the parts of a `form`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<DraftBody>,
}

impl SavedRequestName {
    /// Parses a name. A valid name cannot leave its folder.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let fits =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
        if !text.is_empty()
            && text.len() <= MAX_NAME_BYTES
            && !text.starts_with(['.', '-'])
            && text.bytes().all(fits)
        {
            return Ok(Self(text.to_owned()));
        }
        let why = "the name is also a file name: 1 to 64 lower-case letters, digits, dashes, dots and underscores";
        Err(Problem::new(
            "The name of the request is not valid",
            why,
            "Choose a name such as list-projects",
        )
        .with_class(ProblemClass::Usage))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SavedRequest {
    /// Converts a draft for saving.
    pub fn from_draft(draft: &RequestDraft, provider: &str) -> Self {
        let RequestDraft { method, target, query, headers, removed_headers, body, preset: _ } =
            draft.clone();
        Self {
            provider: provider.to_owned(),
            method,
            target: target.to_string(),
            query,
            headers,
            removed_headers,
            body,
        }
    }

    /// Converts the saved request back to a draft.
    pub fn into_draft(self) -> Result<RequestDraft, Problem> {
        let Self { provider: _, method, target, query, headers, removed_headers, body } = self;
        Ok(RequestDraft {
            query,
            headers,
            removed_headers,
            body,
            ..RequestDraft::new(method, RequestTarget::parse(&target)?)
        })
    }

    /// Parses the text of a file.
    pub fn from_toml(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    /// Returns the text of the file.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }
}

impl std::fmt::Display for SavedRequestName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::region::HostRole;

    #[test]
    fn a_name_cannot_leave_its_folder() {
        for wrong in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "a\\b",
            ".hidden",
            "-x",
            "Ä",
            "a b",
            "A",
            &"a".repeat(65),
        ] {
            assert!(SavedRequestName::parse(wrong).is_err(), "{wrong}");
        }
        let id = SavedRequestName::parse("list-projects_2.v1").unwrap();
        assert_eq!(
            (id.as_str(), id.to_string().as_str()),
            ("list-projects_2.v1", "list-projects_2.v1")
        );
    }

    #[test]
    fn a_file_reads_like_a_request() {
        let text = "provider = \"snyk\"\nmethod = \"GET\"\ntarget = \"/rest/orgs\"\nquery = [[\"version\", \"2024-10-15\"]]\n";
        let saved = SavedRequest::from_toml(text).unwrap();
        assert_eq!(
            saved.to_toml().replace(
                "query = [[\n    \"version\",\n    \"2024-10-15\",\n]]",
                "query = [[\"version\", \"2024-10-15\"]]"
            ),
            text
        );
        assert!(
            SavedRequest::from_toml(&format!("{text}color = 1\n")).unwrap_err().contains("color")
        );
    }

    proptest! {
        #[test]
        fn a_draft_comes_back(path in "(/[a-z0-9]{1,8}){1,4}", value in "[^\u{0}]{0,20}", body in proptest::option::of(any::<String>())) {
            let draft = RequestDraft {
                query: vec![("k".to_owned(), value.clone())],
                headers: vec![("x".to_owned(), value)],
                body: body.map(DraftBody::Text),
                ..RequestDraft::new(HttpMethod::Patch, RequestTarget::Path { place: HostRole::Auth, path })
            };
            let saved = SavedRequest::from_toml(&SavedRequest::from_draft(&draft, "snyk").to_toml()).unwrap();
            prop_assert_eq!(saved.into_draft().unwrap(), draft);
        }
    }
}
