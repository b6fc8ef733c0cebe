//! Secrets: what each is bound to, reading one after verification, fingerprints, and disclosure to
//! the user.

pub(super) mod bindings;
pub(super) mod bound_secrets;
pub(super) mod rebinding;
pub(super) mod tasks;
pub(super) mod token_cache;
