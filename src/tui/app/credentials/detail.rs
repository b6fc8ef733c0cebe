//! Detail pane of the selected credential: the revealed secret, duplicates and the cached access
//! token.
//!
//! The rows of the pane are drawn in `tui/view`. Start at [`DetailPane`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::domain::response::CheckResult;
use crate::domain::{Credential, CredentialId, CredentialName, Secret, Timestamp};
use crate::engine::background::protocol::{TaskId, TokenLifetime};
use crate::tui::app::widgets::split_rect::SplitRect as _;
use crate::tui::app::{App, Now, display_format};

/// Field with the organizations that a check has found.
pub const ORGANIZATIONS_FIELD: &str = "organisations";

/// Number of rows of the heading.
const HEADING_ROWS: usize = 1;
/// Number of rows that a revealed secret may need.
const MIN_REVEALED_ROWS: usize = 5;
/// Number of rows that the detail needs to include the access token row.
pub const MIN_FULL_DETAIL_ROWS: u16 = 8;

/// State of the detail pane.
///
/// Every event that may mean that the user looks away calls [`DetailPane::mask`]: the timer, loss
/// of focus, another selection, a resize, suspension, a copy, a dialog.
#[derive(Default)]
pub struct DetailPane {
    reveal: RevealState,
    duplicates: Vec<CredentialName>,
    /// Lifetime of the cached access token, as far as it is known.
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

/// Secret that may be drawn right now.
pub struct RevealedSecret<'a> {
    /// The secret.
    pub secret: &'a Secret,
    /// Time until the secret is masked.
    pub left: Duration,
}

/// Row of the detail pane below the heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialDetailRow {
    /// Status, with what the latest check adds to it.
    Status,
    /// Why the latest check did not accept the credential.
    Reason,
    /// The rotation that waits.
    Rotation,
    /// Expiry.
    Expiry,
    /// Who the credential acts as.
    Identity,
    /// The secret, masked or revealed; more than one line if it is long.
    Secret,
    /// Region and authorization.
    Region,
    /// The cached access token, or that the sign-in has ended.
    Session,
    /// The organizations that a check has found.
    Organizations,
    /// Fingerprint, and credentials with the same secret.
    Fingerprint,
    /// Labels.
    Labels,
    /// The field with this ID.
    Field(String),
    /// When the credential was added.
    Added,
}

/// Returns the rows of the detail of a credential, the most important first: small screens show only
/// those.
pub fn rows(app: &App, credential: &Credential) -> Vec<CredentialDetailRow> {
    let kind = app.catalog.kind(&credential.provider, &credential.kind).ok();
    let uses_exchange = kind.is_some_and(|kind| kind.authorization.uses_token_exchange());
    let has_duplicates = !app.detail.duplicates().is_empty();
    let mut rows: Vec<_> = [
        Some(CredentialDetailRow::Status),
        failure_reason(credential).is_some().then_some(CredentialDetailRow::Reason),
        app.open_rotations
            .waiting(&credential.id)
            .is_some()
            .then_some(CredentialDetailRow::Rotation),
        Some(CredentialDetailRow::Expiry),
        Some(CredentialDetailRow::Identity),
        Some(CredentialDetailRow::Secret),
        Some(CredentialDetailRow::Region),
        uses_exchange.then_some(CredentialDetailRow::Session),
        credential
            .fields
            .contains_key(ORGANIZATIONS_FIELD)
            .then_some(CredentialDetailRow::Organizations),
        has_duplicates.then_some(CredentialDetailRow::Fingerprint),
        (!credential.labels.is_empty()).then_some(CredentialDetailRow::Labels),
    ]
    .into_iter()
    .flatten()
    .collect();
    let fields = credential.fields.keys().filter(|id| *id != ORGANIZATIONS_FIELD);
    rows.extend(fields.map(|id| CredentialDetailRow::Field(id.clone())));
    rows.push(CredentialDetailRow::Added);
    rows.extend((!has_duplicates).then_some(CredentialDetailRow::Fingerprint));
    let secret = rows.iter().position(|row| *row == CredentialDetailRow::Secret).unwrap_or(0);
    let below = usize::from(app.screen_layout().detail.inside_border().height)
        .saturating_sub(secret + HEADING_ROWS);
    if !app.detail.is_masked() && below < MIN_REVEALED_ROWS {
        // Where there is little room, a revealed secret comes first, so that as much of it as possible
        // is shown.
        let row = rows.remove(secret);
        rows.insert(0, row);
    }
    rows
}

/// Returns why the latest check did not accept the credential.
pub fn failure_reason(credential: &Credential) -> Option<&str> {
    let check = credential.last_check.as_ref()?;
    let says = check.result != CheckResult::Accepted && !check.reason.is_empty();
    says.then_some(check.reason.as_str())
}

impl DetailPane {
    /// Returns the secret if it belongs to `credential` and its time has not run out.
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

    /// Whether a reveal was requested and the secret has not arrived yet.
    pub fn reveal_pending(&self) -> bool {
        matches!(self.reveal, RevealState::Requested(_))
    }

    /// Whether no secret is shown or requested.
    pub fn is_masked(&self) -> bool {
        matches!(self.reveal, RevealState::Masked)
    }

    /// Starts waiting for the secret that this task delivers.
    pub fn begin_reveal(&mut self, task: TaskId) {
        self.reveal = RevealState::Requested(task);
    }

    /// Shows the secret until the given moment, if `task` is the awaited one. A late secret is
    /// dropped and wiped.
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

    /// Whether this task delivers the awaited secret.
    pub fn waits_for(&self, task: TaskId) -> bool {
        matches!(self.reveal, RevealState::Requested(requested) if requested == task)
    }

    /// Masks a secret that is shown. A pending reveal stays pending, so that its failure is still
    /// reported.
    pub fn mask_if_revealed(&mut self) {
        if matches!(self.reveal, RevealState::Revealed { .. }) {
            self.mask();
        }
    }

    /// Masks the secret and drops a pending reveal.
    pub fn mask(&mut self) {
        self.reveal = RevealState::Masked;
    }

    /// Returns other credentials that hold the same secret.
    pub fn duplicates(&self) -> &[CredentialName] {
        &self.duplicates
    }

    /// Sets which other credentials hold the same secret.
    pub fn set_duplicates(&mut self, duplicates: Vec<CredentialName>) {
        self.duplicates = duplicates;
    }

    /// Records whether the selected credential has a cached access token.
    pub fn set_access_token(&mut self, life: Option<TokenLifetime>) {
        self.access_token = life;
    }

    /// Clears the access token state, because another credential is selected.
    pub fn forget_access_token(&mut self) {
        self.access_token = None;
    }

    /// Returns the lifetime of the selected credential's cached access token, unless it has
    /// expired.
    pub fn access_token(&self, now: Timestamp) -> Option<TokenLifetime> {
        self.access_token.filter(|life| life.until > now)
    }

    /// When the text about the access token changes.
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
    use super::*;
    use crate::tui::app::samples;

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
    fn a_response_without_a_waiting_task_is_dropped() {
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
    fn an_access_token_is_counted_down_until_it_expires() {
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
