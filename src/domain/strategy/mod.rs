//! Rotation strategies as data: what a provider file names and a rotation carries out.
//!
//! Below `provider` and `rotation`, which both use it: a provider file names the strategy of a kind,
//! and the rotation machine decides by the row of that strategy. Start at [`StrategySpec`].

mod step;
mod table;
mod traits;

pub use step::RotationStep;
pub use table::RotationStrategyId;
pub use traits::{
    AdministratorPolicy, CreationTraceability, IdentitySource, ManagedObject, OwningAccount,
    PrincipalPolicy, ProviderCalls, RequiredAuthorization, RevocationKey, RotatedSecret,
    SecretOverlap, StepActor, StrategySpec, StrategyTraits,
};

pub(super) use traits::CHECK_REQUEST;
