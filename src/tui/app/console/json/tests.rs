//! Property tests of the document against models: serde for its contents, a naive list for its
//! visible lines.

use proptest::prelude::*;
use serde_json::Value;

use super::{FoldState, FoldableDocument, SearchMatches, TokenKind};

const SAMPLE: &str =
    r#"{"data":{"id":"a\"b","n":1.50e3,"empty":{},"odd key":[true,null,{"x":1}]},"links":[]}"#;

fn shown(document: &FoldableDocument) -> Vec<String> {
    let line = |row: super::VisibleLine<'_>| {
        let tokens: String = row.tokens().map(|token| token.text.into_owned()).collect();
        format!("{}{}{tokens}", if row.under_cursor { ">" } else { " " }, "  ".repeat(row.depth))
    };
    document.visible_lines().map(line).collect()
}

fn sample(height: usize) -> FoldableDocument {
    let mut document = FoldableDocument::parse(SAMPLE);
    document.set_height(height);
    document
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z \"\\\\{}\\[\\]:,é\n]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec(("[a-z \"é]{0,5}", inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A step that a user may take.
#[derive(Debug, Clone)]
enum Step {
    Move(isize),
    Page(isize),
    Scroll(isize),
    Height(usize),
    Toggle,
    Fold,
    Unfold,
    FoldTo(usize),
    Search(String),
    Next,
    Previous,
    Point(usize),
    Ends(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (-9_isize..9).prop_map(Step::Move),
        (-2_isize..3).prop_map(Step::Page),
        (-9_isize..9).prop_map(Step::Scroll),
        (0_usize..12).prop_map(Step::Height),
        Just(Step::Toggle),
        Just(Step::Fold),
        Just(Step::Unfold),
        (0_usize..4).prop_map(Step::FoldTo),
        "[a-c1é]{0,2}".prop_map(Step::Search),
        Just(Step::Next),
        Just(Step::Previous),
        (0_usize..12).prop_map(Step::Point),
        any::<bool>().prop_map(Step::Ends),
    ]
}

fn take(document: &mut FoldableDocument, step: Step) {
    match step {
        Step::Move(lines) => document.move_cursor(lines),
        Step::Page(pages) => document.move_pages(pages),
        Step::Scroll(lines) => document.scroll(lines),
        Step::Height(rows) => document.set_height(rows),
        Step::Toggle => document.toggle_fold(),
        Step::Fold => document.fold(),
        Step::Unfold => document.unfold(),
        Step::FoldTo(depth) => document.fold_to(depth),
        Step::Search(text) => document.search(&text),
        Step::Next => document.next_match(),
        Step::Previous => document.previous_match(),
        Step::Point(row) => document.move_to_visible_row(row),
        Step::Ends(first) if first => document.move_to_start(),
        Step::Ends(_) => document.move_to_end(),
    }
}

/// Returns all visible lines by walking the whole document.
fn naive(document: &FoldableDocument) -> Vec<usize> {
    let mut lines = Vec::new();
    let mut hidden_to = 0;
    for line in 0..document.line_count() {
        if line >= hidden_to {
            lines.push(line);
            if let (super::LineShape::Opens(end), FoldState::Folded { .. }) =
                (document.body.line_shape(line), document.fold_state(line))
            {
                hidden_to = end + 1;
            }
        }
    }
    lines
}

proptest! {
    #[test]
    fn what_is_laid_out_is_what_came(value in json(), indented in any::<bool>()) {
        let text = if indented { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let document = FoldableDocument::parse(&text);
        prop_assert!(document.is_json());
        prop_assert_eq!(document.pretty_text(), serde_json::to_string_pretty(&value).unwrap() + "\n");
    }

    #[test]
    fn no_text_is_too_strange(text in any::<String>()) {
        let mut document = FoldableDocument::parse(&text);
        document.set_height(50);
        document.search("a");
        shown(&document);
        document.value_at_cursor();
    }

    #[test]
    fn whatever_is_done_the_cursor_stays_in_sight(value in json(), steps in prop::collection::vec(step(), 0..40)) {
        let mut document = FoldableDocument::parse(&value.to_string());
        for step in steps {
            take(&mut document, step);
            let all = naive(&document);
            let top = all.binary_search(&document.top).expect("the top line is visible");
            let expected: Vec<_> = all[top..].iter().copied().take(document.height).collect();
            prop_assert_eq!(document.visible_lines().map(|row| row.line).collect::<Vec<_>>(), expected.clone());
            prop_assert!(expected.contains(&document.cursor()));
            prop_assert!(expected.len() == document.height.min(all.len()), "no room is wasted");
        }
    }

    #[test]
    fn unfolding_everything_shows_every_line(value in json(), depth in 0_usize..4) {
        let mut document = FoldableDocument::parse(&value.to_string());
        let before = document.pretty_text();
        document.fold_to(depth);
        document.unfold_all();
        prop_assert_eq!(naive(&document).len(), document.line_count());
        prop_assert_eq!(document.pretty_text(), before);
    }

    #[test]
    fn the_path_leads_to_the_value(value in json(), steps in 0_isize..200) {
        let mut document = FoldableDocument::parse(&value.to_string());
        document.move_cursor(steps);
        let found = follow(&value, &document.path());
        let expected = found.as_str().map_or_else(|| serde_json::to_string_pretty(found).unwrap(), str::to_owned);
        prop_assert_eq!(document.value_at_cursor(), expected);
    }
}

/// Follows a jq path step by step.
fn follow<'a>(value: &'a Value, path: &str) -> &'a Value {
    let mut rest = path.strip_prefix('.').unwrap();
    let mut value = value;
    while !rest.is_empty() {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        if let Some(inside) = rest.strip_prefix('[') {
            let mut steps = serde_json::Deserializer::from_str(inside).into_iter::<Value>();
            let step = steps.next().unwrap().unwrap();
            rest = &inside[steps.byte_offset() + 1..];
            value = step.as_str().map_or_else(
                || &value[usize::try_from(step.as_u64().unwrap_or(0)).unwrap()],
                |key| &value[key],
            );
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            value = &value[&rest[..end]];
            rest = &rest[end..];
        }
    }
    value
}

#[test]
fn numbers_and_escapes_stay_as_they_came() {
    assert_eq!(
        shown(&sample(5)),
        [
            ">{",
            "   \"data\": {",
            "     \"id\": \"a\\\"b\",",
            "     \"n\": 1.50e3,",
            "     \"empty\": {},"
        ],
    );
}

#[test]
fn a_folded_container_says_how_much_it_holds() {
    let mut document = sample(20);
    document.fold_to(1);
    assert_eq!(shown(&document), [">{", "   \"data\": {… 4 members},", "   \"links\": []", " }"]);
    document.fold_to(0);
    assert_eq!(shown(&document), [">{… 2 members}"]);
}

#[test]
fn folding_from_inside_takes_the_cursor_to_the_opening_line() {
    let mut document = sample(20);
    document.move_cursor(2);
    document.toggle_fold();
    assert_eq!(document.cursor(), 1);
    document.unfold();
    document.unfold();
    assert_eq!(document.cursor(), 2);
}

#[test]
fn a_search_finds_what_is_folded_in_any_case() {
    let mut document = sample(20);
    document.fold_to(0);
    document.search("ODD key\": [");
    assert_eq!(document.path(), r#".data["odd key"]"#);
    assert_eq!(document.search_matches(), Some(SearchMatches { current: Some(1), total: 1 }));
    document.search("x");
    assert_eq!(
        (document.path().as_str(), &*document.value_at_cursor()),
        (r#".data["odd key"][2].x"#, "1")
    );
    document.search("nowhere");
    assert_eq!(document.search_matches(), Some(SearchMatches { current: None, total: 0 }));
    document.search("");
    assert_eq!(document.search_matches(), None);
}

#[test]
fn matches_go_round_in_both_directions() {
    let mut document = FoldableDocument::parse(r#"["ä1","b","Ä2","ß"]"#);
    document.search("Ä");
    assert_eq!(document.cursor(), 1);
    document.next_match();
    assert_eq!((document.cursor(), document.search_matches().unwrap().current), (3, Some(2)));
    document.next_match();
    assert_eq!(document.cursor(), 1);
    document.previous_match();
    assert_eq!(document.cursor(), 3);
    let row = document.visible_lines().next().unwrap();
    assert_eq!(row.matches(usize::MAX).next(), Some(1..3));
    assert_eq!(row.matches(2).count(), 0);
}

#[test]
fn a_match_out_of_sight_is_shown_in_the_center() {
    let lines: Vec<_> = (0..100).map(|n| format!("line {n}")).collect();
    let mut document = FoldableDocument::from_plain_text(&lines.join("\n"));
    document.set_size(11, 40);
    document.search("line 50");
    assert_eq!((document.top, document.cursor()), (45, 50));
    document.search("line 5");
    assert_eq!((document.top, document.cursor()), (45, 50), "a match in sight moves nothing");
    document.next_match();
    assert_eq!((document.top, document.cursor()), (45, 51));
    document.search("line 99");
    assert_eq!((document.top, document.cursor()), (89, 99), "no room is wasted at the end");
    document.search("line 1");
    assert_eq!((document.top, document.cursor()), (0, 1), "nor at the start");
}

#[test]
fn plain_text_is_wrapped_at_its_width_and_stays_as_it_is() {
    let text = "{\"a\": 1, \"b\": 2}\n\n日本語\tx\n";
    let mut document = FoldableDocument::from_plain_text(text);
    document.set_size(20, 6);
    let rows = |document: &FoldableDocument| -> Vec<String> {
        document.visible_lines().map(|row| row.text.to_owned()).collect()
    };
    let wrapped = ["{\"a\": ", "1, \"b\"", ": 2}", "", "日本語", "\tx"];
    assert_eq!(rows(&document), wrapped);
    document.search("\"b\"");
    assert_eq!(document.cursor(), 1);
    assert_eq!(document.value_at_cursor(), "{\"a\": 1, \"b\": 2}", "the whole line is copied");
    assert_eq!(document.pretty_text(), text);
    document.scroll_columns(16);
    assert_eq!(document.column(), 0, "nothing is beyond the edge");
    document.set_size(20, 80);
    assert_eq!(rows(&document), ["{\"a\": 1, \"b\": 2}", "", "日本語\tx"]);
    assert_eq!(document.cursor(), 0, "the cursor stays at its text");
    let mut tree = FoldableDocument::parse(SAMPLE);
    let before = tree.line_count();
    tree.set_size(20, 6);
    assert_eq!(tree.line_count(), before, "a tree is scrolled sideways");
}

#[test]
fn the_head_is_shown_when_the_cursor_starts_at_the_first_element() {
    let mut document = FoldableDocument::parse(r#"{"jsonapi":{},"data":[{"id":"a"}],"links":{}}"#);
    assert!(document.move_to_first_element("/data"));
    document.set_size(8, 40);
    assert_eq!((document.top, document.element_index("/data")), (0, Some(0)));
}

proptest! {
    #[test]
    fn wrapped_rows_are_the_text(text in "[a-z é日\t\n]{0,80}", columns in 1_usize..9) {
        let mut document = FoldableDocument::from_plain_text(&text);
        document.set_size(200, columns);
        let widths = document.visible_lines().map(|row| row.text.chars().map(super::char_columns).sum::<usize>());
        let too_wide = widths.zip(document.visible_lines()).any(|(width, row)| width > columns && row.text.chars().count() > 1);
        prop_assert!(!too_wide);
        let rows: String = document.visible_lines().map(|row| row.text).collect();
        prop_assert_eq!(rows, text.replace('\n', ""));
    }
}

#[test]
fn several_values_in_a_row_are_a_tree_each() {
    let mut document = FoldableDocument::parse("{\"a\":1}\n{\"a\":2}\n");
    document.set_height(9);
    document.fold_to(0);
    assert_eq!(shown(&document), [">{… 1 member}", " {… 1 member}"]);
}

#[test]
fn what_is_no_json_keeps_its_lines() {
    let mut document = FoldableDocument::parse("<p>\n\n  {\"a\": 1},\n");
    document.set_height(9);
    assert!(!document.is_json());
    assert_eq!(shown(&document), [">\u{3c}p>", " ", "   {\"a\": 1},"]);
    assert_eq!(
        document.visible_lines().next().unwrap().tokens().next().unwrap().kind,
        TokenKind::Plain
    );
    assert_eq!(FoldableDocument::parse("").line_count(), 1);
}

#[test]
fn bottomless_nesting_is_left_as_it_is() {
    let text = "[".repeat(5_000) + &"]".repeat(5_000);
    assert_eq!(FoldableDocument::parse(&text).line_count(), 1);
}

#[test]
fn an_element_of_a_list_is_found_by_what_is_under_the_cursor() {
    let mut document =
        FoldableDocument::parse(r#"{"data":[{"id":"a","tags":[1]},{"id":"b"}],"links":{}}"#);
    document.set_height(20);
    assert_eq!(document.element_index("/data"), None);
    assert!(document.move_to_first_element("/data") && document.element_index("/data") == Some(0));
    for (path, element) in
        [(".data[0].id", Some(0)), (".data[0].tags", Some(0)), (".data[0].tags[0]", Some(0))]
    {
        document.move_cursor(1);
        assert_eq!((document.path().as_str(), document.element_index("/data")), (path, element));
    }
    document.move_to_end();
    document.move_cursor(-1);
    assert_eq!((document.path().as_str(), document.element_index("/data")), (".links", None));
    assert!(
        !document.move_to_first_element("/absent") && !document.move_to_first_element("/links")
    );
    let mut bare = FoldableDocument::parse(r#"[{"id":"a"},{"id":"b"}]"#);
    assert!(bare.move_to_first_element("") && bare.element_index("") == Some(0));
    let mut named = FoldableDocument::parse(r#"{"data":{"items":[7,8]}}"#);
    assert!(named.move_to_first_element("/data/items"));
    named.move_cursor(1);
    assert_eq!(named.element_index("/data/items"), Some(1));
    assert_eq!(FoldableDocument::from_plain_text("[1]").element_index(""), None);
}
