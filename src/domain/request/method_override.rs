//! Detection of requests that ask the server to handle them as another method.
//!
//! Many frameworks let a header, a query parameter or a form field replace the method, so a GET can
//! delete. Start at [`RequestDraft::is_safe`].

use url::form_urlencoded;

use super::{DraftBody, FormPart, HttpMethod, PartContent, RequestDraft};
use crate::domain::http_method::is_override_name;

impl RequestDraft {
    /// Whether the request only reads, which its method alone does not tell: see
    /// [`RequestDraft::method_override`].
    pub fn is_safe(&self) -> bool {
        self.method.is_safe() && self.method_override().is_none()
    }

    /// Whether sending the request twice has the same effect as sending it once. A part that asks
    /// for another method makes this unknown.
    pub fn is_idempotent(&self) -> bool {
        self.method.is_idempotent() && self.method_override().is_none()
    }

    /// Describes why the request may change something: by its method, or because a part of it asks
    /// for another method.
    pub fn describe_effect(&self) -> String {
        match self.method_override() {
            Some(part) if self.method.is_safe() => {
                format!("{part} asks for another method than {}", self.method)
            }
            _ => format!("{} may change something", self.method),
        }
    }

    /// Returns the part of the request that asks the server for another method, such as `the header
    /// X-HTTP-Method-Override`. A part that asks for GET or HEAD does not count.
    pub fn method_override(&self) -> Option<String> {
        let mut headers = self.headers.iter();
        if let Some((name, _)) = headers.find(|(name, value)| overrides_method(name, value)) {
            return Some(format!("the header {name}"));
        }
        let address = self.address();
        let query = address.split_once('?').map_or("", |(_, query)| query);
        if let Some(name) = overriding_pair(query) {
            return Some(format!("the query parameter {name}"));
        }
        match self.body.as_ref()? {
            DraftBody::Text(text) => {
                overriding_body_member(text).map(|name| format!("the body field {name}"))
            }
            DraftBody::Form { form } => {
                let part = form.iter().find(|part| overrides_in_form(part))?;
                Some(format!("the form field {}", part.name))
            }
            // The file is read when the request is sent, so its content is not known here.
            DraftBody::File { .. } if self.method.is_safe() => {
                Some("the body, which is read from a file,".to_owned())
            }
            DraftBody::File { .. } => None,
        }
    }
}

/// Returns whether a part of a form replaces the method; the content of a file counts as one that
/// does.
fn overrides_in_form(part: &FormPart) -> bool {
    let value = match &part.content {
        PartContent::Text(text) => text.as_str(),
        PartContent::File(_) | PartContent::TextFile(_) => "",
    };
    overrides_method(&part.name, value)
}

/// Returns whether a header or parameter replaces the method by one that may change something.
fn overrides_method(name: &str, value: &str) -> bool {
    is_override_name(name) && !HttpMethod::parse(value.trim()).is_some_and(HttpMethod::is_safe)
}

/// Returns the name of an overriding parameter in a query or form.
fn overriding_pair(text: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(text.as_bytes());
    pairs.find(|(name, value)| overrides_method(name, value)).map(|(name, _)| name.into_owned())
}

/// Returns the name of an overriding field in a body: a JSON object, a multipart form or a form.
fn overriding_body_member(body: &str) -> Option<String> {
    if let Ok(json) = serde_json::from_str::<serde_json::Value>(body) {
        let mut members = json.as_object()?.iter();
        let overrides = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        return members
            .find(|(name, value)| overrides_method(name, &overrides(value)))
            .map(|(name, _)| name.clone());
    }
    let mut multipart_names =
        body.split("name=\"").skip(1).filter_map(|rest| rest.split('"').next());
    multipart_names
        .find(|name| is_override_name(name))
        .map(str::to_owned)
        .or_else(|| overriding_pair(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::request::RequestTarget;

    fn get(target: &str) -> RequestDraft {
        RequestDraft::new(HttpMethod::Get, RequestTarget::parse(target).unwrap())
    }

    fn with_header(name: &str, value: &str) -> RequestDraft {
        RequestDraft { headers: vec![(name.to_owned(), value.to_owned())], ..get("/a") }
    }

    fn with_body(body: &str) -> RequestDraft {
        RequestDraft { body: Some(body.into()), ..get("/a") }
    }

    fn with_form(part: &str) -> RequestDraft {
        let form = vec![FormPart::parse(part).unwrap()];
        RequestDraft { body: Some(DraftBody::Form { form }), ..get("/a") }
    }

    #[test]
    fn every_way_to_ask_for_another_method_is_noticed() {
        for draft in [
            with_header("X-HTTP-Method-Override", "DELETE"),
            with_header("x_http_method_override", "delete"),
            with_header("X-Method-Override", "PATCH"),
            with_header("X-HTTP-Method", "PURGE"),
            with_header("X-HTTP-Method-Override", "GET, DELETE"),
            with_header("X-HTTP-Method-Override", ""),
            with_header("_method", "PUT"),
            get("/a?_method=DELETE"),
            get("/a?x=1&%5Fmethod=delete"),
            get("/a?$httpMethod=DELETE"),
            get("https://h.example/a?_METHOD=DELETE"),
            RequestDraft {
                query: vec![("X-HTTP-Method-Override".to_owned(), "DELETE".to_owned())],
                ..get("/a")
            },
            with_form("_METHOD=DELETE"),
            with_form("x-http-method-override=@method.txt"),
            with_form("_method=<method.txt"),
            RequestDraft { body: Some(DraftBody::File { file: "a".to_owned() }), ..get("/a") },
            with_body("_method=DELETE&x=1"),
            with_body("{\"_method\": \"DELETE\"}"),
            with_body("--b\r\ncontent-disposition: form-data; name=\"_method\"\r\n\r\nDELETE"),
        ] {
            assert!(draft.method_override().is_some() && !draft.is_safe(), "{draft:?}");
            assert!(!draft.is_idempotent(), "{draft:?}");
        }
    }

    #[test]
    fn requests_that_only_read_stay_safe() {
        for draft in [
            get("/a?method=DELETE&x_methods=1"),
            with_header("Access-Control-Request-Method", "DELETE"),
            with_header("X-HTTP-Method-Override", " get "),
            with_body("{\"method\": \"DELETE\", \"nested\": {\"_method\": \"DELETE\"}}"),
            with_body("the text _method"),
            with_form("_method=GET"),
            with_form("file=@method.txt"),
        ] {
            assert!(draft.method_override().is_none() && draft.is_safe(), "{draft:?}");
        }
        let delete = RequestDraft { method: HttpMethod::Delete, ..get("/a") };
        assert!(!delete.is_safe());
    }
}
