//! Tests of the layout of dialogs.

use super::*;

#[test]
fn what_stands_apart_stands_apart_on_every_line() {
    let rows = [DialogRow::text("  ! one two three four"), DialogRow::text("one two three four")];
    let apart: Vec<_> =
        wrap_rows(&rows, 12).into_iter().map(|piece| (piece.indent_columns, piece.text)).collect();
    assert_eq!(
        apart,
        [(0, "  ! one two"), (4, "three"), (4, "four"), (0, "one two"), (0, "three four")]
    );
}

#[test]
fn the_cursor_is_seen_and_the_foot_stays() {
    let item = |at| ListItem {
        index: Some(at),
        mark: None,
        text: at.to_string(),
        cut: TextTruncation::End,
        more: String::new(),
        right: String::new(),
        right_role: StyleRole::Key,
        selected: false,
    };
    let body = (0..50).map(|at| DialogRow::Item(item(at))).collect();
    let view = DialogView {
        width: 20,
        head: vec![DialogRow::Blank],
        body,
        cursor: 40,
        foot: vec![DialogRow::text("end")],
        ..DialogView::default()
    };
    let placed = view.layout(Rect::new(0, 0, 30, 10));
    assert_eq!(placed.hidden, (true, true));
    let last = placed.lines.last().expect("a line");
    assert_eq!((last.text, last.area.y), ("end", 8));
    let seen = placed
        .lines
        .iter()
        .find(|line| matches!(line.row, DialogRow::Item(item) if item.index == Some(40)))
        .expect("the cursor");
    assert_eq!(placed.index_at(seen.area.x, seen.area.y), Some(40));
    assert_eq!(placed.index_at(0, 0), None);
}

#[test]
fn where_the_head_leaves_no_room_it_scrolls_with_the_body() {
    let rows = |word: &str, count: usize| {
        (0..count).map(|at| DialogRow::text(format!("{word} {at}"))).collect::<Vec<_>>()
    };
    let view = |cursor| DialogView {
        width: 20,
        head: rows("head", 5),
        body: rows("body", 9),
        foot: rows("foot", 2),
        cursor,
        ..DialogView::default()
    };
    let seen = |cursor| {
        view(cursor)
            .layout(Rect::new(0, 0, 30, 9))
            .lines
            .iter()
            .map(|line| line.text.to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(seen(0), ["head 0", "head 1", "head 2", "head 3", "head 4", "foot 0", "foot 1"]);
    assert_eq!(seen(8), ["body 4", "body 5", "body 6", "body 7", "body 8", "foot 0", "foot 1"]);
}

#[test]
fn no_size_is_too_small_to_be_laid_out() {
    let view = DialogView {
        width: 40,
        foot: vec![DialogRow::text("a long text that wraps"), DialogRow::Blank],
        ..DialogView::default()
    };
    for (width, height) in (0..9).flat_map(|width| (0..9).map(move |height| (width, height))) {
        let placed = view.layout(Rect::new(0, 0, width, height));
        assert!(placed.lines.iter().all(|line| line.area.y < height.max(1)));
    }
}
