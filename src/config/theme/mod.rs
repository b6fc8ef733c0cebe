//! What things look like: roles that the screen names, styles that a theme gives them.
//!
//! A theme is data (`assets/themes/*.toml`): a dozen colours, and for each [`StyleRole`] which of them it takes. What the
//! terminal cannot show is reduced once, when the theme is built, so nobody who draws has to think about it. Meaning
//! never rests on colour alone: without colours a background becomes reverse video and everything else has a glyph.

pub mod background;
pub mod color;
pub mod glyphs;
mod user;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use background::TerminalBackground;
pub use color::{AnsiColor, ColorDepth, ThemeColor};
pub use glyphs::GlyphSet;
pub use user::UserThemes;

/// The name that stands for whichever theme fits the background of the terminal.
pub const AUTO_THEME: &str = "auto";

/// Whether a theme's name is that of a file of the person's own.
pub fn is_user_theme(name: &str) -> bool {
    let path = std::path::Path::new(name);
    path.extension().is_some_and(|extension| extension == "toml") && !name.contains(['/', '\\'])
}

/// The themes that come with the program: name and text. The build turns their TOML into JSON (`assets/build.rs`), since
/// one of them is read at every start and somebody waits for it.
const BUILTIN_THEMES: [(&str, &str); 3] = [
    ("dark", include_str!(concat!(env!("OUT_DIR"), "/themes/dark.json"))),
    ("light", include_str!(concat!(env!("OUT_DIR"), "/themes/light.json"))),
    ("high-contrast", include_str!(concat!(env!("OUT_DIR"), "/themes/high-contrast.json"))),
];

/// What a piece of the screen is, as far as its looks go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StyleRole {
    /// Ordinary text.
    Text,
    /// Text that steps back: units, hints, what is empty.
    Dim,
    /// What the eye should find first.
    Accent,
    /// The title of a pane or dialog.
    Title,
    /// Accepted, done, safe.
    Good,
    /// Soon to expire, waiting, careful.
    Warn,
    /// Refused, failed, expired.
    Bad,
    /// Not known: no answer that says anything.
    Unknown,
    /// The selected row of the pane that has the focus.
    Selection,
    /// The selected row of another pane.
    SelectionIdle,
    /// The border of a pane.
    Border,
    /// The border of the pane that has the focus.
    BorderFocus,
    /// The border around what belongs to production, and the word in it.
    Production,
    /// A secret, masked or shown.
    Secret,
    /// A key in a hint.
    Key,
    /// The characters that a filter matched.
    Match,
    /// The bars at the top and the bottom.
    Bar,
    /// A field that text is typed into.
    Input,
    /// A label of jump mode.
    Label,
    /// A button or word that cannot be taken back.
    Danger,
    /// The key of a JSON object.
    JsonKey,
    /// A JSON string.
    JsonString,
    /// A JSON number.
    JsonNumber,
    /// `true`, `false` and `null`.
    JsonLiteral,
}

/// How a piece of text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the attributes of a terminal cell are independent switches"
)]
pub struct TextStyle {
    /// The colour of the text; the terminal's own where there is none.
    pub fg: Option<ThemeColor>,
    /// The colour behind it; the terminal's own where there is none.
    pub bg: Option<ThemeColor>,
    /// Bold.
    pub bold: bool,
    /// Fainter than usual.
    pub dim: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
    /// Text and background exchanged.
    pub reverse: bool,
}

/// A style for every role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    styles: [TextStyle; StyleRole::ALL.len()],
    /// The background that it is made for; nothing where any will do.
    background: Option<ThemeColor>,
}

/// A theme file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ThemeFile {
    /// The name of the background that it is made for.
    #[serde(rename = "ground")]
    background: Option<String>,
    colors: BTreeMap<String, ThemeColor>,
    roles: BTreeMap<StyleRole, StyleSpec>,
}

/// A style as a theme file writes it: colours by their name in that file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the attributes of a terminal cell are independent switches"
)]
struct StyleSpec {
    fg: Option<String>,
    bg: Option<String>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    reverse: bool,
}

/// The colours of a theme file by their names, in what the terminal can show; none where it shows none.
type Palette<'f> = BTreeMap<&'f str, Option<ThemeColor>>;

impl StyleRole {
    /// Every role.
    pub const ALL: [Self; 24] = [
        Self::Text,
        Self::Dim,
        Self::Accent,
        Self::Title,
        Self::Good,
        Self::Warn,
        Self::Bad,
        Self::Unknown,
        Self::Selection,
        Self::SelectionIdle,
        Self::Border,
        Self::BorderFocus,
        Self::Production,
        Self::Secret,
        Self::Key,
        Self::Match,
        Self::Bar,
        Self::Input,
        Self::Label,
        Self::Danger,
        Self::JsonKey,
        Self::JsonString,
        Self::JsonNumber,
        Self::JsonLiteral,
    ];
}

impl Theme {
    /// A theme that comes with the program, in the colours that the terminal can show; `None` if there is none of
    /// this name.
    pub fn builtin(name: &str, depth: ColorDepth) -> Option<Self> {
        let (_, text) = BUILTIN_THEMES.iter().find(|(known, _)| *known == name)?;
        let file: ThemeFile = serde_json::from_str(text).ok()?;
        file.resolve(depth).ok()
    }

    /// The theme that fits a background.
    pub fn for_background(background: TerminalBackground, depth: ColorDepth) -> Self {
        let name = match background {
            TerminalBackground::Dark => "dark",
            TerminalBackground::Light => "light",
        };
        Self::builtin(name, depth).unwrap_or_default()
    }

    /// The names of the themes that come with the program.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        BUILTIN_THEMES.iter().map(|(name, _)| *name)
    }

    /// Reads a theme file; what is wrong with it is said in words. A role that the file leaves out looks like the
    /// terminal's ordinary text.
    pub fn parse(text: &str, depth: ColorDepth) -> Result<Self, String> {
        let file: ThemeFile = toml::from_str(text).map_err(|error| error.to_string())?;
        file.resolve(depth)
    }

    /// The theme on a terminal with this background: one that is made for the other kind brings its own.
    #[must_use]
    pub fn with_background(mut self, background: TerminalBackground) -> Self {
        let own = self.background.filter(|ground| {
            TerminalBackground::from_color(*ground).is_some_and(|own| own != background)
        });
        self.styles[StyleRole::Text as usize].bg = own;
        self
    }

    /// How a role looks.
    pub const fn style(&self, role: StyleRole) -> TextStyle {
        self.styles[role as usize]
    }
}

impl Default for Theme {
    /// The dark theme in 16 colours, which every terminal with colours can show.
    fn default() -> Self {
        let plain = Self { styles: [TextStyle::default(); StyleRole::ALL.len()], background: None };
        Self::builtin("dark", ColorDepth::Ansi).unwrap_or(plain)
    }
}

impl ThemeFile {
    fn resolve(&self, depth: ColorDepth) -> Result<Theme, String> {
        let shown =
            self.colors.iter().map(|(name, color)| (name.as_str(), color.reduce(depth))).collect();
        let ground = lookup_color(&shown, self.background.as_ref())?;
        let mut styles = [TextStyle::default(); StyleRole::ALL.len()];
        for (role, spec) in &self.roles {
            styles[*role as usize] = spec.resolve(&shown, depth)?;
        }
        if depth == ColorDepth::Monochrome {
            // What steps back by its colour does so by its weight here.
            for role in [StyleRole::Dim, StyleRole::Border] {
                styles[role as usize].dim = true;
            }
        }
        Ok(Theme { styles, background: ground })
    }
}

impl StyleSpec {
    /// The style in what the terminal can show.
    fn resolve(&self, shown: &Palette<'_>, depth: ColorDepth) -> Result<TextStyle, String> {
        let color = |name: &Option<String>| lookup_color(shown, name.as_ref());
        let &Self { bold, dim, italic, underline, .. } = self;
        let stands_out = depth == ColorDepth::Monochrome && self.bg.is_some();
        Ok(TextStyle {
            fg: color(&self.fg)?,
            bg: color(&self.bg)?,
            bold,
            dim,
            italic,
            underline,
            reverse: self.reverse || stands_out,
        })
    }
}

/// The colour of this name as the terminal shows it, if one is named.
fn lookup_color(shown: &Palette<'_>, name: Option<&String>) -> Result<Option<ThemeColor>, String> {
    let Some(name) = name else { return Ok(None) };
    shown.get(name.as_str()).copied().ok_or_else(|| format!("there is no colour \"{name}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_theme_styles_every_role() {
        for (name, text) in BUILTIN_THEMES {
            let file: ThemeFile =
                serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            let missing: Vec<_> =
                StyleRole::ALL.into_iter().filter(|role| !file.roles.contains_key(role)).collect();
            assert_eq!(missing, [], "{name}");
            assert!(Theme::builtin(name, ColorDepth::TrueColor).is_some(), "{name}");
        }
        assert_eq!(Theme::builtin("no-such-theme", ColorDepth::TrueColor), None);
    }

    #[test]
    fn each_role_keeps_its_own_place() {
        for (at, role) in StyleRole::ALL.into_iter().enumerate() {
            assert_eq!(role as usize, at, "{role:?}");
        }
    }

    #[test]
    fn what_must_be_told_apart_looks_different_at_every_depth_with_colours() {
        for (name, depth) in Theme::builtin_names().flat_map(|name| {
            [ColorDepth::TrueColor, ColorDepth::Indexed, ColorDepth::Ansi].map(|d| (name, d))
        }) {
            let theme = Theme::builtin(name, depth).unwrap();
            for (one, other) in [
                (StyleRole::Good, StyleRole::Bad),
                (StyleRole::Good, StyleRole::Warn),
                (StyleRole::Warn, StyleRole::Bad),
                (StyleRole::Border, StyleRole::BorderFocus),
                (StyleRole::Border, StyleRole::Production),
                (StyleRole::BorderFocus, StyleRole::Production),
                (StyleRole::Text, StyleRole::Dim),
                (StyleRole::Selection, StyleRole::Text),
                (StyleRole::Selection, StyleRole::SelectionIdle),
            ] {
                assert_ne!(
                    theme.style(one),
                    theme.style(other),
                    "{name} {depth:?} {one:?} {other:?}"
                );
            }
        }
    }

    #[test]
    fn what_warns_has_a_colour_of_its_own_where_there_are_enough() {
        for (name, depth) in Theme::builtin_names().flat_map(|name| {
            [ColorDepth::TrueColor, ColorDepth::Indexed].map(|depth| (name, depth))
        }) {
            let theme = Theme::builtin(name, depth).unwrap();
            for other in [StyleRole::Bad, StyleRole::Production] {
                assert_ne!(
                    theme.style(StyleRole::Warn).fg,
                    theme.style(other).fg,
                    "{name} {depth:?} {other:?}"
                );
            }
        }
    }

    #[test]
    fn everything_stands_out_from_the_ground_at_every_depth_with_colours() {
        // The sixteen are the person's own, and seldom as pale as the oldest terminals have them. Lines may step back.
        for (depth, text, line) in [
            (ColorDepth::TrueColor, 4.5, 2.0),
            (ColorDepth::Indexed, 4.5, 2.0),
            (ColorDepth::Ansi, 2.1, 2.1),
        ] {
            for (name, role) in
                Theme::builtin_names().flat_map(|name| StyleRole::ALL.map(|role| (name, role)))
            {
                let theme = Theme::builtin(name, depth).unwrap();
                let (style, least) =
                    (theme.style(role), if role == StyleRole::Border { line } else { text });
                let contrast = style
                    .fg
                    .unwrap()
                    .contrast_ratio(style.bg.or(theme.background).unwrap())
                    .unwrap();
                assert!(contrast >= least, "{name} {depth:?} {role:?}: {contrast:.1}");
            }
        }
    }

    #[test]
    fn without_colours_the_selection_is_still_seen() {
        for name in Theme::builtin_names() {
            let theme = Theme::builtin(name, ColorDepth::Monochrome).unwrap();
            for role in StyleRole::ALL {
                assert_eq!(
                    (theme.style(role).fg, theme.style(role).bg),
                    (None, None),
                    "{name} {role:?}"
                );
            }
            assert!(theme.style(StyleRole::Selection).reverse, "{name}");
            assert_ne!(
                theme.style(StyleRole::BorderFocus),
                theme.style(StyleRole::Border),
                "{name}"
            );
        }
    }

    #[test]
    fn a_theme_brings_its_background_where_the_terminal_has_the_other_kind() {
        for (name, other) in [
            ("dark", TerminalBackground::Light),
            ("light", TerminalBackground::Dark),
            ("high-contrast", TerminalBackground::Light),
        ] {
            for depth in [ColorDepth::TrueColor, ColorDepth::Indexed, ColorDepth::Ansi] {
                let theme = Theme::builtin(name, depth).unwrap();
                assert!(
                    theme.clone().with_background(other).style(StyleRole::Text).bg.is_some(),
                    "{name} {depth:?}"
                );
                let at_home = TerminalBackground::from_color(theme.background.unwrap()).unwrap();
                assert_eq!(
                    theme.with_background(other).with_background(at_home).style(StyleRole::Text).bg,
                    None,
                    "{name} {depth:?}"
                );
            }
            let theme = Theme::builtin(name, ColorDepth::Monochrome).unwrap();
            assert_eq!(theme.clone().with_background(other), theme);
        }
    }

    #[test]
    fn an_unknown_colour_role_or_attribute_is_refused_by_name() {
        let refusal = |text: &str| Theme::parse(text, ColorDepth::TrueColor).unwrap_err();
        assert!(refusal("[colors]\n[roles]\ntext = { fg = \"mauve\" }").contains("mauve"));
        assert!(refusal("ground = \"mauve\"\n[colors]\n[roles]").contains("mauve"));
        assert!(refusal("[colors]\n[roles]\ntext-ish = {}").contains("text-ish"));
        assert!(refusal("[colors]\n[roles]\ntext = { blink = true }").contains("blink"));
        assert!(refusal("[colors]\nred = \"#12\"\n[roles]").contains("#12"));
    }
}
