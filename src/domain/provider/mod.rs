//! Providers as data: what `assets/providers/*.toml` and a user's own files of the same form say.
//!
//! A file is read into the types of [`spec`], and [`Catalogue::load`] turns the files into a validated whole: ids are
//! unique, references lead somewhere, placeholders have parameters. What TOML cannot say is a named strategy (an enum
//! variant), never a language of our own.

mod builtin_files;
mod catalogue;
pub mod environment;
mod error;
mod items;
pub mod overlay;
pub(crate) mod placeholder;
mod pointers;
pub mod spec;
mod validate;
mod value;

pub use catalogue::{ProviderCatalog, ProviderSource};
pub use error::CatalogError;
pub use items::{HasId, LazyList};
pub use pointers::ParameterOption;
pub use spec::{AuthMethod, CredentialKind, FieldSpec, PresetParameter, Provider, RequestPreset, StatusRule};
pub use value::ValueType;

/// The built-in catalogue, read once for all tests.
#[cfg(test)]
pub(crate) fn builtin_catalog() -> &'static ProviderCatalog {
    static CATALOGUE: std::sync::LazyLock<ProviderCatalog> = std::sync::LazyLock::new(ProviderCatalog::builtin);
    &CATALOGUE
}
