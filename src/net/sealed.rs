//! JSON bodies that contain a secret.
//!
//! Start reading at [`RequestBody::from_json_template`]. Form bodies with secrets belong to `form`.

use serde_json::Value;
use zeroize::Zeroizing;

use super::RequestBody;
use crate::domain::{Origin, Secret};

impl RequestBody {
    /// Returns a JSON body in which `secret` replaces the string `blank` of `template`, bound to
    /// these origins. Returns `None` if the template does not contain `blank` or the secret is not
    /// text.
    pub fn from_json_template(
        template: &Value,
        blank: &str,
        secret: &Secret,
        origins: Vec<Origin>,
    ) -> Option<Self> {
        let text = template.to_string();
        let (before, after) = text.split_once(&Value::from(blank).to_string())?;
        let bytes = secret.expose(|secret| {
            let literal =
                Zeroizing::new(serde_json::to_string(std::str::from_utf8(secret).ok()?).ok()?);
            let mut bytes = Vec::with_capacity(text.len() + literal.len());
            for piece in [before, literal.as_str(), after] {
                bytes.extend_from_slice(piece.as_bytes());
            }
            Some(Secret::new(bytes))
        })?;
        Some(Self::HostBoundBytes { bytes, origins })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_secret_stands_where_the_blank_was_and_goes_nowhere_else() {
        let origin = Origin::parse("https://api.example").unwrap();
        let secret = Secret::from_text("a\"b\\c".to_owned());
        let filled = RequestBody::from_json_template(
            &json!({"mode": "delete", "secret": "?"}),
            "?",
            &secret,
            vec![origin.clone()],
        );
        let Some(RequestBody::HostBoundBytes { bytes, origins }) = filled else {
            panic!("not sealed")
        };
        bytes.expose(|bytes| assert_eq!(bytes, br#"{"mode":"delete","secret":"a\"b\\c"}"#));
        assert_eq!(origins, [origin]);
    }

    #[test]
    fn a_template_without_the_blank_is_no_body() {
        assert!(
            RequestBody::from_json_template(
                &json!({"a": 1}),
                "?",
                &Secret::from_text("x".to_owned()),
                Vec::new()
            )
            .is_none()
        );
    }
}
