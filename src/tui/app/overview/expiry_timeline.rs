//! Expiry timeline: all credentials with a known expiry on one time axis, the earliest first.
//!
//! Used by the pane of wide screens and by the timeline dialog. Start at [`ExpiryTimeline::new`].

use crate::config::theme::StyleRole;
use crate::domain::{Credential, Timestamp};
use crate::tui::app::display_format::{self, CredentialStatus};
use crate::tui::app::widgets::chart::{StyledSpans, fit_text};
use crate::tui::app::{App, Now};

/// Length of the time axis in days.
pub const TIMELINE_DAYS: u8 = 90;
/// Distance between marks on the axis, in days.
const AXIS_MARK_DAYS: u8 = 30;
/// Columns of the text at the right.
const STATUS_COLUMNS: usize = 9;
/// Maximum columns of a name.
const MAX_NAME_COLUMNS: usize = 26;

/// Renderer of the timeline for a given width.
pub struct ExpiryTimeline<'a> {
    app: &'a App,
    now: Timestamp,
    name_columns: usize,
    line_columns: usize,
}

impl<'a> ExpiryTimeline<'a> {
    /// Creates a timeline that uses `width` columns for names, axis and text together.
    pub fn new(app: &'a App, now: Now, width: u16) -> Self {
        let width = usize::from(width);
        let name = (width / 3).min(MAX_NAME_COLUMNS);
        Self {
            app,
            now: now.wall,
            name_columns: name,
            line_columns: width.saturating_sub(name + STATUS_COLUMNS + 3),
        }
    }

    /// Returns a sentence that says how many credentials expire in the period, have expired, and
    /// have no known expiry.
    pub fn summary(&self) -> String {
        let credentials = &self.app.credentials;
        let (over, soon) = (
            self.count_expiring_before(0),
            self.count_expiring_before(TIMELINE_DAYS) - self.count_expiring_before(0),
        );
        let unknown = credentials.all().len() - credentials.by_expiry().len();
        let verb = if soon == 1 { "expires" } else { "expire" };
        format!("{soon} {verb} within {TIMELINE_DAYS} days · {over} expired · {unknown} unknown")
    }

    /// Renders the day marks below the axis.
    pub fn axis(&self) -> StyledSpans {
        let mut line = String::new();
        for days in (0..=TIMELINE_DAYS).step_by(AXIS_MARK_DAYS.into()) {
            let day = if days == 0 {
                "today".to_owned()
            } else {
                format_short_date(self.now + time::Duration::days(days.into()))
            };
            let column = self.day_column(days).min(self.line_columns.saturating_sub(day.len()));
            if column >= line.len() {
                line = format!("{line:column$}{day}");
            }
        }
        vec![(StyleRole::Dim, " ".repeat(self.name_columns + 2)), (StyleRole::Dim, line)]
    }

    /// Renders the row of one credential: name, bar up to its expiry, and time left.
    pub fn credential_row(&self, credential: &Credential) -> StyledSpans {
        let glyphs = self.app.preferences.symbols;
        let (role, symbol) = CredentialStatus::for_credential(credential, self.now).style(glyphs);
        let name = fit_text(&self.app.display_name(credential), self.name_columns, glyphs.ellipsis);
        let (bar, mark, rest) =
            match (display_format::days_left(credential, self.now), self.expiry_column(credential))
            {
                (Some(..0), _) => (0, glyphs.refused, self.line_columns.saturating_sub(1)),
                (_, Some(column)) => (column, symbol, self.line_columns.saturating_sub(column + 1)),
                // The credential expires after the end of the axis.
                _ => (self.line_columns.saturating_sub(1), glyphs.branch_closed, 0),
            };
        let end = if self.expiry_column(credential).is_some() { role } else { StyleRole::Dim };
        let end = if display_format::days_left(credential, self.now).is_some_and(|days| days < 0) {
            StyleRole::Bad
        } else {
            end
        };
        let time_left = display_format::days_left(credential, self.now)
            .map_or_else(String::new, display_format::format_days_left);
        vec![
            (role, format!("{symbol} ")),
            (StyleRole::Text, name),
            (end, glyphs.timeline_before.repeat(bar)),
            (end, mark.to_owned()),
            (StyleRole::Border, glyphs.timeline_after.repeat(rest)),
            (role, format!(" {time_left:>STATUS_COLUMNS$}")),
        ]
    }

    /// Returns the column where a credential expires; `None` if it has expired or expires after the
    /// end of the axis.
    fn expiry_column(&self, credential: &Credential) -> Option<usize> {
        let days = display_format::days_left(credential, self.now)
            .and_then(|days| u8::try_from(days).ok());
        days.filter(|day| *day < TIMELINE_DAYS).map(|day| self.day_column(day))
    }

    /// Returns the column of a day.
    fn day_column(&self, day: u8) -> usize {
        (usize::from(day) * self.line_columns / usize::from(TIMELINE_DAYS))
            .min(self.line_columns.saturating_sub(1))
    }

    /// Number of credentials with fewer than `day` whole days left.
    fn count_expiring_before(&self, day: u8) -> usize {
        let is_before = |left| left < i64::from(day);
        self.app.credentials.count_expiring_while(|credential| {
            display_format::days_left(credential, self.now).is_some_and(is_before)
        })
    }
}

/// Formats a date as `Dec 22`.
fn format_short_date(moment: Timestamp) -> String {
    let date = moment.to_offset(time::UtcOffset::UTC).date();
    format!("{} {:02}", &date.month().to_string()[..3], date.day())
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;
    use crate::tui::app::samples::TestSession;

    fn text(pieces: &StyledSpans) -> String {
        pieces.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn the_first_to_end_comes_first_and_every_line_has_one_width() {
        let session = TestSession::new(120, 36);
        let ends = || session.app.credentials.by_expiry();
        assert_eq!(
            ends().map(|credential| credential.name.as_str()).collect::<Vec<_>>(),
            ["appsec-bot", "ci-scanner", "laptop"]
        );
        for width in [40, 72, 120] {
            let timeline = ExpiryTimeline::new(&session.app, session.now, width);
            let widths: Vec<_> = ends()
                .map(|credential| text(&timeline.credential_row(credential)).width())
                .collect();
            assert!(
                widths.iter().all(|found| *found == usize::from(width)),
                "{widths:?} of {width}"
            );
            assert!(text(&timeline.axis()).width() <= usize::from(width));
        }
    }

    #[test]
    fn what_has_expired_and_what_is_far_off_look_different() {
        let session = TestSession::new(120, 36);
        let timeline = ExpiryTimeline::new(&session.app, session.now, 80);
        let mut credential = session.app.credentials.by_expiry().next().unwrap().clone();
        let mut at = |days| {
            credential.expires = Some(session.now.wall + time::Duration::days(days));
            text(&timeline.credential_row(&credential))
        };
        assert!(at(-3).contains("expired"));
        assert!(at(200).contains("▸") && at(200).contains("in 200 d"));
        assert!(at(3).rfind('▲') < at(13).rfind('▲'), "later is further right");
        assert_eq!(timeline.summary(), "3 expire within 90 days · 0 expired · 4 unknown");
    }
}
