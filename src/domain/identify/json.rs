//! A secret inside a JSON text: a string, or the one member of an object that is named like a secret.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

use super::PasteError;
use super::unwrap::{Peeled, names_a_secret};

/// All strings of a JSON text, each with the name of the member that holds it.
#[derive(Default)]
struct Strings(Vec<(String, Zeroizing<String>)>);

/// The secret in a JSON object, array or escaped string.
pub(super) fn member(text: &str) -> Result<Option<Peeled>, PasteError> {
    let escaped = text.starts_with('"') && text.contains('\\');
    if !text.starts_with(['{', '[']) && !escaped {
        return Ok(None);
    }
    let Ok(strings) = serde_json::from_str::<Strings>(text) else { return Ok(None) };
    let rest = strings.secret()?;
    Ok(Some(Peeled { rest, what: if escaped { "quotes and escapes around it" } else { "JSON around it" } }))
}

impl Strings {
    /// The only string that is named like a secret, or the only string at all.
    fn secret(mut self) -> Result<Zeroizing<String>, PasteError> {
        if self.0.len() > 1 {
            self.0.retain(|(name, value)| names_a_secret(name) && !value.is_empty());
            self.0.dedup_by(|a, b| a.1.as_str() == b.1.as_str());
        }
        match self.0.pop() {
            None => Err(PasteError::Empty),
            Some(_) if !self.0.is_empty() => Err(PasteError::Several),
            Some((_, secret)) => Ok(secret),
        }
    }
}

impl<'de> Deserialize<'de> for Strings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Walk)
    }
}

/// Walks through any JSON value and keeps its strings.
struct Walk;

impl<'de> Visitor<'de> for Walk {
    type Value = Strings;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<Strings, E> {
        Ok(Strings(vec![(String::new(), Zeroizing::new(text.to_owned()))]))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Strings, A::Error> {
        let mut all = Strings::default();
        while let Some((name, inner)) = map.next_entry::<String, Strings>()? {
            let named = |(inner, value): (String, _)| (if inner.is_empty() { name.clone() } else { inner }, value);
            all.0.extend(inner.0.into_iter().map(named));
        }
        Ok(all)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Strings, A::Error> {
        let mut all = Strings::default();
        while let Some(inner) = seq.next_element::<Strings>()? {
            all.0.extend(inner.0);
        }
        Ok(all)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Strings, E> {
        Ok(Strings::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Strings, E> {
        Ok(Strings::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Strings, E> {
        Ok(Strings::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Strings, E> {
        Ok(Strings::default())
    }

    fn visit_unit<E>(self) -> Result<Strings, E> {
        Ok(Strings::default())
    }
}
