//! Glyphs that carry meaning, in Unicode and in plain ASCII.
//!
//! Start reading at [`GlyphSet`]. Colors belong to `color`, words to the panes and dialogs.

/// Set of glyphs. Each is one column wide, and no two check results share a glyph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GlyphSet {
    /// Check result: accepted.
    pub accepted: &'static str,
    /// Check result: refused.
    pub refused: &'static str,
    /// Check result: unknown.
    pub unknown: &'static str,
    /// Check result: not checked.
    pub unchecked: &'static str,
    /// Warning, for example a credential that expires soon.
    pub warning: &'static str,
    /// Finished item, or the current item.
    pub check_mark: &'static str,
    /// Pointer at the selected or current row.
    pub pointer: &'static str,
    /// One character of a masked secret.
    pub mask: &'static str,
    /// Filled part of a bar.
    pub bar_filled: &'static str,
    /// Empty part of a bar.
    pub bar_empty: &'static str,
    /// Timeline before an event.
    pub timeline_before: &'static str,
    /// Timeline after an event.
    pub timeline_after: &'static str,
    /// Scroll thumb in the border of a list.
    pub scroll_thumb: &'static str,
    /// Mark for text that is cut off.
    pub ellipsis: &'static str,
    /// Separator between items of equal rank.
    pub separator: &'static str,
    /// Expanded branch of a tree.
    pub branch_open: &'static str,
    /// Collapsed branch of a tree.
    pub branch_closed: &'static str,
    /// The Enter key.
    pub enter_key: &'static str,
    /// Frames of the spinner animation, in order.
    pub spinner: &'static [&'static str],
    /// Border characters: top left, top, top right, side, bottom left, bottom right.
    pub border: [&'static str; 6],
}

impl GlyphSet {
    /// Glyphs for terminals with Unicode.
    pub const UNICODE: Self = Self {
        accepted: "●",
        refused: "✗",
        unknown: "?",
        unchecked: "–",
        warning: "▲",
        check_mark: "✓",
        pointer: "▸",
        mask: "•",
        bar_filled: "█",
        bar_empty: "░",
        timeline_before: "━",
        timeline_after: "┈",
        scroll_thumb: "▐",
        ellipsis: "…",
        separator: "·",
        branch_open: "▾",
        branch_closed: "▸",
        enter_key: "⏎",
        spinner: &["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"],
        border: ["╭", "─", "╮", "│", "╰", "╯"],
    };

    /// Glyphs for all other terminals.
    pub const ASCII: Self = Self {
        accepted: "+",
        refused: "x",
        unknown: "?",
        unchecked: "-",
        warning: "!",
        check_mark: "v",
        pointer: ">",
        mask: "*",
        bar_filled: "#",
        bar_empty: ".",
        timeline_before: "=",
        timeline_after: ".",
        scroll_thumb: "@",
        ellipsis: "~",
        separator: "-",
        branch_open: "v",
        branch_closed: ">",
        enter_key: "<",
        spinner: &["|", "/", "-", "\\"],
        border: ["+", "-", "+", "|", "+", "+"],
    };

    /// Returns the set that the environment's locale can show. The Linux console uses UTF-8, but
    /// its font lacks most of the Unicode glyphs.
    pub fn detect(env: &dyn Fn(&str) -> Option<String>) -> &'static Self {
        let set = |name| env(name).filter(|value| !value.is_empty());
        if cfg!(windows) {
            return &Self::UNICODE;
        }
        let locale = set("LC_ALL")
            .or_else(|| set("LC_CTYPE"))
            .or_else(|| set("LANG"))
            .unwrap_or_default()
            .to_lowercase();
        let utf8 = locale.contains("utf-8") || locale.contains("utf8");
        if utf8 && set("TERM").as_deref() != Some("linux") { &Self::UNICODE } else { &Self::ASCII }
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    fn all(set: &'static GlyphSet) -> Vec<&'static str> {
        let GlyphSet {
            accepted,
            refused,
            unknown,
            unchecked,
            warning,
            check_mark: tick,
            pointer,
            mask,
            bar_filled: full,
            bar_empty: empty,
            ..
        } = set;
        let GlyphSet {
            ellipsis,
            separator,
            branch_open: open,
            branch_closed: closed,
            enter_key: enter,
            spinner,
            border,
            timeline_before: line,
            timeline_after: rest,
            scroll_thumb: thumb,
            ..
        } = set;
        [accepted, refused, unknown, unchecked, warning, tick, pointer, mask, full, empty]
            .into_iter()
            .chain([ellipsis, separator, open, closed, enter, line, rest, thumb])
            .chain(*spinner)
            .chain(border)
            .copied()
            .collect()
    }

    #[test]
    fn every_sign_is_one_column_wide() {
        for sign in all(&GlyphSet::UNICODE).into_iter().chain(all(&GlyphSet::ASCII)) {
            assert_eq!(sign.width(), 1, "{sign}");
        }
        assert!(all(&GlyphSet::ASCII).iter().all(|sign| sign.is_ascii()));
    }

    #[test]
    fn states_differ_without_color() {
        for set in [GlyphSet::UNICODE, GlyphSet::ASCII] {
            let mut states = [set.accepted, set.refused, set.unknown, set.unchecked, set.warning];
            states.sort_unstable();
            assert!(states.windows(2).all(|pair| pair[0] != pair[1]), "{states:?}");
        }
    }

    #[test]
    fn the_locale_decides() {
        let unicode = |vars: &'static [(&str, &str)]| {
            let env = |name: &str| {
                vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            *GlyphSet::detect(&env) == GlyphSet::UNICODE
        };
        assert!(unicode(&[("LANG", "en_US.UTF-8")]));
        assert!(unicode(&[("LC_ALL", ""), ("LC_CTYPE", "C.utf8"), ("LANG", "C")]));
        assert!(!unicode(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]) || cfg!(windows));
        assert!(!unicode(&[("LANG", "en_US.UTF-8"), ("TERM", "linux")]) || cfg!(windows));
        assert!(!unicode(&[]) || cfg!(windows));
    }
}
