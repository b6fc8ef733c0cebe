//! Headers and timing of a response as rows of the console; long values wrap.
//!
//! The lines themselves come from [`super::response_view::ResponseView::detail_lines`]; start at
//! [`detail_rows`].

use ratatui::layout::Rect;

use crate::tui::app::App;
use crate::tui::app::console::response_view::DetailLine;
use crate::tui::app::widgets::text_wrap::wrap;

/// A row of headers or timing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetailRow {
    /// Name, or a piece of it.
    pub name: String,
    /// Value or explanation, or a piece of either.
    pub text: String,
    /// Whether the text is an explanation.
    pub is_meaning: bool,
}

/// Returns the width of the name column and the rows of the headers or timing that are shown.
pub fn detail_rows(app: &App) -> (u16, Vec<DetailRow>) {
    let Rect { width, .. } = app.console_body_area();
    let details = app
        .console
        .response()
        .map(|response| response.detail_lines(app.console.tab))
        .unwrap_or_default();
    wrap_details(&details, width)
}

fn wrap_details(details: &[DetailLine], width: u16) -> (u16, Vec<DetailRow>) {
    let length = |detail: &DetailLine| match detail {
        DetailLine::Pair(name, _) => name.len(),
        DetailLine::Explanation(_) => 0,
    };
    let longest = details.iter().map(length).max().unwrap_or(0);
    let names = u16::try_from(longest).unwrap_or(u16::MAX).min(width * 2 / 5);
    let values = usize::from(width.saturating_sub(names + 2)).max(1);
    let lines = details.iter().flat_map(|detail| match detail {
        DetailLine::Pair(name, value) => {
            pair_rows(&wrap_name(name, names.into()), &wrap(value, values))
        }
        DetailLine::Explanation(words) => {
            let pieces = wrap(words, values.saturating_sub(2).max(1)).into_iter().enumerate();
            let piece = |(at, piece)| format!("{} {piece}", if at == 0 { "↳" } else { " " });
            pieces
                .map(|piece_at| DetailRow {
                    name: String::new(),
                    text: piece(piece_at),
                    is_meaning: true,
                })
                .collect()
        }
    });
    (names + 2, lines.collect())
}

/// Splits a name into pieces of at most `columns` columns, after hyphens where possible.
fn wrap_name(name: &str, columns: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = name;
    while let Some(piece) = wrap(rest, columns).first().filter(|piece| piece.len() < rest.len()) {
        let cut = piece.rfind('-').map_or(piece.len(), |at| at + 1);
        pieces.push(&rest[..cut]);
        rest = &rest[cut..];
    }
    pieces.push(rest);
    pieces
}

/// Puts the pieces of a name beside those of its value.
fn pair_rows(names: &[&str], values: &[&str]) -> Vec<DetailRow> {
    let piece = |pieces: &[&str], at: usize| pieces.get(at).copied().unwrap_or_default().to_owned();
    let line =
        |at| DetailRow { name: piece(names, at), text: piece(values, at), is_meaning: false };
    (0..names.len().max(values.len())).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_long_header_is_lost() {
        let details = [
            DetailLine::Pair("snyk-version-lifecycle-stage".to_owned(), "ga".to_owned()),
            DetailLine::Pair(
                "x".to_owned(),
                "160, 160;w=1;name=\"per_second\", 1620;w=60".to_owned(),
            ),
            DetailLine::Explanation("at most 160 requests a second and 1,620 a minute".to_owned()),
        ];
        let (column, lines) = wrap_details(&details, 40);
        assert_eq!(column, 18);
        assert_eq!(
            (lines[0].name.as_str(), lines[1].name.as_str()),
            ("snyk-version-", "lifecycle-stage")
        );
        let all = |is_meaning| {
            lines
                .iter()
                .filter(move |line| line.is_meaning == is_meaning)
                .map(|line| line.text.as_str())
        };
        assert_eq!(
            all(false).collect::<String>().replace(' ', ""),
            "ga160,160;w=1;name=\"per_second\",1620;w=60"
        );
        assert!(
            all(true).next().is_some_and(|first| first.starts_with('↳')) && all(true).count() == 3
        );
        assert!(lines.iter().all(|line| line.text.chars().count() <= 22));
    }

    #[test]
    fn a_name_is_broken_behind_a_hyphen_or_where_it_must_be() {
        assert_eq!(wrap_name("x-ratelimit-remaining", 12), ["x-ratelimit-", "remaining"]);
        assert_eq!(wrap_name("x-ratelimit-remaining", 9), ["x-", "ratelimit", "-", "remaining"]);
        assert_eq!(wrap_name("date", 4), ["date"]);
        assert_eq!(wrap_name("", 0), [""]);
    }
}
