//! The signs that carry meaning, in Unicode and in plain ASCII.

/// A set of signs. Each is one column wide, and no two verdicts share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GlyphSet {
    /// Accepted.
    pub accepted: &'static str,
    /// Refused.
    pub refused: &'static str,
    /// No answer that says anything.
    pub unknown: &'static str,
    /// Never asked.
    pub unchecked: &'static str,
    /// Needs care: expires soon.
    pub warning: &'static str,
    /// Done, or the current one.
    pub check_mark: &'static str,
    /// Points at the selected or current row.
    pub pointer: &'static str,
    /// One place of a masked secret.
    pub mask: &'static str,
    /// A filled part of a bar.
    pub bar_filled: &'static str,
    /// An empty part of a bar.
    pub bar_empty: &'static str,
    /// Steps of height, the lowest first; none fills its cell, so that lines above one another stay apart.
    pub bar_heights: [&'static str; 7],
    /// A line of time up to something.
    pub timeline_before: &'static str,
    /// A line of time after it.
    pub timeline_after: &'static str,
    /// The part of a list that is shown, in its border.
    pub scroll_thumb: &'static str,
    /// Text that goes on where it cannot be seen.
    pub ellipsis: &'static str,
    /// Stands between two things of equal rank.
    pub separator: &'static str,
    /// A branch that is open.
    pub branch_open: &'static str,
    /// A branch that is closed.
    pub branch_closed: &'static str,
    /// The Enter key.
    pub enter_key: &'static str,
    /// The pictures of a spinner, in order.
    pub spinner: &'static [&'static str],
    /// The lines of a border: top left, top, top right, side, bottom left, bottom right.
    pub border: [&'static str; 6],
}

impl GlyphSet {
    /// For terminals with Unicode.
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
        bar_heights: ["▁", "▂", "▃", "▄", "▅", "▆", "▇"],
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

    /// For everything else.
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
        bar_heights: [".", "_", ":", "-", "=", "+", "#"],
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

    /// The set that the environment's locale can show. The Linux console speaks UTF-8 but its font lacks most signs.
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
            bar_heights: steps,
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
            .chain(steps)
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
    fn states_differ_without_colour() {
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
