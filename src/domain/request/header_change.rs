//! Header as users write it on a command line: set, sent empty, or removed.

use super::RequestDraft;

/// Encodings of a response that the client decodes, and the one that means none.
const CONTENT_CODINGS: [&str; 3] = ["gzip", "x-gzip", "identity"];

/// Headers about the connection and the framing of the message.
const CONNECTION_HEADERS: [&str; 11] = [
    "connection",
    "content-length",
    "expect",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// Change of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderChange {
    /// Sends the header with this value.
    Set(String, String),
    /// Does not send the header, although the provider or the client would add it.
    Remove(String),
}

/// Reason why a text is not a header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write \"Name: value\", \"Name:\" to remove the header, or \"Name;\" to send it empty")]
pub struct HeaderSyntaxError;

impl HeaderChange {
    /// Parses `Name: value`, `Name:` (removes the header) and `Name;` (sends it empty), as curl does,
    /// and `name=value`. The name ends at the first of these characters, which no name contains.
    ///
    /// # Errors
    ///
    /// Fails where the text is none of these.
    pub fn parse(text: &str) -> Result<Self, HeaderSyntaxError> {
        let at = text.find([':', '=', ';']).ok_or(HeaderSyntaxError)?;
        let (name, value) = (text[..at].trim().to_ascii_lowercase(), &text[at + 1..]);
        match &text[at..=at] {
            _ if name.is_empty() => Err(HeaderSyntaxError),
            ":" if value.trim().is_empty() => Ok(Self::Remove(name)),
            ":" => Ok(Self::Set(name, value.trim().to_owned())),
            "=" => Ok(Self::Set(name, value.to_owned())),
            _ if value.trim().is_empty() => Ok(Self::Set(name, String::new())),
            _ => Err(HeaderSyntaxError),
        }
    }
}

impl RequestDraft {
    /// Removes the headers that promise what this client does not do, and returns a note for each
    /// change that the user did not ask for.
    pub fn drop_unsupported_headers(&mut self) -> Vec<String> {
        let mut notes = Vec::new();
        self.headers.retain(|(name, value)| {
            let note = unsupported_header(&name.to_ascii_lowercase(), value);
            let keep = note.is_none();
            notes.extend(note);
            keep
        });
        if self.removes_header("accept") {
            notes.push("accept is always sent; without a value of its own it is */*".to_owned());
        }
        notes
    }
}

/// Returns a note for a header that this client does not send, because it could not do what the
/// header promises.
fn unsupported_header(name: &str, value: &str) -> Option<String> {
    if name == "accept-encoding" {
        let mut codings =
            value.split(',').map(|coding| coding.split(';').next().unwrap_or_default());
        return (!codings.all(|coding| CONTENT_CODINGS.contains(&coding.trim()))).then(|| {
            format!(
                "the header {name} was removed: it names encodings that this client does not decode"
            )
        });
    }
    (CONNECTION_HEADERS.contains(&name) || name.starts_with(':'))
        .then(|| format!("the header {name} was removed: the client sets it itself"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::request::{HttpMethod, RequestTarget};

    #[test]
    fn headers_that_the_client_cannot_honor_are_dropped_with_a_note() {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = vec![
            header("Accept-Encoding", "gzip, deflate, br;q=0.5"),
            header("content-length", "7"),
            header(":authority", "h"),
            header("x-a", "1"),
        ];
        let target = RequestTarget::parse("/a").unwrap();
        let mut draft = RequestDraft { headers, ..RequestDraft::new(HttpMethod::Get, target) };
        draft.apply_header(HeaderChange::Remove("accept".to_owned()));
        let notes = draft.drop_unsupported_headers();
        assert_eq!(draft.headers, [header("x-a", "1")]);
        for (note, part) in
            notes.iter().zip(["accept-encoding", "content-length", ":authority", "*/*"])
        {
            assert!(note.contains(part), "{note}");
        }
        assert_eq!(notes.len(), 4);
        draft.apply_header(HeaderChange::Set(
            "accept-encoding".to_owned(),
            "gzip;q=1, identity".to_owned(),
        ));
        draft.apply_header(HeaderChange::Set("accept".to_owned(), "text/csv".to_owned()));
        assert_eq!(draft.drop_unsupported_headers(), [""; 0]);
    }

    #[test]
    fn a_header_is_set_sent_empty_or_removed() {
        let set =
            |name: &str, value: &str| Ok(HeaderChange::Set(name.to_owned(), value.to_owned()));
        for (text, expected) in [
            ("X-A: b=c; d", set("x-a", "b=c; d")),
            ("x-a=b: c", set("x-a", "b: c")),
            ("x-a=", set("x-a", "")),
            ("X-A;", set("x-a", "")),
            ("Accept:", Ok(HeaderChange::Remove("accept".to_owned()))),
            ("Accept: ", Ok(HeaderChange::Remove("accept".to_owned()))),
            ("x-a", Err(HeaderSyntaxError)),
            (": a", Err(HeaderSyntaxError)),
            ("x-a; b", Err(HeaderSyntaxError)),
        ] {
            assert_eq!(HeaderChange::parse(text), expected, "{text}");
        }
    }
}
