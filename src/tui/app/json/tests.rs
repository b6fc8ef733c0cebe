//! The tree against a model: serde for what it holds, a naive list for what of it is visible.

use proptest::prelude::*;
use serde_json::Value;

use super::{Document, Fold, Matches, Role};

const SAMPLE: &str = r#"{"data":{"id":"a\"b","n":1.50e3,"empty":{},"odd key":[true,null,{"x":1}]},"links":[]}"#;

fn shown(document: &Document) -> Vec<String> {
    let line = |row: super::Row<'_>| {
        let tokens: String = row.tokens().map(|token| token.text.into_owned()).collect();
        format!("{}{}{tokens}", if row.under_cursor { ">" } else { " " }, "  ".repeat(row.depth))
    };
    document.visible().map(line).collect()
}

fn sample(height: usize) -> Document {
    let mut document = Document::parse(SAMPLE);
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

/// A step that a person may take.
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

fn take(document: &mut Document, step: Step) {
    match step {
        Step::Move(lines) => document.move_by(lines),
        Step::Page(pages) => document.page(pages),
        Step::Scroll(lines) => document.scroll(lines),
        Step::Height(rows) => document.set_height(rows),
        Step::Toggle => document.toggle_fold(),
        Step::Fold => document.fold(),
        Step::Unfold => document.unfold(),
        Step::FoldTo(depth) => document.fold_to(depth),
        Step::Search(text) => document.search(&text),
        Step::Next => document.next_match(),
        Step::Previous => document.previous_match(),
        Step::Point(row) => document.point(row),
        Step::Ends(first) if first => document.home(),
        Step::Ends(_) => document.end(),
    }
}

/// All visible lines, found by walking the whole document.
fn naive(document: &Document) -> Vec<usize> {
    let mut lines = Vec::new();
    let mut hidden_to = 0;
    for line in 0..document.line_count() {
        if line >= hidden_to {
            lines.push(line);
            if let (super::Shape::Opens(end), Fold::Folded { .. }) = (document.body.shape(line), document.fold_of(line)) {
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
        let document = Document::parse(&text);
        prop_assert!(document.is_json());
        prop_assert_eq!(document.pretty(), serde_json::to_string_pretty(&value).unwrap() + "\n");
    }

    #[test]
    fn no_text_is_too_strange(text in any::<String>()) {
        let mut document = Document::parse(&text);
        document.set_height(50);
        document.search("a");
        shown(&document);
        document.value();
    }

    #[test]
    fn whatever_is_done_the_cursor_stays_in_sight(value in json(), steps in prop::collection::vec(step(), 0..40)) {
        let mut document = Document::parse(&value.to_string());
        for step in steps {
            take(&mut document, step);
            let all = naive(&document);
            let top = all.binary_search(&document.top).expect("the top line is visible");
            let expected: Vec<_> = all[top..].iter().copied().take(document.height).collect();
            prop_assert_eq!(document.visible().map(|row| row.line).collect::<Vec<_>>(), expected.clone());
            prop_assert!(expected.contains(&document.cursor()));
            prop_assert!(expected.len() == document.height.min(all.len()), "no room is wasted");
        }
    }

    #[test]
    fn unfolding_everything_shows_every_line(value in json(), depth in 0_usize..4) {
        let mut document = Document::parse(&value.to_string());
        let before = document.pretty();
        document.fold_to(depth);
        document.unfold_all();
        prop_assert_eq!(naive(&document).len(), document.line_count());
        prop_assert_eq!(document.pretty(), before);
    }

    #[test]
    fn the_path_leads_to_the_value(value in json(), steps in 0_isize..200) {
        let mut document = Document::parse(&value.to_string());
        document.move_by(steps);
        let found = follow(&value, &document.path());
        let expected = found.as_str().map_or_else(|| serde_json::to_string_pretty(found).unwrap(), str::to_owned);
        prop_assert_eq!(document.value(), expected);
    }
}

/// Follows a jq path by hand.
fn follow<'a>(value: &'a Value, path: &str) -> &'a Value {
    let mut rest = path.strip_prefix('.').unwrap();
    let mut value = value;
    while !rest.is_empty() {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        if let Some(inside) = rest.strip_prefix('[') {
            let mut steps = serde_json::Deserializer::from_str(inside).into_iter::<Value>();
            let step = steps.next().unwrap().unwrap();
            rest = &inside[steps.byte_offset() + 1..];
            value = step.as_str().map_or_else(|| &value[usize::try_from(step.as_u64().unwrap_or(0)).unwrap()], |key| &value[key]);
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
        [">{", "   \"data\": {", "     \"id\": \"a\\\"b\",", "     \"n\": 1.50e3,", "     \"empty\": {},"],
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
    document.move_by(2);
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
    assert_eq!(document.matches(), Some(Matches { current: Some(1), total: 1 }));
    document.search("x");
    assert_eq!((document.path().as_str(), &*document.value()), (r#".data["odd key"][2].x"#, "1"));
    document.search("nowhere");
    assert_eq!(document.matches(), Some(Matches { current: None, total: 0 }));
    document.search("");
    assert_eq!(document.matches(), None);
}

#[test]
fn matches_go_round_in_both_directions() {
    let mut document = Document::parse(r#"["ä1","b","Ä2","ß"]"#);
    document.search("Ä");
    assert_eq!(document.cursor(), 1);
    document.next_match();
    assert_eq!((document.cursor(), document.matches().unwrap().current), (3, Some(2)));
    document.next_match();
    assert_eq!(document.cursor(), 1);
    document.previous_match();
    assert_eq!(document.cursor(), 3);
    let row = document.visible().next().unwrap();
    assert_eq!(row.matches(usize::MAX).next(), Some(1..3));
    assert_eq!(row.matches(2).count(), 0);
}

#[test]
fn several_values_in_a_row_are_a_tree_each() {
    let mut document = Document::parse("{\"a\":1}\n{\"a\":2}\n");
    document.set_height(9);
    document.fold_to(0);
    assert_eq!(shown(&document), [">{… 1 member}", " {… 1 member}"]);
}

#[test]
fn what_is_no_json_keeps_its_lines() {
    let mut document = Document::parse("<p>\n\n  {\"a\": 1},\n");
    document.set_height(9);
    assert!(!document.is_json());
    assert_eq!(shown(&document), [">\u{3c}p>", " ", "   {\"a\": 1},"]);
    assert_eq!(document.visible().next().unwrap().tokens().next().unwrap().role, Role::Plain);
    assert_eq!(Document::parse("").line_count(), 1);
}

#[test]
fn bottomless_nesting_is_left_as_it_is() {
    let text = "[".repeat(5_000) + &"]".repeat(5_000);
    assert_eq!(Document::parse(&text).line_count(), 1);
}

#[test]
fn an_element_of_a_list_is_found_by_what_is_under_the_cursor() {
    let mut document = Document::parse(r#"{"data":[{"id":"a","tags":[1]},{"id":"b"}],"links":{}}"#);
    document.set_height(20);
    assert_eq!(document.element("/data"), None);
    assert!(document.go_to_first("/data") && document.element("/data") == Some(0));
    for (path, element) in [(".data[0].id", Some(0)), (".data[0].tags", Some(0)), (".data[0].tags[0]", Some(0))] {
        document.move_by(1);
        assert_eq!((document.path().as_str(), document.element("/data")), (path, element));
    }
    document.end();
    document.move_by(-1);
    assert_eq!((document.path().as_str(), document.element("/data")), (".links", None));
    assert!(!document.go_to_first("/absent") && !document.go_to_first("/links"));
    let mut bare = Document::parse(r#"[{"id":"a"},{"id":"b"}]"#);
    assert!(bare.go_to_first("") && bare.element("") == Some(0));
    let mut named = Document::parse(r#"{"data":{"items":[7,8]}}"#);
    assert!(named.go_to_first("/data/items"));
    named.move_by(1);
    assert_eq!(named.element("/data/items"), Some(1));
    assert_eq!(Document::plain("[1]").element(""), None);
}
