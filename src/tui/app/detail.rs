//! The detail of the selected credential, and whether its secret is shown.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Now, display_format};
use crate::domain::{CredentialId, CredentialName, Secret, Timestamp};
use crate::engine::task_protocol::{TaskId, TokenLifetime};

/// How many rows the detail needs to get as far as the access token.
pub const MIN_FULL_DETAIL_ROWS: u16 = 7;

/// Whether the secret is shown.
///
/// Everything that may mean that the person looks away goes through [`DetailPane::mask`]: the timer, the loss of focus,
/// another selection, another size, suspension, a copy, a dialog.
#[derive(Default)]
pub struct DetailPane {
    reveal: RevealState,
    duplicates: Vec<CredentialName>,
    /// The access token that is at hand, as far as that is known.
    access_token: Option<TokenLifetime>,
}

#[derive(Default)]
enum RevealState {
    #[default]
    Masked,
    Requested(TaskId),
    Revealed {
        of: CredentialId,
        secret: Arc<Secret>,
        until: Instant,
    },
}

/// A secret that may be drawn right now.
pub struct RevealedSecret<'a> {
    /// The secret.
    pub secret: &'a Secret,
    /// How long it stays.
    pub left: Duration,
}

impl DetailPane {
    /// The secret, as long as it is of `credential` and its time has not run out.
    pub fn revealed_secret(
        &self,
        credential: &CredentialId,
        now: Instant,
    ) -> Option<RevealedSecret<'_>> {
        match &self.reveal {
            RevealState::Revealed { of, secret, until } if of == credential && now < *until => {
                Some(RevealedSecret { secret, left: *until - now })
            }
            _ => None,
        }
    }

    /// Whether the secret was asked for and has not come yet.
    pub fn reveal_pending(&self) -> bool {
        matches!(self.reveal, RevealState::Requested(_))
    }

    /// Whether nothing is shown and nothing is on its way.
    pub fn is_masked(&self) -> bool {
        matches!(self.reveal, RevealState::Masked)
    }

    /// Waits for the secret that this task will lend.
    pub fn begin_reveal(&mut self, task: TaskId) {
        self.reveal = RevealState::Requested(task);
    }

    /// Shows the secret until the given moment, if `task` is the one that was asked. A later one is dropped and wiped.
    pub fn reveal_secret(
        &mut self,
        task: TaskId,
        of: CredentialId,
        secret: Arc<Secret>,
        until: Instant,
    ) {
        if self.waits_for(task) {
            self.reveal = RevealState::Revealed { of, secret, until };
        }
    }

    /// Whether this task is to lend the secret.
    pub fn waits_for(&self, task: TaskId) -> bool {
        matches!(self.reveal, RevealState::Requested(asked) if asked == task)
    }

    /// Masks a secret that is shown; one that was asked for is still waited for, and so is the reason why it does not come.
    pub fn mask_if_revealed(&mut self) {
        if matches!(self.reveal, RevealState::Revealed { .. }) {
            self.mask();
        }
    }

    /// Masks the secret, and drops one that is on its way.
    pub fn mask(&mut self) {
        self.reveal = RevealState::Masked;
    }

    /// Other credentials that hold the same secret.
    pub fn duplicates(&self) -> &[CredentialName] {
        &self.duplicates
    }

    /// Remembers which other credentials hold the same secret.
    pub fn set_duplicates(&mut self, twins: Vec<CredentialName>) {
        self.duplicates = twins;
    }

    /// It is known whether there is an access token at hand for the selected credential.
    pub fn set_access_token(&mut self, life: Option<TokenLifetime>) {
        self.access_token = life;
    }

    /// Another credential is selected, of whose access token nothing is known yet.
    pub fn forget_access_token(&mut self) {
        self.access_token = None;
    }

    /// The access token that is at hand for the selected credential; one that is over is none.
    pub fn access_token(&self, now: Timestamp) -> Option<TokenLifetime> {
        self.access_token.filter(|life| life.until > now)
    }

    /// When what is said about the access token changes.
    pub fn next_access_token_change(&self, now: Now) -> Option<Instant> {
        let left = self.access_token(now.wall)?.until - now.wall;
        display_format::remaining_text_changes_in(left).map(|step| now.instant + step)
    }

    /// Masks the secret if its time has run out.
    pub fn expire(&mut self, now: Instant) {
        if matches!(self.reveal, RevealState::Revealed { until, .. } if until <= now) {
            self.mask();
        }
    }

    /// When the countdown shows another number.
    pub fn next_wake(&self, now: Instant) -> Option<Instant> {
        let RevealState::Revealed { until, .. } = &self.reveal else { return None };
        display_format::next_second_at(*until, now)
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn shown(now: Instant) -> DetailPane {
        let mut detail = DetailPane::default();
        detail.begin_reveal(TaskId(7));
        detail.reveal_secret(
            TaskId(7),
            samples::id(0),
            Arc::new(Secret::new(b"x".to_vec())),
            now + 15 * SECOND,
        );
        detail
    }

    #[test]
    fn a_secret_is_shown_for_its_time_and_its_credential_only() {
        let now = Instant::now();
        let mut detail = shown(now);
        assert!(detail.revealed_secret(&samples::id(0), now + 14 * SECOND).is_some());
        assert!(detail.revealed_secret(&samples::id(0), now + 15 * SECOND).is_none());
        assert!(detail.revealed_secret(&samples::id(1), now).is_none());
        detail.expire(now + 15 * SECOND);
        assert!(detail.is_masked());
    }

    #[test]
    fn an_answer_that_nobody_waits_for_is_dropped() {
        let now = Instant::now();
        let mut detail = DetailPane::default();
        detail.begin_reveal(TaskId(7));
        detail.mask();
        detail.reveal_secret(
            TaskId(7),
            samples::id(0),
            Arc::new(Secret::new(b"x".to_vec())),
            now + SECOND,
        );
        assert!(detail.is_masked());
    }

    #[test]
    fn the_countdown_wakes_once_a_second() {
        let now = Instant::now();
        let detail = shown(now);
        assert_eq!(detail.next_wake(now), Some(now + SECOND));
        assert_eq!(detail.next_wake(now + SECOND / 2), Some(now + SECOND));
        assert_eq!(detail.next_wake(now + 14 * SECOND), Some(now + 15 * SECOND));
        assert_eq!(DetailPane::default().next_wake(now), None);
    }

    #[test]
    fn an_access_token_is_counted_down_until_it_is_over() {
        let (wall, instant) = (samples::test_time(), Instant::now());
        let at = |seconds| Now { wall: wall + time::Duration::seconds(seconds), instant };
        let mut detail = DetailPane::default();
        assert_eq!(detail.next_access_token_change(at(0)), None);
        let life = TokenLifetime { since: Some(wall), until: wall + time::Duration::minutes(10) };
        detail.set_access_token(Some(life));
        assert_eq!(detail.next_access_token_change(at(0)), Some(instant + 60 * SECOND));
        assert_eq!(detail.next_access_token_change(at(599)), Some(instant + SECOND));
        assert_eq!(
            (detail.access_token(at(600).wall), detail.next_access_token_change(at(600))),
            (None, None)
        );
        detail.forget_access_token();
        assert_eq!(detail.access_token(wall), None);
    }
}
