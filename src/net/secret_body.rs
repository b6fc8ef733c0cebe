//! JSON bodies that contain a secret.
//!
//! Start reading at [`RequestBody::from_json_template`].
//!
//! Form bodies that contain secrets.
//!
//! Start reading at [`SecretForm`]. JSON bodies with secrets belong to `sealed`.

use serde_json::Value;
use url::form_urlencoded::byte_serialize;
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

/// Form (`application/x-www-form-urlencoded`) that is encoded once, into a buffer of its exact
/// size.
#[derive(Default)]
pub(super) struct SecretForm<'a>(Vec<(&'a str, FormValue<'a>)>);

enum FormValue<'a> {
    Plain(&'a str),
    Secret(&'a Secret),
}

impl<'a> SecretForm<'a> {
    /// Adds a member that is not secret.
    pub(super) fn with_plain(mut self, name: &'a str, value: &'a str) -> Self {
        self.0.push((name, FormValue::Plain(value)));
        self
    }

    /// Adds a secret member.
    pub(super) fn with_secret(mut self, name: &'a str, value: &'a Secret) -> Self {
        self.0.push((name, FormValue::Secret(value)));
        self
    }

    /// Returns the encoded form as a body that is bound to one origin.
    pub(super) fn to_request_body(&self, origin: &Origin) -> RequestBody {
        let mut size = 0;
        self.write_encoded(|piece| size += piece.len());
        let mut bytes = Vec::with_capacity(size);
        self.write_encoded(|piece| bytes.extend_from_slice(piece.as_bytes()));
        RequestBody::HostBoundBytes { bytes: Secret::new(bytes), origins: vec![origin.clone()] }
    }

    /// Passes the encoded pieces to `put`. Percent-encoding returns borrowed pieces, so no copy of
    /// a secret is made.
    fn write_encoded(&self, mut put: impl FnMut(&str)) {
        for (place, (name, value)) in self.0.iter().enumerate() {
            if place > 0 {
                put("&");
            }
            byte_serialize(name.as_bytes()).for_each(&mut put);
            put("=");
            match value {
                FormValue::Plain(text) => byte_serialize(text.as_bytes()).for_each(&mut put),
                FormValue::Secret(secret) => {
                    secret.expose(|bytes| byte_serialize(bytes).for_each(&mut put));
                }
            }
        }
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

#[cfg(test)]
mod form_tests {
    use super::*;

    #[test]
    fn a_form_is_encoded_and_bound_to_its_origin() {
        let secret = Secret::from_text("TTk0/+==^ &é".to_owned());
        let origin = Origin::parse("https://auth.example").unwrap();
        let form = SecretForm::default()
            .with_plain("grant_type", "client_credentials")
            .with_secret("pat", &secret);
        let RequestBody::HostBoundBytes { bytes, origins } = form.to_request_body(&origin) else {
            panic!("not sealed")
        };
        bytes.expose(|bytes| {
            assert_eq!(bytes, b"grant_type=client_credentials&pat=TTk0%2F%2B%3D%3D%5E+%26%C3%A9");
        });
        assert_eq!(origins, [origin]);
    }
}
