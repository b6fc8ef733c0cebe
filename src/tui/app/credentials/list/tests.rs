//! Tests of the list: order, filter, marks and selection.

use super::*;
use crate::domain::response::CheckResult;
use crate::tui::app::samples;

fn list() -> CredentialList {
    CredentialList::new(samples::credentials(), samples::test_time())
}

fn names(list: &CredentialList) -> Vec<&str> {
    list.visible_rows(usize::MAX).map(|row| row.credential.name.as_str()).collect()
}

fn filter(list: &mut CredentialList, text: &str) {
    list.filter.input = Input::new(text.to_owned());
    list.apply_filter(samples::test_time());
}

#[test]
fn rows_are_sorted_by_each_property_in_turn() {
    let mut list = list();
    assert_eq!(names(&list)[..3], ["old-jenkins", "appsec-bot", "broker"]);
    list.sort_by_next_key(samples::test_time());
    assert_eq!(names(&list)[..3], ["appsec-bot", "broker", "ci-scanner"]);
    list.sort_by_next_key(samples::test_time());
    assert_eq!((list.sort, names(&list)[0]), (SortKey::Expiry, "appsec-bot"));
    list.sort_by_next_key(samples::test_time());
    assert_eq!((list.sort, names(&list)[0]), (SortKey::Status, "old-jenkins"));
}

#[test]
fn the_cursor_stays_on_its_credential_while_the_list_changes_around_it() {
    let mut list = list();
    list.move_cursor(CursorMotion::Bottom, 1);
    let id = list.selected().expect("a row").id.clone();
    list.sort_by_next_key(samples::test_time());
    list.load(samples::credentials().into_iter().rev().collect(), samples::test_time());
    let verdict = samples::check(CheckResult::Refused, Some(401));
    list.record_check(&samples::id(1), verdict, samples::test_time());
    assert_eq!(list.selected().expect("a row").id, id);
}

#[test]
fn the_rest_of_the_list_leaves_an_untouched_cursor_at_the_top() {
    let first_page =
        || CredentialPage { credentials: samples::credentials().split_off(3), all_loaded: false };
    let mut list = CredentialList::from_page(first_page(), samples::test_time());
    list.load(samples::credentials(), samples::test_time());
    assert_eq!((list.all_rows_loaded(), list.cursor(), list.all().len()), (true, 0, 7));

    let mut list = CredentialList::from_page(first_page(), samples::test_time());
    list.move_cursor(CursorMotion::Down, 1);
    let id = list.selected().expect("a row").id.clone();
    list.load(samples::credentials(), samples::test_time());
    assert_eq!(list.selected().expect("a row").id, id);
}

#[test]
fn one_row_placed_is_the_same_as_everything_arranged_anew() {
    let mut list = list();
    list.sort = SortKey::Status;
    list.sort_all(samples::test_time());
    list.recompute_visible(samples::test_time());
    list.record_check(
        &samples::id(0),
        samples::check(CheckResult::Refused, Some(401)),
        samples::test_time(),
    );
    let placed = list.shown.clone();
    list.sort_all(samples::test_time());
    list.recompute_visible(samples::test_time());
    assert_eq!(placed, list.shown);
}

#[test]
fn a_filter_typed_letter_by_letter_finds_the_same_as_one_at_once() {
    let (mut typed, mut at_once) = (list(), list());
    for text in ["c", "ci", "ci-", "ci-s", "ci", "status:accepted c", "status:accepted ca"] {
        filter(&mut typed, text);
        at_once.clear_filter(samples::test_time());
        filter(&mut at_once, text);
        assert_eq!(typed.shown, at_once.shown, "{text:?}");
    }
}

#[test]
fn a_row_that_no_longer_passes_the_filter_goes() {
    let mut list = list();
    filter(&mut list, "status:accepted");
    let before = list.visible_count();
    list.record_check(
        &samples::id(0),
        samples::check(CheckResult::Refused, Some(401)),
        samples::test_time(),
    );
    assert_eq!(list.visible_count(), before - 1);
}

#[test]
fn marks_outlive_a_filter_and_leave_with_their_credential() {
    let mut list = list();
    list.toggle_mark();
    filter(&mut list, "ci-scanner");
    list.toggle_mark();
    assert_eq!(list.mark_count(), 2);
    list.remove(&samples::id(0), samples::test_time());
    assert_eq!(list.mark_count(), 1);
    list.clear_marks_or_filter(samples::test_time());
    assert_eq!((list.mark_count(), list.filter_is_empty()), (0, false));
    list.clear_marks_or_filter(samples::test_time());
    assert!(list.filter_is_empty());
}
