//! Where a provider has no API for it, a person makes, finds and revokes.

use async_trait::async_trait;

use super::{Desk, Doomed, Fresh, Strategy, refused};
use crate::domain::rotation::{OldSecretSnapshot, RemoteCredential};
use crate::engine::rotation::Tried;

const NO_API: &str = "the provider has no API for it";

/// Everything by hand.
pub(super) struct Guided;

#[async_trait]
impl Strategy for Guided {
    async fn candidates(&self, _desk: &Desk<'_>) -> Tried<Vec<RemoteCredential>> {
        Ok(Vec::new())
    }

    async fn list(&self, _desk: &Desk<'_>) -> Tried<Vec<RemoteCredential>> {
        refused(NO_API)
    }

    async fn mint(&self, _desk: &Desk<'_>, _name: &str) -> Tried<Fresh> {
        refused(NO_API)
    }

    async fn remove(&self, _desk: &Desk<'_>, _doomed: Doomed<'_>) -> Tried<()> {
        refused(NO_API)
    }

    async fn recognise(
        &self,
        _desk: &Desk<'_>,
        _hint: Option<&str>,
        _before: Option<&OldSecretSnapshot>,
    ) -> Tried<Option<RemoteCredential>> {
        Ok(None)
    }
}
