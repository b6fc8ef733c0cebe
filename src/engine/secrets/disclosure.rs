//! Disclosure of a secret to the user: printed, shown or copied, and recorded in the audit log.
//!
//! Start with [`DisclosureService::disclose`].

use std::sync::Arc;

use super::bound_secrets::SecretAccess;
use crate::domain::credential::SecretPart;
use crate::domain::problem::Problem;
use crate::domain::{Credential, Secret};
use crate::engine::audit::{AuditEvent, AuditService};
use crate::engine::ports::CoreServices;

/// Ways in which a secret leaves the store for the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisclosureChannel {
    /// Printed to a pipe.
    Get,
    /// Shown on the screen.
    Reveal,
    /// Copied to the clipboard.
    Copy,
}

/// Secret that was loaded for the user.
pub struct SecretDisclosure {
    /// The secret.
    pub secret: Secret,
    /// Why the audit log has no record of the disclosure; `None` if it has.
    pub audit_problem: Option<Problem>,
}

impl DisclosureChannel {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Reveal => "reveal",
            Self::Copy => "copy",
        }
    }
}

/// Loads secrets for the user, and records each disclosure.
pub struct DisclosureService {
    audit: Arc<AuditService>,
    secrets: Arc<SecretAccess>,
}

impl DisclosureService {
    /// Creates the service.
    pub(in crate::engine) fn new(core: &CoreServices) -> Self {
        Self { audit: Arc::clone(&core.audit), secrets: Arc::clone(&core.secrets) }
    }

    /// Loads a part of the credential's current secret for the user. The disclosure is recorded
    /// before the secret is returned; a disclosure that cannot be recorded fails.
    pub async fn disclose(
        &self,
        credential: &Credential,
        part: &SecretPart,
        channel: DisclosureChannel,
    ) -> Result<Secret, Problem> {
        let disclosed = self.try_disclose(credential, part, channel).await?;
        disclosed.audit_problem.map_or(Ok(disclosed.secret), Err)
    }

    /// Like [`DisclosureService::disclose`], but a full disk or a read-only home does not lock the
    /// user out: the caller gets the secret together with the problem, and must report it.
    pub async fn try_disclose(
        &self,
        credential: &Credential,
        part: &SecretPart,
        channel: DisclosureChannel,
    ) -> Result<SecretDisclosure, Problem> {
        let secret = self.secrets.load_secret(credential, part).await?;
        let reason = if *part == SecretPart::Secret {
            String::new()
        } else {
            format!("part {}", part.as_str())
        };
        let event = AuditEvent::new(channel.as_str(), "done")
            .for_credential(credential.name.as_str())
            .with_reason(reason);
        let audit_problem = self.audit.record(event).await.err();
        Ok(SecretDisclosure { secret, audit_problem })
    }
}
