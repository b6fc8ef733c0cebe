//! Start of a rotation: with a new plan, or with the journal of an unfinished one.
//!
//! Locks, leases and the lookup of rotations belong here; the loop itself is in `driver`. Start at
//! `RotationService::rotate` and `RotationService::resume_rotation`.
//!
//! Plans for the rotation and revocation of a credential, and the client for the plan's management
//! calls.
//!
//! Planning only reads the index and the catalog. Start at `RotationService::plan_rotation`.

use super::RotationObserver;
use super::driver::RotationDriver;
use super::strategies::ManagementClient;
use crate::database::{LeaseRequest, NewRotation, RotationLease};
use crate::domain::credential::SecretPart;
use crate::domain::problem::ProblemClass;
use crate::domain::provider::CredentialKind;
use crate::domain::provider::spec::{RotationSpec, RotationStrategyId};
use crate::domain::rotation::{
    JournalEntry, PlanRequest, RotationId, RotationJournal, RotationPlan, RotationPurpose,
    RotationStatus, UserDecision, check_rollback_allowed, revocation_strategy,
};
use crate::domain::{Credential, CredentialId, Problem};
use crate::engine::credentials::metadata::clean_reason;
use crate::engine::locks::CredentialLock;
use crate::engine::ports::random_bytes;
use crate::engine::rotation::RotationService;
use crate::engine::rotation_journals::{
    LEASE_DURATION, journal_read_problem, rotation_audit_event,
};

/// Direction in which a rotation is resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationDirection {
    /// Continue as the journal says.
    Forward,
    /// Roll back, so that everything is as it was before.
    RollBack,
    /// End the rotation where it is, without a call to the store or the provider.
    Abandon,
}

/// Whether the credential of a plan already exists.
pub(super) enum CredentialState {
    /// It exists.
    Existing,
    /// It is created together with the rotation.
    New(Box<Credential>),
}

/// Exclusive right of this process to run one rotation.
struct RotationClaim {
    /// Lease in the index.
    lease: RotationLease,
    /// Request that renews the lease.
    request: LeaseRequest,
    /// Operating-system lock of the credential; it is released on drop.
    lock: CredentialLock,
}

impl RotationService {
    /// Executes a plan for an existing credential. Returns when the rotation is done or rolled
    /// back, or when a question gets no reply.
    pub async fn rotate(
        &self,
        plan: RotationPlan,
        observer: RotationObserver<'_>,
    ) -> Result<RotationStatus, Problem> {
        self.open_and_run_rotation(plan, CredentialState::Existing, observer).await
    }

    pub(super) async fn open_and_run_rotation(
        &self,
        mut plan: RotationPlan,
        draft: CredentialState,
        observer: RotationObserver<'_>,
    ) -> Result<RotationStatus, Problem> {
        self.check_changes_allowed()?;
        plan.reason = clean_reason(&plan.reason)?;
        self.store_service.verify().await?;
        let lock = self.locks.try_lock_rotation(&plan.credential)?;
        self.journals.close_ended_rotation(&plan.credential, &lock).await?;
        let new = NewRotation {
            id: plan.rotation.to_string(),
            credential: plan.credential.clone(),
            plan: serde_json::to_string(&plan)
                .map_err(|error| journal_read_problem(&error.to_string()))?,
            state: "running".to_owned(),
        };
        let request = self.journals.new_lease_request()?;
        let first_request = request.clone();
        if let CredentialState::New(draft) = &draft {
            self.bindings.bind_new_credential(draft).await?;
        }
        let lease = self.database.run(move |index| match draft {
            CredentialState::Existing => index.open_rotation(&new, &first_request),
            CredentialState::New(draft) => index.open_creation(&draft, &new, &first_request),
        });
        let claim = RotationClaim { lease: lease.await?, request, lock };
        self.audit.record(rotation_audit_event(&plan, "begun", &[])).await?;
        self.run_rotation(RotationJournal::new(plan), claim, observer).await
    }

    /// Resumes an unfinished rotation with its administrator.
    pub async fn resume_rotation(
        &self,
        id: &str,
        direction: RotationDirection,
        observer: RotationObserver<'_>,
    ) -> Result<RotationStatus, Problem> {
        self.resume_rotation_as(id, direction, None, observer).await
    }

    /// Resumes an unfinished rotation. An `administrator` authorizes its management calls from here
    /// on; `None` leaves that to the previous one.
    pub async fn resume_rotation_as(
        &self,
        id: &str,
        direction: RotationDirection,
        administrator: Option<&Credential>,
        observer: RotationObserver<'_>,
    ) -> Result<RotationStatus, Problem> {
        self.check_changes_allowed()?;
        if direction != RotationDirection::Abandon {
            // A locked store is reported at once: the user can unlock it now.
            self.store.status().await?;
        }
        let rotation = self.journals.find_rotation(id).await?;
        let lock = self.locks.try_lock_rotation(&rotation.credential)?;
        // Read again: the previous holder of the lock may have advanced the rotation.
        let rotation = self.journals.find_rotation(&rotation.id).await?;
        if rotation.closed.is_some() {
            let why = format!("its state is \"{}\"", rotation.state);
            return Err(Problem::new(
                format!("Rotation {} has already ended", rotation.id),
                why,
                "start a new rotation",
            )
            .with_class(ProblemClass::Usage));
        }
        let journal = self.journals.read_rotation_journal(&rotation).await?;
        let entry = match administrator {
            Some(administrator) => self.administrator_entry(&journal, administrator).await?,
            None => None,
        };
        let request = self.journals.new_lease_request()?;
        let lease = self.journals.take_over_lease(&rotation.id, &request).await?;
        let claim = RotationClaim { lease, request, lock };
        let remark = administrator.map(|administrator| format!("as {}", administrator.name));
        let remarks: Vec<String> = remark.into_iter().collect();
        self.audit.record(rotation_audit_event(journal.plan(), "resumed", &remarks)).await?;
        let mut driver = self.driver(journal, claim.lease.clone(), observer);
        if direction == RotationDirection::Abandon {
            driver.append_entry(JournalEntry::UserDecision(UserDecision::Abandon)).await?;
            return self.run_driver(driver, claim).await;
        }
        driver.check_slots().await?;
        if let Some(entry) = entry {
            driver.append_entry(entry).await?;
        }
        if direction == RotationDirection::RollBack {
            driver.append_rollback().await?;
        }
        self.run_driver(driver, claim).await
    }

    async fn run_rotation(
        &self,
        journal: RotationJournal,
        claim: RotationClaim,
        observer: RotationObserver<'_>,
    ) -> Result<RotationStatus, Problem> {
        let driver = self.driver(journal, claim.lease.clone(), observer);
        self.run_driver(driver, claim).await
    }

    fn driver<'a>(
        &'a self,
        journal: RotationJournal,
        lease: RotationLease,
        observer: RotationObserver<'a>,
    ) -> RotationDriver<'a> {
        RotationDriver {
            service: self,
            observer,
            journal,
            lease,
            held_secret: None,
            authorization_grant: None,
        }
    }

    async fn run_driver(
        &self,
        mut driver: RotationDriver<'_>,
        claim: RotationClaim,
    ) -> Result<RotationStatus, Problem> {
        let RotationClaim { lease, request, lock: _lock } = claim;
        tokio::select! {
            result = Box::pin(driver.run()) => result,
            problem = self.renew_lease(lease.rotation(), request) => Err(problem),
        }
    }

    /// Renews the lease repeatedly; returns when it is lost.
    async fn renew_lease(&self, rotation: &str, request: LeaseRequest) -> Problem {
        loop {
            tokio::time::sleep(LEASE_DURATION / 3).await;
            let now = self.clock.now();
            let (id, renewal) = (
                rotation.to_owned(),
                LeaseRequest { now, until: now + LEASE_DURATION, owner: request.owner.clone() },
            );
            if let Err(problem) =
                self.database.run(move |index| index.acquire_lease(&id, &renewal)).await
            {
                return problem;
            }
        }
    }

    /// Rejects changes in a read-only run.
    pub(super) fn check_changes_allowed(&self) -> Result<(), Problem> {
        if !self.readonly {
            return Ok(());
        }
        let why = "this run is read-only";
        Err(Problem::new(
            "Nothing was changed",
            why,
            "omit --readonly, or remove `readonly` from config.toml",
        )
        .with_class(ProblemClass::Usage))
    }
}

impl RotationDriver<'_> {
    /// Appends the decision to roll back, if the rotation can still be rolled back.
    async fn append_rollback(&mut self) -> Result<(), Problem> {
        if let Err(why) = check_rollback_allowed(&self.journal) {
            let remedy =
                format!("continue with `tokenring rotate --resume {}`", self.lease.rotation());
            return Err(Problem::new("The rotation cannot be rolled back", why, remedy)
                .with_class(ProblemClass::Usage));
        }
        self.append_entry(JournalEntry::UserDecision(UserDecision::RollBack)).await
    }
}

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
