//! Draws the details of the selected credential: its secret, masked or revealed, and the facts
//! about it.
//!
//! Start reading at [`draw`]; the order of the rows is in `tui::app::credentials::detail`.

use ratatui::layout::Rect;

use super::painter::CellPainter;
use crate::config::theme::StyleRole;
use crate::domain::provider::{AuthMethod, CredentialKind};
use crate::domain::response::CheckResult;
use crate::domain::{Credential, CredentialStatus, Timestamp};
use crate::tui::app::command::{CommandAction, CredentialAction};
use crate::tui::app::credentials::detail::{self, CredentialDetailRow};
use crate::tui::app::mouse::DETAIL_LABEL_COLUMNS;
use crate::tui::app::widgets::dialog_view::SecretRow;
use crate::tui::app::widgets::split_rect::SplitRect as _;
use crate::tui::app::{Pane, PresentationMode, display_format};

/// Columns of the mask, independent of the secret's length.
const MASK_COLUMNS: usize = 20;
/// Columns of the mask in the authorization header.
const SHORT_MASK_COLUMNS: usize = 8;
/// Maximum number of credentials with the same secret that are named.
const MAX_NAMED_DUPLICATES: usize = 3;
/// Indentation of the words of a generated secret.
const SECRET_WORDS_INDENT: u16 = 2;
/// Columns of the expiry bar.
const BAR_COLUMNS: i64 = 10;

/// Draws the details.
pub(super) fn draw(pen: &mut CellPainter<'_>, area: Rect) {
    let app = pen.app;
    if area.is_empty() {
        return;
    }
    let Some(credential) = app.selected() else {
        let inner = pen.draw_pane(area, Pane::Detail, "2 Detail");
        pen.write_text(inner, "No credential selected", StyleRole::Dim);
        return;
    };
    let inner = pen.draw_pane(area, Pane::Detail, &format!("2 {}", app.display_name(credential)));
    pen.write_text(inner.row(0), &heading(pen, credential), StyleRole::Title);
    let mut rest = inner.split_top(1).1;
    for row in detail::rows(app, credential) {
        if row == CredentialDetailRow::Secret {
            rest = draw_secret(pen, rest, credential);
            continue;
        }
        let Some((label, parts)) = fact(pen, credential, &row) else { continue };
        let mut line = pen.write_text(rest.row(0), label, StyleRole::Dim);
        line = rest.row(0).split_left(DETAIL_LABEL_COLUMNS.max(rest.width - line.width)).1;
        for (role, text) in parts {
            line = pen.write_text(line, &text, role);
        }
        rest = rest.split_top(1).1;
    }
}

fn heading(pen: &CellPainter<'_>, credential: &Credential) -> String {
    let catalog = &pen.app.catalog;
    let provider = catalog
        .provider(&credential.provider)
        .map_or(credential.provider.as_str(), |known| known.title.as_str());
    let kind = catalog
        .kind(&credential.provider, &credential.kind)
        .map_or(credential.kind.as_str(), |known| known.title.as_str());
    format!("{provider} {} {kind}", pen.glyphs().separator)
}

/// Draws the secret, masked or revealed; returns the area below it.
fn draw_secret(pen: &mut CellPainter<'_>, area: Rect, credential: &Credential) -> Rect {
    let app = pen.app;
    pen.write_text(area.row(0), "Secret", StyleRole::Dim);
    let place = area.split_left(DETAIL_LABEL_COLUMNS).1;
    let Some(shown) = app.detail.revealed_secret(&credential.id, pen.now.instant) else {
        let rest = pen
            .write_text(place.row(0), &pen.glyphs().mask.repeat(MASK_COLUMNS), StyleRole::Secret)
            .split_left(2)
            .1;
        let key = app
            .preferences
            .keys
            .label(CommandAction::Credential(CredentialAction::ToggleSecret))
            .unwrap_or_default();
        // A hint that does not fit is shortened, not cut.
        let reveal_hint = format!("{key} or click to reveal");
        let reveal_hint = if reveal_hint.chars().count() > usize::from(rest.width) {
            format!("{key} reveals")
        } else {
            reveal_hint
        };
        let hint = match app.ui_state.presentation {
            _ if app.detail.reveal_pending() => "reading the store…",
            PresentationMode::Off => &reveal_hint,
            PresentationMode::On => "presentation mode",
        };
        pen.write_text(rest, hint, StyleRole::Dim);
        return area.split_top(1).1;
    };
    let countdown = format!("{} s", display_format::whole_seconds_left(shown.left));
    let place = pen.write_right(place.row(0), &countdown, StyleRole::Warn).width;
    let room = area.split_left(DETAIL_LABEL_COLUMNS).1.split_left(place).0;
    let used = shown.secret.expose(|bytes| draw_bytes(pen, room, bytes));
    area.split_top(used).1
}

/// Draws words of a secret on one line, or a mask in presentation mode.
pub(super) fn draw_secret_words(pen: &mut CellPainter<'_>, area: Rect, row: &SecretRow) {
    if pen.app.ui_state.presentation == PresentationMode::On {
        pen.write_text(area, &pen.glyphs().mask.repeat(MASK_COLUMNS), StyleRole::Secret);
        return;
    }
    row.secret.expose(|bytes| {
        let words = std::str::from_utf8(bytes).unwrap_or_default().split(' ');
        let mut rest = area.split_left(SECRET_WORDS_INDENT).1;
        for word in words.skip(row.words.start).take(row.words.len()) {
            rest = pen.write_text(rest, word, StyleRole::Secret).split_left(1).1;
        }
    });
}

/// Draws a secret in as many lines as it needs and as fit; returns their number.
fn draw_bytes(pen: &mut CellPainter<'_>, area: Rect, bytes: &[u8]) -> u16 {
    let Ok(text) = std::str::from_utf8(bytes) else {
        pen.write_text(area, "Not text; copy or send it instead", StyleRole::Warn);
        return 1;
    };
    let style = pen.style(StyleRole::Secret);
    let (mut column, mut row) = (0, 0);
    for c in
        text.chars().map(|c| if crate::domain::text::is_unprintable(c) { '\u{fffd}' } else { c })
    {
        let width = unicode_width::UnicodeWidthChar::width(c).unwrap_or(0).try_into().unwrap_or(0);
        if column + width > area.width {
            (column, row) = (0, row + 1);
        }
        if row >= area.height {
            let end = area.row(area.height.saturating_sub(1));
            pen.write_text(
                end.split_left(end.width.saturating_sub(1)).1,
                pen.glyphs().ellipsis,
                StyleRole::Dim,
            );
            return area.height;
        }
        let cell = area.row(row).split_left(column).1;
        pen.write_styled(cell, c.encode_utf8(&mut [0; 4]), style);
        column += width;
    }
    row + 1
}

type DetailFact = (&'static str, Vec<(StyleRole, String)>);

/// Returns the label and the text of a row; `None` for the secret, which is drawn by itself.
fn fact(
    pen: &CellPainter<'_>,
    credential: &Credential,
    row: &CredentialDetailRow,
) -> Option<DetailFact> {
    let kind = pen.app.catalog.kind(&credential.provider, &credential.kind).ok();
    let text = |text: &str| vec![(StyleRole::Text, mask_for_audience(pen, text))];
    Some(match row {
        CredentialDetailRow::Secret => return None,
        CredentialDetailRow::Status => status_fact(pen, credential),
        CredentialDetailRow::Reason => ("", text(detail::failure_reason(credential)?)),
        CredentialDetailRow::Rotation => rotation_fact(pen, credential)?,
        CredentialDetailRow::Expiry => expiry_fact(pen, credential),
        CredentialDetailRow::Identity => identity_fact(pen, credential),
        CredentialDetailRow::Region => {
            let region = (StyleRole::Text, region_text(pen, credential));
            let authorization =
                kind.into_iter().flat_map(|kind| authorization_spans(pen, credential, kind));
            ("Region", std::iter::once(region).chain(authorization).collect())
        }
        CredentialDetailRow::Session => session_fact(pen, credential, kind?),
        CredentialDetailRow::Organizations => {
            ("Orgs", text(credential.fields.get(detail::ORGANIZATIONS_FIELD)?))
        }
        CredentialDetailRow::Fingerprint => fingerprint_fact(pen, credential),
        CredentialDetailRow::Labels => ("Labels", text(&credential.labels.join(" "))),
        CredentialDetailRow::Field(id) => {
            let name = (StyleRole::Dim, format!("{id} "));
            ("Field", std::iter::once(name).chain(text(credential.fields.get(id)?)).collect())
        }
        CredentialDetailRow::Added => age_fact(pen, credential),
    })
}

/// Returns the authorization header: the scheme, and a mask of fixed width.
fn authorization_spans(
    pen: &CellPainter<'_>,
    credential: &Credential,
    kind: &CredentialKind,
) -> [(StyleRole, String); 3] {
    let scheme = credential.scheme.as_deref().unwrap_or_else(|| kind.authorization.scheme());
    let blank = if scheme.is_empty() { "" } else { " " };
    let mask = pen.glyphs().mask.repeat(SHORT_MASK_COLUMNS);
    [
        (StyleRole::Dim, "  Authorization: ".to_owned()),
        (StyleRole::Text, format!("{scheme}{blank}")),
        (StyleRole::Secret, mask),
    ]
}

/// Returns the remaining time of the cached access token, or that the user must sign in again.
fn session_fact(
    pen: &CellPainter<'_>,
    credential: &Credential,
    kind: &CredentialKind,
) -> DetailFact {
    let ended = match &kind.authorization {
        AuthMethod::RefreshToken { authorize: Some(_), .. } => {
            is_sign_in_expired(credential, pen.now.wall)
        }
        _ => false,
    };
    if ended {
        let key = pen
            .app
            .preferences
            .keys
            .label(CommandAction::Credential(CredentialAction::SignIn))
            .unwrap_or_default();
        let words = (StyleRole::Bad, "no longer accepted: press ".to_owned());
        return (
            "Session",
            vec![words, (StyleRole::Key, key), (StyleRole::Text, " to sign in again".to_owned())],
        );
    }
    let now = pen.now.wall;
    let Some(life) = pen.app.detail.access_token(now) else {
        return (
            "Session",
            vec![(
                StyleRole::Dim,
                "no cached access token; the next request fetches one".to_owned(),
            )],
        );
    };
    let left =
        format!("access token valid for {}", display_format::format_remaining(life.until - now));
    let dot = pen.glyphs().separator;
    let since = life
        .since
        .map(|since| format!(" {dot} refreshed {}", display_format::format_age(since, now)));
    ("Session", vec![(StyleRole::Good, left), (StyleRole::Dim, since.unwrap_or_default())])
}

/// Returns whether a sign-in has expired, or was refused at the latest check.
fn is_sign_in_expired(credential: &Credential, now: Timestamp) -> bool {
    matches!(
        CredentialStatus::for_credential(credential, now),
        CredentialStatus::Refused | CredentialStatus::Expired
    )
}

/// Returns the rotation of the credential that waits, and the key that resumes it.
fn rotation_fact(pen: &CellPainter<'_>, credential: &Credential) -> Option<DetailFact> {
    let rotation = pen.app.open_rotations.waiting(&credential.id)?;
    let word = rotation.phase.unfinished_word();
    let next = pen.app.mask_name(&rotation.next, &rotation.name);
    Some((
        "Rotation",
        vec![
            (StyleRole::Warn, format!("{} {word} ", pen.glyphs().warning)),
            (StyleRole::Key, pen.app.rotate_key_label()),
            (StyleRole::Text, format!(" resumes {} {next}", pen.glyphs().separator)),
        ],
    ))
}

fn identity_fact(pen: &CellPainter<'_>, credential: &Credential) -> DetailFact {
    let text = credential.principal.as_ref().map(|principal| {
        let dot = pen.glyphs().separator;
        format!(
            "{} {dot} {}",
            mask_for_audience(pen, &principal.name),
            principal.kind.replace('_', " ")
        )
    });
    // After a refusal, another check tells no more.
    let is_refused =
        credential.last_check.as_ref().is_some_and(|check| check.result == CheckResult::Refused);
    let hint = if is_refused { String::new() } else { check_hint(pen) };
    let unknown = || (StyleRole::Dim, format!("unknown{hint}"));
    ("Acts as", vec![text.map_or_else(unknown, |text| (StyleRole::Text, text))])
}

fn expiry_fact(pen: &CellPainter<'_>, credential: &Credential) -> DetailFact {
    let now = pen.now.wall;
    let (Some(end), Some(days)) = (credential.expires, display_format::days_left(credential, now))
    else {
        return ("Expires", vec![(StyleRole::Dim, "unknown".to_owned())]);
    };
    let role = match days {
        ..0 => StyleRole::Bad,
        0..display_format::EXPIRING_DAYS => StyleRole::Warn,
        _ => StyleRole::Good,
    };
    let label = if days < 0 { "Expired" } else { "Expires" };
    let left = match days {
        ..0 => display_format::format_age(end, now),
        0 => "today".to_owned(),
        days => format!("{days} d"),
    };
    let life = (end - credential.created).whole_seconds().max(1);
    let filled = ((end - now).whole_seconds() * BAR_COLUMNS / life).clamp(0, BAR_COLUMNS);
    let full = pen.glyphs().bar_filled.repeat(usize::try_from(filled).unwrap_or(0));
    let empty = pen.glyphs().bar_empty.repeat(usize::try_from(BAR_COLUMNS - filled).unwrap_or(0));
    let key = pen.app.preferences.keys.label(CommandAction::Credential(CredentialAction::Rotate));
    let rotate = key
        .filter(|_| days < display_format::EXPIRING_DAYS)
        .map(|key| (StyleRole::Key, format!("{key} rotate ")));
    let text = (StyleRole::Text, format!("{} ({left}) ", display_format::format_date(end)));
    (
        label,
        std::iter::once(text)
            .chain(rotate)
            .chain([(role, full), (StyleRole::Dim, empty)])
            .collect(),
    )
}

/// Returns when the credential was added.
fn age_fact(pen: &CellPainter<'_>, credential: &Credential) -> DetailFact {
    let days = usize::try_from((pen.now.wall - credential.created).whole_days()).unwrap_or(0);
    let added = match days {
        0 => "today".to_owned(),
        days => format!("{} ago", display_format::format_count(days, "day")),
    };
    ("Added", vec![(StyleRole::Text, added)])
}

/// Returns the status, with what the latest check in the credential's region adds to it.
fn status_fact(pen: &CellPainter<'_>, credential: &Credential) -> DetailFact {
    let status = CredentialStatus::for_credential(credential, pen.now.wall);
    let (role, sign) = display_format::status_style(status, pen.glyphs());
    let Some(check) = &credential.last_check else {
        let word = format!("{sign} {}", status.as_str());
        return ("Status", vec![(role, word), (StyleRole::Dim, check_hint(pen))]);
    };
    let dot = pen.glyphs().separator;
    let code = check.status.map(|code| format!(" {code}")).unwrap_or_default();
    let (code, result) = if status == CredentialStatus::Expired {
        (String::new(), format!(" {dot} {}{code}", check.result.label()))
    } else {
        (code, String::new())
    };
    let latency = check.latency_ms.map(|ms| format!(" {dot} {ms} ms")).unwrap_or_default();
    let age = display_format::format_age(check.checked_at, pen.now.wall);
    let rest = format!("{result} {dot} {age}{latency}");
    let word = format!("{sign} {}{code}", status.as_str());
    ("Status", vec![(role, word), (StyleRole::Dim, rest)])
}

/// Returns the key that checks the credential, as the end of a text.
fn check_hint(pen: &CellPainter<'_>) -> String {
    let key = pen.app.preferences.keys.label(CommandAction::Credential(CredentialAction::Check));
    key.map_or_else(String::new, |key| format!(" – press {key} to check"))
}

fn region_text(pen: &CellPainter<'_>, credential: &Credential) -> String {
    let known = pen.app.catalog.region(&credential.provider, &credential.region);
    known.map_or_else(
        |_| credential.region.clone(),
        |region| {
            format!(
                "{} {} {}",
                region.id,
                pen.glyphs().separator,
                display_format::region_host(region, &pen.app.catalog)
            )
        },
    )
}

fn fingerprint_fact(pen: &CellPainter<'_>, credential: &Credential) -> DetailFact {
    let mut parts = vec![match &credential.fingerprint {
        Some(fingerprint) => (StyleRole::Dim, fingerprint.chars().take(16).collect()),
        None => (StyleRole::Dim, "none".to_owned()),
    }];
    let duplicates = pen.app.detail.duplicates();
    if !duplicates.is_empty() {
        let names: Vec<_> = duplicates
            .iter()
            .take(MAX_NAMED_DUPLICATES)
            .map(|duplicate| mask_for_audience(pen, duplicate.as_str()))
            .collect();
        let more = duplicates.len().saturating_sub(MAX_NAMED_DUPLICATES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        parts.push((StyleRole::Warn, format!("  same secret as {}{more}", names.join(", "))));
    }
    ("Fingerprint ", parts)
}

/// Hides a name in presentation mode.
fn mask_for_audience(pen: &CellPainter<'_>, text: &str) -> String {
    pen.mask_in_presentation(text)
}
