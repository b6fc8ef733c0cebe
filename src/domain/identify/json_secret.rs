//! Extraction of a secret from a JSON text: a string, or the only member of an object whose name
//! suggests a secret.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

use super::PasteError;
use super::unwrap::{UnwrapStep, is_secret_name};

/// All strings of a JSON text, each with the name of its member.
#[derive(Default)]
struct JsonStrings(Vec<(String, Zeroizing<String>)>);

/// Extracts the secret from a JSON object, array or escaped string.
pub(super) fn unwrap_json(text: &str) -> Result<Option<UnwrapStep>, PasteError> {
    let escaped = text.starts_with('"') && text.contains('\\');
    if !text.starts_with(['{', '[']) && !escaped {
        return Ok(None);
    }
    let Ok(strings) = serde_json::from_str::<JsonStrings>(text) else { return Ok(None) };
    let rest = strings.into_secret()?;
    Ok(Some(UnwrapStep {
        rest,
        what: if escaped { "surrounding quotes and escapes" } else { "surrounding JSON" },
    }))
}

impl JsonStrings {
    /// Returns the only string whose name suggests a secret, or the only string at all.
    fn into_secret(mut self) -> Result<Zeroizing<String>, PasteError> {
        if self.0.len() > 1 {
            self.0.retain(|(name, value)| is_secret_name(name) && !value.is_empty());
            self.0.dedup_by(|a, b| a.1.as_str() == b.1.as_str());
        }
        match self.0.pop() {
            None => Err(PasteError::Empty),
            Some(_) if !self.0.is_empty() => Err(PasteError::Ambiguous),
            Some((_, secret)) => Ok(secret),
        }
    }
}

impl<'de> Deserialize<'de> for JsonStrings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StringVisitor)
    }
}

/// Serde visitor that walks any JSON value and collects its strings.
struct StringVisitor;

impl<'de> Visitor<'de> for StringVisitor {
    type Value = JsonStrings;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<JsonStrings, E> {
        Ok(JsonStrings(vec![(String::new(), Zeroizing::new(text.to_owned()))]))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonStrings, A::Error> {
        let mut all = JsonStrings::default();
        while let Some((name, inner)) = map.next_entry::<String, JsonStrings>()? {
            let named = |(inner, value): (String, _)| {
                (if inner.is_empty() { name.clone() } else { inner }, value)
            };
            all.0.extend(inner.0.into_iter().map(named));
        }
        Ok(all)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<JsonStrings, A::Error> {
        let mut all = JsonStrings::default();
        while let Some(inner) = seq.next_element::<JsonStrings>()? {
            all.0.extend(inner.0);
        }
        Ok(all)
    }

    fn visit_bool<E>(self, _: bool) -> Result<JsonStrings, E> {
        Ok(JsonStrings::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<JsonStrings, E> {
        Ok(JsonStrings::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<JsonStrings, E> {
        Ok(JsonStrings::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<JsonStrings, E> {
        Ok(JsonStrings::default())
    }

    fn visit_unit<E>(self) -> Result<JsonStrings, E> {
        Ok(JsonStrings::default())
    }
}
