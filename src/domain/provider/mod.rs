//! Providers as data: what `assets/providers/*.toml` and a user's own files of the same form say.
//!
//! A file is read into the types of [`spec`], and [`ProviderCatalog::load`] turns the files into a validated whole: ids are
//! unique, references lead somewhere, placeholders have parameters. What TOML cannot say is a named strategy (an enum
//! variant), never a language of our own.

mod builtin;
mod catalog;
mod catalog_error;
pub mod environment;
mod json_pointers;
mod lazy_list;
pub(crate) mod placeholder;
pub mod spec;
pub mod user_overrides;
mod validate;
mod value_type;

pub use catalog::{ProviderCatalog, ProviderSource};
pub use catalog_error::CatalogError;
pub use json_pointers::ParameterOption;
pub use lazy_list::{HasId, LazyList};
pub use spec::{
    AuthMethod, CredentialKind, FieldSpec, PresetParameter, Provider, RequestPreset, StatusRule,
};
pub use value_type::ValueType;

/// The built-in catalogue, read once for all tests.
#[cfg(test)]
pub(crate) fn builtin_catalog() -> &'static ProviderCatalog {
    static CATALOGUE: std::sync::LazyLock<ProviderCatalog> =
        std::sync::LazyLock::new(ProviderCatalog::builtin);
    &CATALOGUE
}
