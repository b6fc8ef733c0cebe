//! Simulated provider, store and consumers in memory, in which every call can fail in every way.
//!
//! Secrets are numbers; 0 is the old one. The world checks its invariants after each call, so even
//! a short moment without a working secret is detected. Start with [`World::call`].

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::credential::{Principal, SecretSlot};
use crate::domain::rotation::*;

/// The old secret.
pub(super) const OLD: u32 = 0;

/// An unrelated credential of the same user.
pub(super) const STRANGER: u32 = 900;

/// Fault of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The call fails temporarily and has no effect.
    Fail,
    /// The call fails permanently and has no effect.
    Refuse,
    /// The call has no effect, and there is no response.
    LostBefore,
    /// The call has its effect, and there is no response.
    LostAfter,
    /// There is no response, and the call has its effect some calls later.
    Late,
    /// The process crashes just before the call.
    CrashBefore,
    /// The process crashes just after the call.
    CrashAfter,
}

pub(super) const FAULTS: [Fault; 7] = [
    Fault::Fail,
    Fault::Refuse,
    Fault::LostBefore,
    Fault::LostAfter,
    Fault::Late,
    Fault::CrashBefore,
    Fault::CrashAfter,
];

/// Error of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// The process has crashed.
    Dead,
    /// The call had no effect.
    Failed,
    /// The call had no effect and never will.
    Refused,
    /// It is unknown whether the call had an effect.
    Unanswered,
}

/// Effect of a call.
#[derive(Debug, Clone)]
pub(super) enum Effect {
    /// A query to the provider or a consumer.
    Look,
    /// A read of a slot.
    Read(SecretSlot),
    Mint(String),
    Kill(u32),
    Put(SecretSlot, u32),
    Empty(SecretSlot),
    Give(String, u32),
    Write(Box<JournalEntry>),
}

pub(super) struct World {
    pub(super) journal: RotationJournal,
    pub(super) live: BTreeMap<u32, String>,
    pub(super) slots: BTreeMap<SecretSlot, u32>,
    pub(super) consumers: BTreeMap<String, u32>,
    /// Secrets that the provider accepted after they were read from the store.
    pub(super) proven: BTreeSet<u32>,
    /// The secret that the process holds in memory.
    pub(super) in_hand: Option<u32>,
    /// Whether the process holds an authorization code.
    pub(super) signed_in: bool,
    /// The secret that the user created and still has on the clipboard.
    pub(super) clipboard: Option<u32>,
    /// Whether the user has revoked the old secret; afterwards the user does not roll back.
    pub(super) revoked_by_hand: bool,
    pub(super) calls: usize,
    /// How often a new secret is rejected before it is accepted, and a revoked one still accepted.
    pub(super) lag: u32,
    /// Whether the provider lists a new credential only from the second query on.
    pub(super) slow_list: bool,
    /// After how many calls a late effect happens, unless the next call on the same slot or
    /// consumer comes first: a store keeps the order of its calls, and a consumer's program is
    /// stopped before the next one starts.
    pub(super) lateness: usize,
    pub(super) newest: u32,
    pub(super) faults: BTreeMap<usize, Fault>,
    pub(super) late: Vec<(usize, Effect)>,
    pub(super) lingering: BTreeMap<u32, u32>,
    pub(super) ripening: BTreeMap<u32, u32>,
    pub(super) unlisted: BTreeSet<u32>,
}

/// Target whose calls happen in order.
#[derive(PartialEq, Eq)]
enum Place<'a> {
    Slot(SecretSlot),
    Consumer(&'a str),
}

impl Effect {
    fn place(&self) -> Option<Place<'_>> {
        match self {
            Self::Read(slot) | Self::Put(slot, _) | Self::Empty(slot) => Some(Place::Slot(*slot)),
            Self::Give(consumer, _) => Some(Place::Consumer(consumer)),
            Self::Look | Self::Mint(_) | Self::Kill(_) | Self::Write(_) => None,
        }
    }
}

impl World {
    pub(super) fn new(
        plan: RotationPlan,
        faults: impl IntoIterator<Item = (usize, Fault)>,
    ) -> Self {
        let consumers = plan.consumers().map(|name| (name.to_owned(), OLD)).collect();
        let (mut live, mut slots) =
            (BTreeMap::from([(STRANGER, "ci-scanner".to_owned())]), BTreeMap::new());
        if plan.purpose != RotationPurpose::Create {
            live.insert(OLD, "ci-scanner".to_owned());
            slots.insert(SecretSlot::Current, OLD);
        }
        Self {
            journal: RotationJournal::new(plan),
            live,
            slots,
            consumers,
            proven: BTreeSet::new(),
            in_hand: None,
            signed_in: false,
            clipboard: None,
            revoked_by_hand: false,
            calls: 0,
            lag: 0,
            slow_list: false,
            lateness: 3,
            newest: OLD,
            faults: faults.into_iter().collect(),
            late: Vec::new(),
            lingering: BTreeMap::new(),
            ripening: BTreeMap::new(),
            unlisted: BTreeSet::new(),
        }
    }

    /// Makes a call that may fail.
    pub(super) fn call(&mut self, effect: Effect) -> Result<(), Broken> {
        let number = self.calls;
        self.calls += 1;
        self.catch_up(number, &effect);
        let fault = self
            .faults
            .get(&number)
            .copied()
            .filter(|fault| *fault != Fault::Late || self.may_be_late(&effect));
        match fault {
            Some(Fault::Late) => self.late.push((number + self.lateness, effect)),
            None | Some(Fault::LostAfter | Fault::CrashAfter) => self.happen(effect),
            Some(Fault::Fail | Fault::Refuse | Fault::LostBefore | Fault::CrashBefore) => {}
        }
        match fault {
            None => Ok(()),
            Some(Fault::Fail) => Err(Broken::Failed),
            Some(Fault::Refuse) => Err(Broken::Refused),
            Some(Fault::LostBefore | Fault::LostAfter | Fault::Late) => Err(Broken::Unanswered),
            Some(Fault::CrashBefore | Fault::CrashAfter) => Err(Broken::Dead),
        }
    }

    /// Applies late effects that are due or that must precede this call.
    fn catch_up(&mut self, number: usize, effect: &Effect) {
        let place = effect.place();
        let overtaken = |late: &Effect| place.is_some() && late.place() == place;
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.late)
            .into_iter()
            .partition(|(at, late)| *at <= number || overtaken(late));
        self.late = later;
        for (_, effect) in due {
            self.happen(effect);
        }
    }

    /// Returns whether an effect may be late: a creation only if it can be found by its name.
    fn may_be_late(&self, effect: &Effect) -> bool {
        match effect {
            Effect::Mint(_) => {
                self.journal.plan().strategy_traits().traceability == CreationTraceability::ByName
            }
            Effect::Write(_) => false,
            _ => true,
        }
    }

    /// Applies an effect without faults, as for actions on the provider's page.
    pub(super) fn happen(&mut self, effect: Effect) {
        match effect {
            Effect::Look | Effect::Read(_) => {}
            Effect::Mint(name) => self.mint(name),
            Effect::Kill(secret) => self.kill(secret),
            Effect::Put(slot, secret) => _ = self.slots.insert(slot, secret),
            Effect::Empty(slot) => _ = self.slots.remove(&slot),
            Effect::Give(consumer, secret) => _ = self.consumers.insert(consumer, secret),
            Effect::Write(entry) => self.journal.push(*entry),
        }
        self.look_at_itself();
    }

    fn mint(&mut self, name: String) {
        self.newest += 1;
        assert!(
            !self.live.values().any(|taken| *taken == name && self.newest > 1),
            "the name {name} is taken"
        );
        self.live.insert(self.newest, name);
        self.ripening.insert(self.newest, self.lag);
        if self.slow_list {
            self.unlisted.insert(self.newest);
        }
    }

    fn kill(&mut self, secret: u32) {
        if self.live.remove(&secret).is_some() {
            self.lingering.insert(secret, self.lag);
        }
    }

    /// Asserts that the program may revoke this secret: the central safety property.
    pub(super) fn assert_may_die(&self, secret: u32) {
        assert_ne!(secret, STRANGER, "an unrelated credential was revoked");
        if self.journal.plan().purpose == RotationPurpose::Revoke {
            return assert_eq!(secret, OLD, "only the requested secret is revoked");
        }
        let Some(&current) = self.slots.get(&SecretSlot::Current) else { return };
        assert_ne!(secret, current, "the current secret was revoked");
        assert!(
            self.live.contains_key(&current),
            "{secret} was revoked while {current} does not work"
        );
        assert!(
            secret != OLD || self.proven.contains(&current),
            "the old secret was revoked before the new one was verified"
        );
    }

    fn look_at_itself(&self) {
        let stored_alive = self.slots.values().any(|secret| self.live.contains_key(secret));
        let current = self.slots.get(&SecretSlot::Current);
        match self.journal.plan().purpose {
            RotationPurpose::Create => {
                return assert!(current.is_none_or(|current| self.live.contains_key(current)));
            }
            RotationPurpose::Revoke => return assert_eq!(current, Some(&OLD)),
            RotationPurpose::Replace => {}
        }
        let current = current.expect("the slot `current` is never empty");
        match self.journal.plan().overlap {
            SecretOverlap::SideBySide => {
                assert!(
                    self.live.contains_key(current),
                    "the current secret {current} does not work"
                );
            }
            SecretOverlap::Absent => {
                assert!(
                    stored_alive || self.clipboard.is_some() || self.live.contains_key(&OLD),
                    "no secret works any more"
                );
            }
        }
    }

    /// Returns all credentials that the provider lists.
    pub(super) fn list(&mut self) -> Vec<RemoteCredential> {
        let listed: Vec<u32> =
            self.live.keys().copied().filter(|secret| !self.unlisted.contains(secret)).collect();
        self.unlisted.clear();
        listed.into_iter().map(|secret| self.remote(secret)).collect()
    }

    /// Returns whether the provider accepts the secret right now.
    pub(super) fn accepts(&mut self, secret: u32) -> bool {
        let countdown = |left: &mut BTreeMap<u32, u32>| match left.get_mut(&secret) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        };
        if self.live.contains_key(&secret) {
            !countdown(&mut self.ripening)
        } else {
            countdown(&mut self.lingering)
        }
    }

    /// Simulates a crash and a restart: memory is lost, the journal is read from its serialized
    /// form.
    pub(super) fn restart(&mut self) {
        (self.in_hand, self.signed_in) = (None, false);
        let plan = JournalEntry::Planned(Box::new(self.journal.plan().clone()));
        let lines: Vec<String> = std::iter::once(&plan)
            .chain(self.journal.entries())
            .map(|entry| serde_json::to_string(entry).expect("an entry is JSON"))
            .collect();
        let entries =
            lines.iter().map(|line| serde_json::from_str(line).expect("an entry is read back"));
        let read = RotationJournal::from_entries(entries).expect("a journal is read back");
        assert_eq!(read, self.journal);
        self.journal = read;
    }

    pub(super) fn remote(&self, secret: u32) -> RemoteCredential {
        let label = self.live.get(&secret).cloned().unwrap_or_default();
        RemoteCredential::new(format!("r{secret}"), label)
    }
}

/// Returns the access scope of every secret in this world.
pub(in crate::domain::rotation) fn reach(organizations: &[&str]) -> AccessScope {
    AccessScope {
        principal: Principal { id: "ann".into(), name: "Ann".into(), kind: "user".into() },
        kind: "kind".into(),
        region: "SNYK-EU-01".into(),
        organizations: Some(organizations.iter().map(|&name| name.to_owned()).collect()),
        roles: Some(BTreeSet::from(["viewer".to_owned()])),
    }
}

pub(in crate::domain::rotation) fn fingerprint(secret: u32) -> SecretFingerprint {
    SecretFingerprint(format!("fp{secret}"))
}
