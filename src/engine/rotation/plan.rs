//! Plans for the rotation and revocation of a credential, and the client for the plan's management
//! calls.
//!
//! Planning only reads the index and the catalog. Start at `RotationService::plan_rotation`.

use super::strategies::ManagementClient;
use crate::domain::credential::SecretPart;
use crate::domain::problem::ProblemClass;
use crate::domain::provider::CredentialKind;
use crate::domain::provider::spec::{RotationSpec, RotationStrategyId};
use crate::domain::rotation::{
    PlanRequest, RotationId, RotationPlan, RotationPurpose, revocation_strategy,
};
use crate::domain::{Credential, CredentialId, Problem};
use crate::engine::ports::random_bytes;
use crate::engine::rotation::RotationService;

impl RotationService {
    /// Plans the rotation of this credential. Sends nothing and writes nothing.
    pub async fn plan_rotation(
        &self,
        credential: &Credential,
        administrator: Option<&Credential>,
    ) -> Result<RotationPlan, Problem> {
        self.plan_part_rotation(credential, SecretPart::Secret, administrator).await
    }

    /// Plans the rotation of one part of this credential's secret material; the other parts do not
    /// change. Only the consumers of that part get the new secret.
    pub async fn plan_part_rotation(
        &self,
        credential: &Credential,
        part: SecretPart,
        administrator: Option<&Credential>,
    ) -> Result<RotationPlan, Problem> {
        let kind = self.verified_kind(credential)?;
        let Some(replacement) = kind.rotation_of_part(&part) else {
            return Err(part_not_rotatable(kind, &part));
        };
        if let Some(administrator) = administrator {
            self.check_administrator_region(credential, administrator)?;
        }
        let consumers = self.consumer_names(&credential.id, &part).await?;
        let (rotation, purpose) =
            (RotationId::from_random(random_bytes()?), RotationPurpose::Replace);
        Ok(RotationPlan::new(PlanRequest {
            rotation,
            purpose,
            credential,
            kind,
            part,
            replacement,
            consumers,
            check_request: self.check_request_line(&credential.provider, kind)?,
            administrator,
        }))
    }

    /// Plans the revocation of this credential without a replacement. Sends nothing and writes
    /// nothing. The last secret of a service account cannot be deleted, so the plan is to delete
    /// the account, unless another stored credential uses it.
    pub async fn plan_revocation(
        &self,
        credential: &Credential,
        administrator: Option<&Credential>,
    ) -> Result<RotationPlan, Problem> {
        let kind = self.verified_kind(credential)?;
        if let Some(administrator) = administrator {
            self.check_administrator_region(credential, administrator)?;
        }
        let strategy = revocation_strategy(kind, credential, &self.database.credentials().await?);
        Ok(RotationPlan::new(PlanRequest {
            rotation: RotationId::from_random(random_bytes()?),
            purpose: RotationPurpose::Revoke,
            credential,
            kind,
            part: SecretPart::Secret,
            replacement: &RotationSpec { strategy, ..kind.rotation.clone() },
            consumers: Vec::new(),
            check_request: self.check_request_line(&credential.provider, kind)?,
            administrator,
        }))
    }

    /// Returns method and path of the request that checks a credential of this kind, such as
    /// `GET /rest/self`.
    pub(super) fn check_request_line(
        &self,
        provider: &str,
        kind: &CredentialKind,
    ) -> Result<String, Problem> {
        let preset = self.catalog.preset(provider, &kind.check)?;
        Ok(format!("{} {}", preset.method, preset.path))
    }

    /// Returns the credential's kind, unless the provider reported that it is of another kind,
    /// which rotates differently.
    fn verified_kind(&self, credential: &Credential) -> Result<&CredentialKind, Problem> {
        let provider = self.catalog.provider(&credential.provider)?;
        let kind = self.catalog.kind(&credential.provider, &credential.kind)?;
        let Some(principal) =
            credential.principal.as_ref().filter(|_| kind.principal_type.is_some())
        else {
            return Ok(kind);
        };
        let matches_principal =
            |kind: &CredentialKind| kind.principal_type.as_ref() == Some(&principal.kind);
        match provider.kinds.iter().find(|other| matches_principal(other) && other.resembles(kind))
        {
            Some(other) if !matches_principal(kind) => Err(kind_mismatch(credential, kind, other)),
            _ => Ok(kind),
        }
    }

    /// Checks that an administering credential belongs to the same provider and region as the
    /// credential it manages.
    pub(super) fn check_administrator_region(
        &self,
        credential: &Credential,
        administrator: &Credential,
    ) -> Result<(), Problem> {
        let owner = |credential: &Credential| {
            self.catalog.region_owner(&credential.provider).map(|owner| owner.id.clone())
        };
        if owner(credential)? == owner(administrator)? && credential.region == administrator.region
        {
            return Ok(());
        }
        let describe_region =
            |credential: &Credential| format!("{} in {}", credential.provider, credential.region);
        let why = format!(
            "it belongs to {}, but {} belongs to {}",
            describe_region(administrator),
            credential.name,
            describe_region(credential)
        );
        let what = format!("{} cannot administer {}", administrator.name, credential.name);
        Err(Problem::new(what, why, "choose a credential of the same provider and region")
            .with_class(ProblemClass::Usage))
    }

    /// Creates the client for management calls about this credential; `clerk` authenticates them,
    /// or else the credential itself.
    pub(super) fn management_client(
        &self,
        credential: Credential,
        plan: RotationStrategyId,
        caller: Option<&CredentialId>,
    ) -> Result<ManagementClient<'_>, Problem> {
        let kind = self.catalog.kind(&credential.provider, &credential.kind)?;
        let region = self.catalog.region(&credential.provider, &credential.region)?;
        let caller = caller.unwrap_or(&credential.id).clone();
        Ok(ManagementClient { service: self, credential, kind, region, strategy_id: plan, caller })
    }
}

fn kind_mismatch(
    credential: &Credential,
    kind: &CredentialKind,
    other: &CredentialKind,
) -> Problem {
    let who = credential
        .principal
        .as_ref()
        .map_or("another principal", |principal| principal.name.as_str());
    let why = format!("it acts as {who}, like a {}, which rotates differently", other.title);
    let remedy =
        format!("run `tokenring edit {} --kind {}`, then try again", credential.name, other.id);
    Problem::new(format!("{} is not a {}", credential.name, kind.title), why, remedy)
        .with_class(ProblemClass::Usage)
}

fn part_not_rotatable(kind: &CredentialKind, part: &SecretPart) -> Problem {
    let parts: Vec<&str> = kind
        .parts
        .iter()
        .filter(|part| part.rotation.is_some())
        .map(|part| part.id.as_str())
        .collect();
    let remedy = if parts.is_empty() {
        "rotate without --part".to_owned()
    } else {
        format!("use --part {}", parts.join(" or "))
    };
    let what = format!("The part \"{}\" cannot be rotated separately", part.as_str());
    Problem::new(
        what,
        format!("the kind {} has no such part, or the part cannot be rotated", kind.id),
        remedy,
    )
    .with_class(ProblemClass::Usage)
}
