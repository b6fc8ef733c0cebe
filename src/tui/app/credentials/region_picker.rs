//! List of the regions to choose from: ID, title, host and check result in columns.
//!
//! Start at [`open_region_picker`]; switching is in `commands.rs`.

use unicode_width::UnicodeWidthStr as _;

use crate::config::theme::StyleRole;
use crate::domain::region::Region;
use crate::domain::response::CheckResult;
use crate::tui::app::dialogs::{DialogAction, PICKER_COLUMNS, PickerDialog, PickerItem};
use crate::tui::app::widgets::chart;
use crate::tui::app::{App, display_format};

/// Columns that a title needs to be understood; it is left out where there is less room.
const MIN_TITLE_COLUMNS: usize = 8;

/// Opens the list of regions. After a refusal, the cursor is on the region that accepted the
/// credential, which is what the user looks for.
pub(in crate::tui::app) fn open_region_picker(app: &mut App) {
    let Some(credential) = app.selected() else { return };
    let all = app.catalog.regions(&credential.provider).unwrap_or_default();
    let result_in =
        |id: &str| app.regions.check_in(id).map_or(CheckResult::Unchecked, |check| check.result);
    let symbols = app.preferences.symbols;
    let hosts: Vec<_> =
        all.iter().map(|region| display_format::region_host(region, &app.catalog)).collect();
    let titles = title_columns(app, all, &hosts);
    let items = all.iter().zip(&hosts).map(|(region, host)| {
        let result = result_in(&region.id);
        let (right_role, sign) = display_format::check_style(result, symbols);
        let title = chart::fit_text(&region.title, titles, symbols.ellipsis);
        let gap = if titles > 0 { "  " } else { "" };
        PickerItem {
            right: format!("{} {sign}", result.label()),
            right_role,
            mark: Some(if region.id == credential.region {
                (StyleRole::Accent, symbols.pointer)
            } else {
                (StyleRole::Dim, " ")
            }),
            ..PickerItem::new(
                region.id.clone(),
                format!("{title}{gap}{host}"),
                "switch",
                (credential.id.clone(), region.id.clone()),
            )
        }
    });
    let items = items.collect();
    let accepted = app
        .regions
        .accepted_elsewhere(&credential.region)
        .filter(|_| result_in(&credential.region) == CheckResult::Refused);
    let wanted = accepted.unwrap_or(&credential.region);
    let cursor = all.iter().position(|region| region.id == wanted).unwrap_or(0);
    let pick = PickerDialog::new("Choose region", items, cursor, |(id, region)| {
        DialogAction::call(move |app, now| app.switch_region(&id, region, now))
    });
    app.dialogs.push(pick);
}

/// Returns the columns of the titles, so that the hosts behind them are shown too.
fn title_columns(app: &App, all: &[Region], hosts: &[String]) -> usize {
    let widest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
    let titles = widest(&mut all.iter().map(|region| region.title.width()));
    let ids = widest(&mut all.iter().map(|region| region.id.width()));
    let hosts = widest(&mut hosts.iter().map(|host| host.width()));
    let results = CheckResult::Unchecked.label().width() + 2;
    // Borders and their padding, the mark and its gap, and the gaps between the columns.
    let around = 4 + 2 + 2 + 2 + 1;
    let room = usize::from(PICKER_COLUMNS.min(app.ui_state.area.width))
        .saturating_sub(around + ids + hosts + results);
    if room < MIN_TITLE_COLUMNS { 0 } else { room.min(titles) }
}
