//! Types of parameter values, and the check whether a value matches.

use serde::{Deserialize, Serialize};

use super::spec::PresetParameter;
use crate::domain::text::is_uuid;

/// Type of a parameter's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueType {
    /// Any text.
    #[default]
    Text,
    /// UUID, such as the ID of an organization.
    Uuid,
    /// Whole number.
    Number,
}

impl ValueType {
    /// Returns the name as used in provider files and `presets --json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Uuid => "uuid",
            Self::Number => "number",
        }
    }

    /// Whether a value matches the type.
    fn matches(self, value: &str) -> bool {
        match self {
            Self::Text => true,
            Self::Uuid => is_uuid(value),
            Self::Number => !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()),
        }
    }
}

impl PresetParameter {
    /// Describes the accepted values, such as `a UUID`.
    pub fn describe_values(&self) -> String {
        let form = match (self.choices.split_last(), self.value_type) {
            (Some((last, [])), _) => last.clone(),
            (Some((last, others)), _) => format!("{} or {last}", others.join(", ")),
            (None, ValueType::Text) => "any text".to_owned(),
            (None, ValueType::Uuid) => "a UUID".to_owned(),
            (None, ValueType::Number) => "a number".to_owned(),
        };
        match &self.default {
            Some(default) => format!("{form} (default {default})"),
            None => form,
        }
    }

    /// Whether the parameter accepts a value.
    pub fn accepts(&self, value: &str) -> bool {
        let is_choice =
            self.choices.is_empty() || self.choices.iter().any(|choice| choice == value);
        !value.is_empty() && is_choice && self.value_type.matches(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(value_type: ValueType, choices: &[&str]) -> PresetParameter {
        PresetParameter {
            id: "x".to_owned(),
            help: String::new(),
            value_type,
            choices: choices.iter().map(|choice| (*choice).to_owned()).collect(),
            default: None,
            options_preset: None,
            items: None,
        }
    }

    #[test]
    fn a_value_looks_like_its_type_says() {
        let uuid = parameter(ValueType::Uuid, &[]);
        assert!(
            uuid.accepts("74c237b4-ae4a-4241-a47c-000000000bb7")
                && uuid.accepts("74C237B4-AE4A-4241-A47C-000000000BB7")
        );
        for wrong in [
            "",
            "acme",
            "74c237b4-ae4a-4241-a47c",
            "74c237b4-ae4a-4241-a47c-000000000bb7-",
            "74c237b4ae4a4241a47c000000000bb7",
        ] {
            assert!(!uuid.accepts(wrong), "{wrong}");
        }
        let number = parameter(ValueType::Number, &[]);
        assert!(
            number.accepts("100")
                && !number.accepts("-1")
                && !number.accepts("1e3")
                && !number.accepts("")
        );
        let choice = parameter(ValueType::Text, &["open", "resolved"]);
        assert!(choice.accepts("open") && !choice.accepts("Open") && !choice.accepts(""));
        assert!(parameter(ValueType::Text, &[]).accepts("any/thing"));
    }

    #[test]
    fn what_it_takes_is_said_in_words() {
        assert_eq!(parameter(ValueType::Uuid, &[]).describe_values(), "a UUID");
        let with = |default: &str, parameter| PresetParameter {
            default: Some(default.to_owned()),
            ..parameter
        };
        assert_eq!(
            with("100", parameter(ValueType::Number, &[])).describe_values(),
            "a number (default 100)"
        );
        let choice = parameter(ValueType::Text, &["open", "resolved", "all"]);
        assert_eq!(with("open", choice).describe_values(), "open, resolved or all (default open)");
        assert_eq!(parameter(ValueType::Text, &["one"]).describe_values(), "one");
    }
}
