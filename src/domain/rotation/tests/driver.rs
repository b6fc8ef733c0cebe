//! The driver's duties, done in the model world: the shortest complete statement of the contract.

use std::collections::BTreeSet;

use super::world::{Broken, Effect, OLD, STRANGER, World, print, reach};
use crate::domain::credential::SecretSlot;
use crate::domain::rotation::*;

/// A rotation may not take more rounds than this, whatever goes wrong.
const ROUNDS: usize = 600;

/// Drives the rotation to its end, through any number of crashes. In round `abort` a person rolls back, if they may.
pub(super) fn drive(world: &mut World, abort: Option<usize>) -> Ending {
    for round in 0..ROUNDS {
        if abort == Some(round) && !world.revoked_by_hand && may_roll_back(&world.journal).is_ok() {
            world.happen(Effect::Write(Box::new(Entry::HumanSaid(Saying::Abort))));
        }
        let next = next(&world.journal);
        match take(world, next) {
            Ok(None) => {}
            Ok(Some(ending)) => return ending,
            Err(Dead) => world.restart(),
        }
    }
    panic!("it does not end: {:#?}", world.journal.entries().iter().rev().take(12).collect::<Vec<_>>());
}

/// The process is dead: everything but the world is gone.
struct Dead;

/// What a step comes to; `Err(Err(Dead))` is no outcome.
type Tried<T> = Result<T, Result<Failure, Dead>>;

fn take(world: &mut World, next: Next) -> Result<Option<Ending>, Dead> {
    match next {
        Next::Wait { then, .. } => return take(world, *then),
        Next::Finished(ending) => return Ok(Some(ending)),
        Next::Ask(need) => ask(world, need)?,
        Next::Act(action) => {
            let step = action.step();
            write(world, Entry::Intent(step.clone()))?;
            let entry = match act(world, action) {
                Ok(outcome) => Entry::Done(outcome),
                Err(failure) => Entry::Failed(step, failure?),
            };
            write(world, entry)?;
        }
        Next::Reconcile(look) => {
            let step = look.step();
            let entry = match reconcile(world, look) {
                Ok(finding) => Entry::Reconciled(finding),
                Err(failure) => Entry::Failed(step, Failure { kind: FailureKind::Unanswered, ..failure? }),
            };
            write(world, entry)?;
        }
    }
    Ok(None)
}

/// An entry that did not become durable for sure stops the process: nothing may happen that was not announced.
fn write(world: &mut World, entry: Entry) -> Result<(), Dead> {
    world.call(Effect::Write(Box::new(entry))).map_err(|_| Dead)
}

fn tried(result: Result<(), Broken>) -> Tried<()> {
    result.map_err(|broken| match broken {
        Broken::Dead => Err(Dead),
        Broken::Failed => Ok(Failure::new(FailureKind::NotYet, "it failed")),
        Broken::Refused => Ok(Failure::new(FailureKind::Refused, "403")),
        Broken::Unanswered => Ok(Failure::new(FailureKind::Unanswered, "nobody answered")),
    })
}

fn failed<T>(kind: FailureKind, why: &str) -> Tried<T> {
    Err(Ok(Failure::new(kind, why)))
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

fn act(world: &mut World, action: Action) -> Tried<Outcome> {
    match action {
        Action::ProveStore => tried(world.call(Effect::Look)).map(|()| Outcome::StoreProven),
        Action::Snapshot => snapshot(world),
        Action::Create { name } => create(world, name),
        Action::Stash(new) => stash(world, new),
        Action::Verify(new) => verify(world, &new),
        Action::Promote(change) => promote(world, change),
        Action::Deliver(consumer) => give(world, &consumer).map(|()| Outcome::Delivered(consumer)),
        Action::Redeliver(consumer) => give(world, &consumer).map(|()| Outcome::Redelivered(consumer)),
        Action::Revoke(may) => kill(world, may.target()).map(|()| Outcome::Revoked),
        Action::Discard(may) => kill(world, may.target()).map(|()| Outcome::Discarded(may.key().to_owned())),
        Action::ProveDead(old) => prove_dead(world, &old),
        Action::ProveOld(old) => prove_old(world, &old),
        Action::Restore(change) => restore(world, &change),
        Action::Sweep => sweep(world),
        Action::Forget => {
            tried(world.call(Effect::Empty(SecretSlot::Pending)))?;
            tried(world.call(Effect::Empty(SecretSlot::Previous))).map(|()| Outcome::Forgotten)
        }
    }
}

fn snapshot(world: &mut World) -> Tried<Outcome> {
    let secret = get(world, SecretSlot::Current)?.expect("there is an old secret");
    let accepted = is_accepted(world, secret)?;
    let reach = if accepted { OldReach::Known(reach(&["acme"])) } else { OldReach::Unknown("401".to_owned()) };
    let several = world.journal.plan().ways().mint == By::Person;
    let remotes = [OLD, STRANGER].iter().take(if several { 2 } else { 1 }).map(|&secret| world.remote(secret)).collect();
    let listed = Some(world.list().into_iter().map(|remote| remote.id).collect());
    Ok(Outcome::Seen(Snapshot { fingerprint: print(secret), reach, remotes, listed, known: Known::default() }))
}

fn create(world: &mut World, name: String) -> Tried<Outcome> {
    let signs_in = world.journal.plan().ways().mint == By::SignIn;
    if signs_in && !std::mem::take(&mut world.signed_in) {
        return failed(FailureKind::Lost, "what the sign-in brought is gone");
    }
    let before = world.newest;
    let minted = world.call(Effect::Mint(name));
    world.signed_in = signs_in && minted == Err(Broken::Failed);
    tried(minted)?;
    let secret = world.newest;
    assert!(secret > before, "an answer means that something was made");
    world.in_hand = Some(secret);
    // First into the store, then into the journal: a secret is shown once. A store that fails is tried again by `Stash`.
    if let Err(Err(dead)) = put(world, SecretSlot::Pending, secret) {
        return Err(Err(dead));
    }
    let remote = if by_value(world) { account() } else { world.remote(secret) };
    Ok(Outcome::Created(Minted { fingerprint: print(secret), remote: Some(remote) }))
}

fn by_value(world: &World) -> bool {
    world.journal.plan().ways().handle == Handle::Value
}

/// The account that both secrets belong to; it must never be revoked.
fn account() -> Remote {
    Remote::new("r0", "the account")
}

/// What a pasted secret is at the provider: the only thing in its list that was not there before.
fn recognise(world: &mut World, secret: u32) -> Minted {
    let known: BTreeSet<String> = world.journal.entries().iter().rev().find_map(seen).unwrap_or_default();
    let mut fresh: Vec<Remote> = world.list().into_iter().filter(|remote| !known.contains(&remote.id)).collect();
    let only = if fresh.len() == 1 { fresh.pop() } else { None };
    let only = only.filter(|remote| !is_own(&world.journal, remote));
    Minted { fingerprint: print(secret), remote: if by_value(world) { Some(account()) } else { only } }
}

fn seen(entry: &Entry) -> Option<BTreeSet<String>> {
    if let Entry::Done(Outcome::Seen(snapshot)) = entry { snapshot.listed.clone() } else { None }
}

fn stash(world: &mut World, new: Fingerprint) -> Tried<Outcome> {
    if let Some(secret) = world.in_hand.filter(|secret| print(*secret) == new) {
        put(world, SecretSlot::Pending, secret)?;
    }
    match get(world, SecretSlot::Pending)? {
        Some(secret) if print(secret) == new => Ok(Outcome::Stashed(new)),
        _ => failed(FailureKind::Lost, "neither in hand nor in the store"),
    }
}

fn verify(world: &mut World, new: &Fingerprint) -> Tried<Outcome> {
    let secret = get(world, SecretSlot::Pending)?.expect("verified only after it was stashed");
    if !is_accepted(world, secret)? {
        return failed(FailureKind::NotYet, "401");
    }
    world.proven.insert(secret);
    assert_eq!(print(secret), *new);
    Ok(Outcome::Verified { fingerprint: print(secret), reach: reach(&["acme"]) })
}

fn promote(world: &mut World, change: Change) -> Tried<Outcome> {
    // Read once: what is kept as the previous secret is the very value that was compared.
    let current = get(world, SecretSlot::Current)?;
    if current.map(print).as_ref() == Some(&change.new) {
        return Ok(Outcome::Promoted(change.new));
    }
    assert_eq!(current.map(print), change.old, "somebody else has changed the secret");
    let Some(new) = get(world, SecretSlot::Pending)?.filter(|secret| print(*secret) == change.new) else {
        return failed(FailureKind::Lost, "not in the store");
    };
    if let Some(current) = current {
        put(world, SecretSlot::Previous, current)?;
    }
    put(world, SecretSlot::Current, new)?;
    Ok(Outcome::Promoted(get(world, SecretSlot::Current)?.map(print).expect("it was put there")))
}

fn restore(world: &mut World, change: &Change) -> Tried<Outcome> {
    if change.old.is_none() {
        tried(world.call(Effect::Empty(SecretSlot::Current)))?;
    } else if get(world, SecretSlot::Current)?.map(print) != change.old {
        let previous = get(world, SecretSlot::Previous)?.expect("the old one is kept until the end");
        assert_eq!(Some(print(previous)), change.old);
        put(world, SecretSlot::Current, previous)?;
    }
    Ok(Outcome::Restored)
}

fn give(world: &mut World, consumer: &str) -> Tried<()> {
    let secret = get(world, SecretSlot::Current)?.expect("never empty");
    tried(world.call(Effect::Give(consumer.to_owned(), secret)))?;
    tried(world.call(Effect::Look))
}

fn kill(world: &mut World, target: &Target) -> Tried<()> {
    let secret = match target {
        Target::Remote(remote) => remote.id.trim_start_matches('r').parse().expect("an id of this world"),
        Target::Held(slot) => match get(world, *slot)? {
            Some(secret) => secret,
            None => return failed(FailureKind::Lost, "the slot is empty"),
        },
        Target::Unnamed => panic!("the program was asked to find what it does not know"),
    };
    world.assert_may_die(secret);
    tried(world.call(Effect::Kill(secret)))
}

fn prove_dead(world: &mut World, old: &Fingerprint) -> Tried<Outcome> {
    let slot = if world.journal.plan().purpose == Purpose::Revoke { SecretSlot::Current } else { SecretSlot::Previous };
    let secret = get(world, slot)?.filter(|secret| print(*secret) == *old).expect("the old one is kept until it is dead");
    if is_accepted(world, secret)? { failed(FailureKind::NotYet, "it still works") } else { Ok(Outcome::ProvenDead) }
}

fn prove_old(world: &mut World, old: &Fingerprint) -> Tried<Outcome> {
    let slots = [get(world, SecretSlot::Current)?, get(world, SecretSlot::Previous)?];
    let secret = slots.into_iter().flatten().find(|secret| print(*secret) == *old).expect("the old one is kept");
    if is_accepted(world, secret)? { Ok(Outcome::OldProven) } else { failed(FailureKind::NotYet, "401") }
}

fn sweep(world: &mut World) -> Tried<Outcome> {
    tried(world.call(Effect::Look))?;
    let rotation = world.journal.plan().rotation.clone();
    let listed = world.list();
    Ok(Outcome::Swept(listed.into_iter().filter(|remote| attempt_of(&rotation, &remote.label).is_some()).collect()))
}

fn held(world: &mut World, stale: &[Fingerprint]) -> Tried<Option<u32>> {
    Ok(get(world, SecretSlot::Pending)?.filter(|secret| !stale.contains(&print(*secret))))
}

fn reconcile(world: &mut World, look: Look) -> Tried<Finding> {
    match look {
        Look::Paste { stale } => Ok(Finding::Minting(match held(world, &stale)? {
            Some(secret) => Trail::Held(recognise(world, secret)),
            None => Trail::Nothing,
        })),
        Look::Creation { name, stale } => {
            let held = held(world, &stale)?;
            tried(world.call(Effect::Look))?;
            let listed = name.as_ref().map(|name| world.list().into_iter().find(|remote| remote.label == *name));
            Ok(Finding::Minting(match (held, listed) {
                (Some(secret), Some(remote)) => Trail::Held(Minted { fingerprint: print(secret), remote }),
                (Some(secret), None) => Trail::Held(recognise(world, secret)),
                (None, Some(Some(remote))) => Trail::Stray(remote),
                (None, Some(None)) => Trail::Nothing,
                (None, None) => Trail::Unclear("the provider lists no secrets".to_owned()),
            }))
        }
        Look::Revocation(_) => {
            tried(world.call(Effect::Look))?;
            let fate = if world.live.contains_key(&OLD) { Fate::StillThere } else { Fate::Gone };
            Ok(Finding::Revocation(fate))
        }
    }
}

/// A person who does what they are asked, and nothing else.
fn ask(world: &mut World, asked: HumanNeed) -> Result<(), Dead> {
    let saying = match asked.need {
        Need::Paste { name, .. } => return paste(world, &name),
        Need::SignIn => {
            write(world, Entry::Intent(Step::AwaitSignIn))?;
            world.signed_in = true;
            return write(world, Entry::Done(Outcome::SignedIn));
        }
        Need::ChooseOld(_) => Saying::Chose(format!("r{OLD}")),
        Need::Override { typed, .. } => Saying::Override(typed),
        Need::Revoke { may, .. } => {
            assert_ne!(may.target(), &Target::Held(SecretSlot::Pending));
            world.assert_may_die(OLD);
            world.revoked_by_hand = true;
            world.happen(Effect::Kill(OLD));
            Saying::RevokedByHand
        }
        Need::Remove { key, target, .. } => {
            remove(world, &target);
            Saying::Removed(key)
        }
        Need::Stuck(_) if asked.step == Step::ProveOld => Saying::GoOn,
        Need::MakeRoom { .. } | Need::StillAlive(_) | Need::Stuck(_) => Saying::Retry,
    };
    let open = asked.choices.contains(&saying) || matches!(saying, Saying::Override(_));
    assert!(open, "{saying:?} was not among {:?}", asked.choices);
    write(world, Entry::HumanSaid(saying))
}

/// Makes a secret on the provider's page, if none is on the clipboard, and pastes it.
fn paste(world: &mut World, name: &str) -> Result<(), Dead> {
    write(world, Entry::Intent(Step::AwaitPaste))?;
    let secret = match world.clipboard.filter(|secret| world.live.contains_key(secret)) {
        Some(secret) => secret,
        None => make(world, name),
    };
    world.in_hand = Some(secret);
    if let Err(Err(dead)) = put(world, SecretSlot::Pending, secret) {
        return Err(dead);
    }
    let minted = recognise(world, secret);
    write(world, Entry::Done(Outcome::Pasted(minted)))
}

fn make(world: &mut World, name: &str) -> u32 {
    world.clipboard = Some(world.newest + 1);
    world.happen(Effect::Mint(name.to_owned()));
    if world.journal.plan().overlap == Overlap::Absent {
        let dead: Vec<u32> = world.live.keys().copied().filter(|&secret| secret != STRANGER && secret != world.newest).collect();
        for secret in dead {
            world.happen(Effect::Kill(secret));
        }
    }
    world.newest
}

/// Deletes what is named, or else whatever is new at the provider and not in the store's slot `current`.
fn remove(world: &mut World, target: &Target) {
    let current = world.slots.get(&SecretSlot::Current).copied();
    let doomed: Vec<u32> = match target {
        Target::Remote(remote) => remote.id.trim_start_matches('r').parse().into_iter().collect(),
        Target::Held(_) | Target::Unnamed => {
            world.live.keys().copied().filter(|&s| s != OLD && s != STRANGER && Some(s) != current).collect()
        }
    };
    for secret in doomed {
        world.happen(Effect::Kill(secret));
    }
}
