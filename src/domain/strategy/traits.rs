//! What a rotation strategy is described by: who creates, who revokes, what can be found again,
//! which kinds it fits, and what its steps send.
//!
//! The rows themselves are in `table.rs`, one for each strategy. Machine, plan, validation,
//! engine and screen decide by a row and never by the strategy itself. The calls are implemented in
//! `engine::rotation::strategies`. Start at [`StrategySpec`].

use serde::{Deserialize, Serialize};

use super::step::RotationStep;
use super::table::RotationStrategyId;

/// Description of a rotation strategy: its row in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StrategySpec {
    /// Title of a rotation, for display.
    pub rotation_title: &'static str,
    /// Title of a creation, for display.
    pub creation_title: &'static str,
    /// Traits by which the machine decides.
    pub traits: StrategyTraits,
    /// What the strategy creates and deletes at the provider.
    pub managed_object: ManagedObject,
    /// Account that can have several secrets of this strategy, where the provider has such accounts.
    pub owning_account: Option<OwningAccount>,
    /// Part of the secret material that the strategy rotates.
    pub rotated_secret: RotatedSecret,
    /// Authorization that a kind must have to be rotated by this strategy.
    pub authorization: RequiredAuthorization,
    /// Fields that a kind must define to be rotated by this strategy.
    pub required_fields: &'static [&'static str],
    /// Fields of the credential that hold its ID, and after it its name, at the provider.
    pub identity_fields: &'static [&'static str],
    /// Fields that the provider assigns, so that a form for a new credential does not show them.
    pub assigned_fields: &'static [&'static str],
    /// Maximum number of secrets that may exist at the same time, if that differs from the limit
    /// of the kind.
    pub max_live: Option<u32>,
    /// Stored credentials that may authorize a revocation in place of the credential itself.
    pub administrators: AdministratorPolicy,
    /// Whether access tokens that were issued for the secret work after its revocation, until they
    /// expire.
    pub leaves_access_token: bool,
    /// Provider calls of a rotation or a creation, for the plan that the user reads.
    pub calls: ProviderCalls,
    /// Provider calls of a revocation without a replacement, where they differ.
    pub revocation_calls: Option<ProviderCalls>,
}

/// Whether the new secret must belong to the same principal as the old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrincipalPolicy {
    /// The same principal gets another secret.
    Same,
    /// The new secret belongs to a new principal of the same type (a new service account).
    #[serde(rename = "fresh")]
    New,
}

/// Traits by which the machine distinguishes the rotation strategies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StrategyTraits {
    /// Who creates the new secret.
    pub creator: StepActor,
    /// Who revokes the old secret.
    pub revoker: StepActor,
    /// How the provider identifies a secret that is to be revoked.
    pub revocation_key: RevocationKey,
    /// What in the secret names the credential at the provider.
    pub identity_source: IdentitySource,
    /// Whether a creation whose response was lost can be found again.
    pub traceability: CreationTraceability,
    /// Whether the new secret belongs to the same principal.
    pub principal_policy: PrincipalPolicy,
}

/// Who executes a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepActor {
    /// The program, through the provider's API.
    Program,
    /// The user, on the provider's page.
    User,
    /// The user signs in with the browser, and the program exchanges the authorization code.
    UserSignIn,
}

/// How a provider identifies a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationKey {
    /// By a separate ID.
    ById,
    /// Only by its value, which must still be stored to revoke it.
    ByValue,
}

/// What in a secret names the credential that it belongs to. Only a named credential is revoked or
/// deleted without the user typing its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentitySource {
    /// The value of the secret, which is what the provider revokes.
    Value,
    /// The principal that the secret acts as, if it is of this type; else a claim.
    Principal(&'static str),
    /// A claim in the secret that the provider's list confirms.
    Claim,
    /// Nothing: the user revokes it.
    Nothing,
}

/// Whether a creation whose response was lost can be found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreationTraceability {
    /// By the name that it was given, in the provider's list.
    ByName,
    /// Not at all: the provider does not list such credentials.
    Untraceable,
}

/// Whether the old and the new secret can be valid at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretOverlap {
    /// Both work until the old one is revoked.
    SideBySide,
    /// The old one stops working when the new one is created.
    Absent,
}

/// What a strategy creates and deletes at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManagedObject {
    /// One secret.
    Secret,
    /// A whole service account with all its secrets. No limit is known for the number of accounts.
    Account,
}

/// Account that can have several secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwningAccount {
    /// Strategy that creates and deletes the account itself.
    pub strategy: RotationStrategyId,
    /// Field with the ID of the account. A creation with this field adds a secret to the account.
    pub id_field: &'static str,
    /// Fields that identify the account: one equal value means the same account.
    pub shared_fields: &'static [&'static str],
}

/// Part of the secret material that a strategy rotates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotatedSecret {
    /// The secret itself.
    Main,
    /// A further part, while the secret stays. Both values of the part must be valid at the same
    /// time.
    Part,
}

/// Authorization that a strategy requires of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequiredAuthorization {
    /// Any.
    Any,
    /// The secret itself in the header.
    Header,
    /// OAuth client credentials.
    ClientCredentials,
    /// A refresh token.
    RefreshToken,
    /// A refresh token that a sign-in in the browser creates.
    SignIn,
}

/// Which stored credentials of the same provider and region may authorize a revocation in place of
/// the credential itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdministratorPolicy {
    /// None: the program calls nothing, or the secret that is revoked is sent by itself.
    None,
    /// Credentials of the same principal.
    SamePrincipal,
    /// Any of them; the provider decides.
    Any,
}

/// Provider calls of each step, for the plan that the user reads. The other steps stay on this
/// machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderCalls {
    /// Calls that record identity and access of the old secret.
    pub snapshot: &'static [&'static str],
    /// Calls of the sign-in in the browser.
    pub sign_in: &'static [&'static str],
    /// Calls that create the new secret.
    pub create: &'static [&'static str],
    /// Calls that verify the new secret.
    pub verify: &'static [&'static str],
    /// Calls that revoke the old secret.
    pub revoke: &'static [&'static str],
    /// Calls that verify that the old secret is rejected.
    pub verify_revoked: &'static [&'static str],
}

/// Placeholder among the provider calls for the request that checks a credential of the kind.
pub(in crate::domain) const CHECK_REQUEST: &str = "{check}";

impl StrategySpec {
    /// Returns the title of a revocation, for display.
    pub(in crate::domain) const fn revocation_title(&self) -> &'static str {
        match self.traits.revoker {
            StepActor::Program => {
                "Automatic: revokes the secret at the provider, then verifies that it is rejected"
            }
            StepActor::User | StepActor::UserSignIn => {
                "Manual: you revoke the secret on the provider's page; tokenring verifies that it is rejected"
            }
        }
    }

    /// Returns whether the user both creates the new secret and revokes the old one.
    pub const fn is_manual(&self) -> bool {
        matches!((self.traits.creator, self.traits.revoker), (StepActor::User, StepActor::User))
    }
}

impl ProviderCalls {
    /// Calls of a strategy that sends nothing but checks.
    pub(super) const CHECKS_ONLY: Self = Self {
        snapshot: &[CHECK_REQUEST],
        sign_in: &[],
        create: &[],
        verify: &[CHECK_REQUEST],
        revoke: &[],
        verify_revoked: &[CHECK_REQUEST],
    };

    /// Returns the calls of a step.
    pub(in crate::domain) const fn for_step(&self, step: &RotationStep) -> &'static [&'static str] {
        match step {
            RotationStep::Snapshot => self.snapshot,
            RotationStep::AwaitSignIn => self.sign_in,
            RotationStep::Create => self.create,
            RotationStep::Verify => self.verify,
            RotationStep::Revoke => self.revoke,
            RotationStep::VerifyRevoked => self.verify_revoked,
            _ => &[],
        }
    }
}
