//! Forms that hold secrets.

use url::form_urlencoded::byte_serialize;

use super::Payload;
use crate::domain::{Origin, Secret};

/// A form (`application/x-www-form-urlencoded`) that is written once, into a buffer of its exact size.
#[derive(Default)]
pub(super) struct Form<'a>(Vec<(&'a str, Value<'a>)>);

enum Value<'a> {
    Plain(&'a str),
    Secret(&'a Secret),
}

impl<'a> Form<'a> {
    /// Adds a member that everyone may read.
    pub(super) fn plain(mut self, name: &'a str, value: &'a str) -> Self {
        self.0.push((name, Value::Plain(value)));
        self
    }

    /// Adds a member that nobody may read.
    pub(super) fn secret(mut self, name: &'a str, value: &'a Secret) -> Self {
        self.0.push((name, Value::Secret(value)));
        self
    }

    /// The form, sealed for one origin.
    pub(super) fn seal(&self, origin: &Origin) -> Payload {
        let mut size = 0;
        self.write(|piece| size += piece.len());
        let mut bytes = Vec::with_capacity(size);
        self.write(|piece| bytes.extend_from_slice(piece.as_bytes()));
        Payload::Sealed { bytes: Secret::new(bytes), origins: vec![origin.clone()] }
    }

    /// Percent-encoding gives borrowed pieces, so no copy of a secret is made on the way.
    fn write(&self, mut put: impl FnMut(&str)) {
        for (place, (name, value)) in self.0.iter().enumerate() {
            if place > 0 {
                put("&");
            }
            byte_serialize(name.as_bytes()).for_each(&mut put);
            put("=");
            match value {
                Value::Plain(text) => byte_serialize(text.as_bytes()).for_each(&mut put),
                Value::Secret(secret) => secret.expose(|bytes| byte_serialize(bytes).for_each(&mut put)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_encoded_and_bound_to_its_origin() {
        let secret = Secret::from_text("TTk0/+==^ &é".to_owned());
        let origin = Origin::parse("https://auth.example").unwrap();
        let form = Form::default().plain("grant_type", "client_credentials").secret("pat", &secret);
        let Payload::Sealed { bytes, origins } = form.seal(&origin) else { panic!("not sealed") };
        bytes.expose(|bytes| {
            assert_eq!(bytes, b"grant_type=client_credentials&pat=TTk0%2F%2B%3D%3D%5E+%26%C3%A9");
        });
        assert_eq!(origins, [origin]);
    }
}
