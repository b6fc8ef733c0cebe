//! Providers as data: the content of `assets/providers/*.toml` and of the user's files with the
//! same structure.
//!
//! A file is read into the types of [`spec`]. [`ProviderCatalog::load`] merges and validates the
//! files: IDs are unique, references resolve, placeholders have parameters. Behavior that TOML
//! cannot express is a named strategy (an enum variant), never a custom language. Start at
//! [`spec::Provider`].

mod catalog;
pub mod environment;
mod json_pointers;
mod lazy_list;
pub(crate) mod placeholder;
mod preset_spec;
pub mod spec;
pub mod user_overrides;
mod validate;

pub use crate::domain::provider::catalog::CatalogError;
pub use crate::domain::provider::preset_spec::ValueType;
pub use catalog::{ProviderCatalog, ProviderSource};
pub use json_pointers::ParameterOption;
pub use lazy_list::{HasId, LazyList};
pub use spec::{
    AuthMethod, CredentialKind, FieldSpec, PresetParameter, Provider, RequestPreset, StatusRule,
    ValueListing,
};

/// Built-in catalog, parsed once for all tests.
#[cfg(test)]
pub(crate) fn builtin_catalog() -> &'static ProviderCatalog {
    static CATALOG: std::sync::LazyLock<ProviderCatalog> =
        std::sync::LazyLock::new(ProviderCatalog::builtin);
    &CATALOG
}
