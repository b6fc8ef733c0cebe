//! Start of a rotation: with a new plan, or with the journal of an unfinished one.
//!
//! Locks, leases and the lookup of rotations belong here; the loop itself is in `driver`. Start at
//! `RotationService::rotate` and `RotationService::resume_rotation`.

use super::RotationObserver;
use super::driver::RotationDriver;
use crate::database::{LeaseRequest, NewRotation, RotationLease};
use crate::domain::problem::ProblemClass;
use crate::domain::rotation::{
    JournalEntry, RotationJournal, RotationPlan, RotationStatus, UserDecision,
    check_rollback_allowed,
};
use crate::domain::{Credential, Problem};
use crate::engine::credentials::metadata::clean_reason;
use crate::engine::locks::CredentialLock;
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
