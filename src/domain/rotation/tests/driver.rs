//! Driver for the simulated world: the shortest complete implementation of the machine's contract.
//!
//! `drive` runs a rotation to its end through crashes; `act` and `reconcile` do what
//! `domain::rotation` requires of each action and query.

use super::world::{Broken, Effect, OLD, STRANGER, World, fingerprint, reach};
use crate::domain::credential::SecretSlot;
use crate::domain::rotation::*;

/// Maximum number of rounds of a rotation, whatever goes wrong.
const ROUNDS: usize = 600;

/// Drives the rotation to its end, through any number of crashes. In round `abort` the user rolls
/// back if that is allowed.
pub(super) fn drive(world: &mut World, abort: Option<usize>) -> RotationResult {
    for round in 0..ROUNDS {
        if abort == Some(round)
            && !world.revoked_by_hand
            && check_rollback_allowed(&world.journal).is_ok()
        {
            world.happen(Effect::Write(Box::new(JournalEntry::UserDecision(
                UserDecision::RollBack,
            ))));
        }
        let next = next_step(&world.journal);
        match take(world, next) {
            Ok(None) => {}
            Ok(Some(ending)) => return ending,
            Err(Dead) => world.restart(),
        }
    }
    panic!(
        "the rotation does not end: {:#?}",
        world.journal.entries().iter().rev().take(12).collect::<Vec<_>>()
    );
}

/// The process has crashed: everything but the world is lost.
struct Dead;

/// Result of a step; `Err(Err(Dead))` has no outcome.
type Tried<T> = Result<T, Result<StepFailure, Dead>>;

fn take(world: &mut World, next: NextStep) -> Result<Option<RotationResult>, Dead> {
    match next {
        NextStep::Wait { then, .. } => return take(world, *then),
        NextStep::Finished(ending) => return Ok(Some(ending)),
        NextStep::AskUser(prompt) => ask(world, prompt)?,
        NextStep::Execute(action) => {
            let step = action.step();
            write(world, JournalEntry::Intent(step.clone()))?;
            let entry = match act(world, action) {
                Ok(outcome) => JournalEntry::Done(outcome),
                Err(failure) => JournalEntry::Failed(step, failure?),
            };
            write(world, entry)?;
        }
        NextStep::Reconcile(query) => {
            let step = query.step();
            let entry = match reconcile(world, query) {
                Ok(result) => JournalEntry::Reconciled(result),
                Err(failure) => JournalEntry::Failed(
                    step,
                    StepFailure { kind: StepFailureKind::OutcomeUnknown, ..failure? },
                ),
            };
            write(world, entry)?;
        }
    }
    Ok(None)
}

/// Writes an entry. A process that cannot make an entry durable stops: nothing may happen that was
/// not announced.
fn write(world: &mut World, entry: JournalEntry) -> Result<(), Dead> {
    world.call(Effect::Write(Box::new(entry))).map_err(|_| Dead)
}

fn tried(result: Result<(), Broken>) -> Tried<()> {
    result.map_err(|broken| match broken {
        Broken::Dead => Err(Dead),
        Broken::Failed => Ok(StepFailure::new(StepFailureKind::Retryable, "it failed")),
        Broken::Refused => Ok(StepFailure::new(StepFailureKind::Refused, "403")),
        Broken::Unanswered => Ok(StepFailure::new(StepFailureKind::OutcomeUnknown, "no response")),
    })
}

fn failed<T>(kind: StepFailureKind, why: &str) -> Tried<T> {
    Err(Ok(StepFailure::new(kind, why)))
}

fn get(world: &mut World, slot: SecretSlot) -> Tried<Option<u32>> {
    tried(world.call(Effect::Read(slot)))?;
    Ok(world.slots.get(&slot).copied())
}

fn put(world: &mut World, slot: SecretSlot, secret: u32) -> Tried<()> {
    tried(world.call(Effect::Put(slot, secret)))
}

fn is_accepted(world: &mut World, secret: u32) -> Tried<bool> {
    tried(world.call(Effect::Look))?;
    Ok(world.accepts(secret))
}

fn act(world: &mut World, action: StepAction) -> Tried<StepOutcome> {
    match action {
        StepAction::VerifyStore => {
            tried(world.call(Effect::Look)).map(|()| StepOutcome::StoreVerified)
        }
        StepAction::Snapshot => snapshot(world),
        StepAction::Create { name } => create(world, name),
        StepAction::Stage(new) => stage(world, new),
        StepAction::Verify(new) => verify(world, &new),
        StepAction::Promote(swap) => promote(world, swap),
        StepAction::Deliver(consumer) => {
            give(world, &consumer).map(|()| StepOutcome::Delivered(consumer))
        }
        StepAction::RestoreConsumer(consumer) => {
            give(world, &consumer).map(|()| StepOutcome::ConsumerRestored(consumer))
        }
        StepAction::Revoke(permit) => kill(world, permit.target()).map(|()| StepOutcome::Revoked),
        StepAction::DeleteOrphan(permit) => kill(world, permit.target())
            .map(|()| StepOutcome::OrphanDeleted(permit.key().to_owned())),
        StepAction::VerifyRevoked(old) => verify_revoked(world, &old),
        StepAction::VerifyOld(old) => verify_old(world, &old),
        StepAction::RestoreOld(swap) => restore(world, &swap),
        StepAction::FindOrphans => find_orphans(world),
        StepAction::ClearSlots => {
            tried(world.call(Effect::Empty(SecretSlot::Pending)))?;
            tried(world.call(Effect::Empty(SecretSlot::Previous)))
                .map(|()| StepOutcome::SlotsCleared)
        }
    }
}

fn snapshot(world: &mut World) -> Tried<StepOutcome> {
    let secret = get(world, SecretSlot::Current)?.expect("there is an old secret");
    let accepted = is_accepted(world, secret)?;
    let reach = if accepted {
        OldAccess::Known(reach(&["acme"]))
    } else {
        OldAccess::Unknown("401".to_owned())
    };
    let several = world.journal.plan().strategy_traits().creator == StepActor::User;
    let remotes = [OLD, STRANGER]
        .iter()
        .take(if several { 2 } else { 1 })
        .map(|&secret| world.remote(secret))
        .collect();
    let listed = Some(world.list().into_iter().map(|remote| remote.id).collect());
    Ok(StepOutcome::SnapshotTaken(OldSecretSnapshot {
        fingerprint: fingerprint(secret),
        access: reach,
        remotes,
        listed_ids: listed,
        named_id: names_itself(world, secret).filter(|_| accepted),
        previous_metadata: PreviousMetadata::default(),
    }))
}

/// Returns the ID that a secret names, where the strategy's secrets name one.
fn names_itself(world: &World, secret: u32) -> Option<String> {
    let traits = world.journal.plan().strategy_traits();
    let names = traits.principal_policy == PrincipalPolicy::New
        && traits.revocation_key == RevocationKey::ById;
    names.then(|| format!("r{secret}"))
}

fn create(world: &mut World, name: String) -> Tried<StepOutcome> {
    let signs_in = world.journal.plan().strategy_traits().creator == StepActor::UserSignIn;
    if signs_in && !std::mem::take(&mut world.signed_in) {
        return failed(StepFailureKind::SecretLost, "the authorization code is lost");
    }
    let before = world.newest;
    let result = world.call(Effect::Mint(name));
    world.signed_in = signs_in && result == Err(Broken::Failed);
    tried(result)?;
    let secret = world.newest;
    assert!(secret > before, "a response means that a secret was created");
    world.in_hand = Some(secret);
    // First into the store, then into the journal: a secret is shown only once. If the store fails,
    // `Stage` tries again.
    if let Err(Err(dead)) = put(world, SecretSlot::Pending, secret) {
        return Err(Err(dead));
    }
    let remote = if by_value(world) { account() } else { world.remote(secret) };
    Ok(StepOutcome::Created(CreatedSecret {
        fingerprint: fingerprint(secret),
        remote: Some(remote),
    }))
}

fn by_value(world: &World) -> bool {
    world.journal.plan().strategy_traits().revocation_key == RevocationKey::ByValue
}

/// The account that both secrets belong to; it must never be revoked.
fn account() -> RemoteCredential {
    RemoteCredential::new("r0", "the account")
}

/// Returns a pasted secret. What it is at the provider is known when it is verified, except for a
/// secret of the same account.
fn pasted(world: &World, secret: u32) -> CreatedSecret {
    CreatedSecret { fingerprint: fingerprint(secret), remote: by_value(world).then(account) }
}

fn stage(world: &mut World, new: SecretFingerprint) -> Tried<StepOutcome> {
    if let Some(secret) = world.in_hand.filter(|secret| fingerprint(*secret) == new) {
        put(world, SecretSlot::Pending, secret)?;
    }
    match get(world, SecretSlot::Pending)? {
        Some(secret) if fingerprint(secret) == new => Ok(StepOutcome::Staged(new)),
        _ => failed(StepFailureKind::SecretLost, "neither in memory nor in the store"),
    }
}

fn verify(world: &mut World, new: &SecretFingerprint) -> Tried<StepOutcome> {
    let secret = get(world, SecretSlot::Pending)?.expect("verified only after staging");
    if !is_accepted(world, secret)? {
        return failed(StepFailureKind::Retryable, "401");
    }
    world.proven.insert(secret);
    assert_eq!(fingerprint(secret), *new);
    Ok(StepOutcome::Verified {
        fingerprint: fingerprint(secret),
        reach: reach(&["acme"]),
        named_id: names_itself(world, secret),
    })
}

fn promote(world: &mut World, swap: SlotSwap) -> Tried<StepOutcome> {
    // Read once: the value stored as the previous secret is the value that was compared.
    let current = get(world, SecretSlot::Current)?;
    if current.map(fingerprint).as_ref() == Some(&swap.new) {
        return Ok(StepOutcome::Promoted(swap.new));
    }
    assert_eq!(current.map(fingerprint), swap.old, "another process changed the secret");
    let Some(new) =
        get(world, SecretSlot::Pending)?.filter(|secret| fingerprint(*secret) == swap.new)
    else {
        return failed(StepFailureKind::SecretLost, "not in the store");
    };
    if let Some(current) = current {
        put(world, SecretSlot::Previous, current)?;
    }
    put(world, SecretSlot::Current, new)?;
    Ok(StepOutcome::Promoted(
        get(world, SecretSlot::Current)?.map(fingerprint).expect("it was written there"),
    ))
}

fn restore(world: &mut World, swap: &SlotSwap) -> Tried<StepOutcome> {
    if swap.old.is_none() {
        tried(world.call(Effect::Empty(SecretSlot::Current)))?;
    } else if get(world, SecretSlot::Current)?.map(fingerprint) != swap.old {
        let previous =
            get(world, SecretSlot::Previous)?.expect("the old secret is stored until the end");
        assert_eq!(Some(fingerprint(previous)), swap.old);
        put(world, SecretSlot::Current, previous)?;
    }
    Ok(StepOutcome::OldSecretRestored)
}

fn give(world: &mut World, consumer: &str) -> Tried<()> {
    let secret = get(world, SecretSlot::Current)?.expect("never empty");
    tried(world.call(Effect::Give(consumer.to_owned(), secret)))?;
    tried(world.call(Effect::Look))
}

fn kill(world: &mut World, target: &RevocationTarget) -> Tried<()> {
    let secret = match target {
        RevocationTarget::ById(remote) => {
            remote.id.trim_start_matches('r').parse().expect("an ID of this world")
        }
        RevocationTarget::ByValue(slot) => match get(world, *slot)? {
            Some(secret) => secret,
            None => return failed(StepFailureKind::SecretLost, "the slot is empty"),
        },
        RevocationTarget::Unknown => {
            panic!("the program was asked to find a credential that it cannot identify")
        }
    };
    world.assert_may_die(secret);
    tried(world.call(Effect::Kill(secret)))
}

fn verify_revoked(world: &mut World, old: &SecretFingerprint) -> Tried<StepOutcome> {
    let slot = if world.journal.plan().purpose == RotationPurpose::Revoke {
        SecretSlot::Current
    } else {
        SecretSlot::Previous
    };
    let secret = get(world, slot)?
        .filter(|secret| fingerprint(*secret) == *old)
        .expect("the old secret is stored until it is rejected");
    if is_accepted(world, secret)? {
        failed(StepFailureKind::Retryable, "it still works")
    } else {
        Ok(StepOutcome::OldSecretRejected)
    }
}

fn verify_old(world: &mut World, old: &SecretFingerprint) -> Tried<StepOutcome> {
    let slots = [get(world, SecretSlot::Current)?, get(world, SecretSlot::Previous)?];
    let secret = slots
        .into_iter()
        .flatten()
        .find(|secret| fingerprint(*secret) == *old)
        .expect("the old secret is stored");
    if is_accepted(world, secret)? {
        Ok(StepOutcome::OldSecretVerified)
    } else {
        failed(StepFailureKind::Retryable, "401")
    }
}

fn find_orphans(world: &mut World) -> Tried<StepOutcome> {
    tried(world.call(Effect::Look))?;
    let rotation = world.journal.plan().rotation.clone();
    let listed = world.list();
    Ok(StepOutcome::OrphansListed(
        listed
            .into_iter()
            .filter(|remote| parse_attempt(&rotation, &remote.label).is_some())
            .collect(),
    ))
}

fn read_pending(world: &mut World, stale: &[SecretFingerprint]) -> Tried<Option<u32>> {
    Ok(get(world, SecretSlot::Pending)?.filter(|secret| !stale.contains(&fingerprint(*secret))))
}

fn reconcile(world: &mut World, query: ReconcileQuery) -> Tried<ReconciliationResult> {
    match query {
        ReconcileQuery::Paste { stale } => {
            Ok(ReconciliationResult::Creation(match read_pending(world, &stale)? {
                Some(secret) => CreationStatus::InPendingSlot(pasted(world, secret)),
                None => CreationStatus::NotCreated,
            }))
        }
        ReconcileQuery::Creation { name, stale } => {
            let pending_secret = read_pending(world, &stale)?;
            tried(world.call(Effect::Look))?;
            let listed = name
                .as_ref()
                .map(|name| world.list().into_iter().find(|remote| remote.label == *name));
            Ok(ReconciliationResult::Creation(match (pending_secret, listed) {
                (Some(secret), Some(remote)) => CreationStatus::InPendingSlot(CreatedSecret {
                    fingerprint: fingerprint(secret),
                    remote,
                }),
                (Some(secret), None) => CreationStatus::InPendingSlot(pasted(world, secret)),
                (None, Some(Some(remote))) => CreationStatus::Orphaned(remote),
                (None, Some(None)) => CreationStatus::NotCreated,
                (None, None) => CreationStatus::Unknown("the provider lists no secrets".to_owned()),
            }))
        }
        ReconcileQuery::Revocation(_) => {
            tried(world.call(Effect::Look))?;
            let status = if world.live.contains_key(&OLD) {
                RevocationStatus::StillActive
            } else {
                RevocationStatus::Revoked
            };
            Ok(ReconciliationResult::Revocation(status))
        }
    }
}

/// Simulates a user who does exactly what the prompt asks.
fn ask(world: &mut World, asked: UserPrompt) -> Result<(), Dead> {
    let decision = match asked.kind {
        PromptKind::PasteSecret { name, .. } => return paste(world, &name),
        PromptKind::SignIn => {
            write(world, JournalEntry::Intent(RotationStep::AwaitSignIn))?;
            world.signed_in = true;
            return write(world, JournalEntry::Done(StepOutcome::SignedIn));
        }
        PromptKind::SelectOld(_) => UserDecision::SelectedOld(format!("r{OLD}")),
        PromptKind::ConfirmOld(remote) => UserDecision::Override(remote.label),
        PromptKind::ConfirmOverride { typed, .. } => UserDecision::Override(typed),
        PromptKind::RevokeManually { permit, .. } => {
            assert_ne!(permit.target(), &RevocationTarget::ByValue(SecretSlot::Pending));
            world.assert_may_die(OLD);
            world.revoked_by_hand = true;
            world.happen(Effect::Kill(OLD));
            UserDecision::RevokedManually
        }
        PromptKind::DeleteManually { key, target, .. } => {
            remove(world, &target);
            UserDecision::DeletedManually(key)
        }
        PromptKind::StepBlocked(_) if asked.step == RotationStep::VerifyOld => {
            UserDecision::Continue
        }
        PromptKind::FreeQuota { .. } | PromptKind::StillActive(_) | PromptKind::StepBlocked(_) => {
            UserDecision::Retry
        }
    };
    let open = asked.choices.contains(&decision) || matches!(decision, UserDecision::Override(_));
    assert!(open, "{decision:?} was not among {:?}", asked.choices);
    write(world, JournalEntry::UserDecision(decision))
}

/// Creates a secret on the provider's page, if the clipboard is empty, and pastes it.
fn paste(world: &mut World, name: &str) -> Result<(), Dead> {
    write(world, JournalEntry::Intent(RotationStep::AwaitPaste))?;
    let secret = match world.clipboard.filter(|secret| world.live.contains_key(secret)) {
        Some(secret) => secret,
        None => make(world, name),
    };
    world.in_hand = Some(secret);
    if let Err(Err(dead)) = put(world, SecretSlot::Pending, secret) {
        return Err(dead);
    }
    let created_secret = pasted(world, secret);
    write(world, JournalEntry::Done(StepOutcome::Pasted(created_secret)))
}

fn make(world: &mut World, name: &str) -> u32 {
    world.clipboard = Some(world.newest + 1);
    world.happen(Effect::Mint(name.to_owned()));
    if world.journal.plan().overlap == SecretOverlap::Absent {
        let dead: Vec<u32> = world
            .live
            .keys()
            .copied()
            .filter(|&secret| secret != STRANGER && secret != world.newest)
            .collect();
        for secret in dead {
            world.happen(Effect::Kill(secret));
        }
    }
    world.newest
}

/// Deletes the named credential, or else every new credential that is not in the slot `current`.
fn remove(world: &mut World, target: &RevocationTarget) {
    let current = world.slots.get(&SecretSlot::Current).copied();
    let targets: Vec<u32> = match target {
        RevocationTarget::ById(remote) => {
            remote.id.trim_start_matches('r').parse().into_iter().collect()
        }
        RevocationTarget::ByValue(_) | RevocationTarget::Unknown => world
            .live
            .keys()
            .copied()
            .filter(|&s| s != OLD && s != STRANGER && Some(s) != current)
            .collect(),
    };
    for secret in targets {
        world.happen(Effect::Kill(secret));
    }
}
