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

pub use catalogue::{Catalogue, Source};
pub use error::CatalogueError;
pub use items::{Item, Items};
pub use pointers::Choice;
pub use spec::{Authorization, FieldSpec, Kind, Parameter, Preset, Provider, StatusMeaning};
pub use value::ValueType;

/// The built-in catalogue, read once for all tests.
#[cfg(test)]
pub(crate) fn builtin() -> &'static Catalogue {
    static CATALOGUE: std::sync::LazyLock<Catalogue> = std::sync::LazyLock::new(Catalogue::builtin);
    &CATALOGUE
}
