//! Theme colors and their reduction to the colors that a terminal can show.
//!
//! Start reading at [`ThemeColor::reduce`]. Which screen element has which color belongs to
//! [`super`].
//!
//! Terminal background, dark or light.
//!
//! It is detected from the environment or from the terminal's reply to a background color query.
//! Sending the query belongs to `tui`. Start reading at [`TerminalBackground::detect`] and
//! [`TerminalBackground::parse`].

use serde::Deserialize;

/// Color as a theme names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum ThemeColor {
    /// Red, green and blue.
    Rgb(u8, u8, u8),
    /// Index in the table of 256 colors.
    Indexed(u8),
    /// One of the 16 colors that every terminal has and that users customize.
    Named(AnsiColor),
    /// The terminal's own color for text or background.
    Default,
}

/// The 16 ANSI colors, in the order of their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the colors")]
pub enum AnsiColor {
    Black,
    Red,
    Green,
    Yellow,
    Blue,
    Magenta,
    Cyan,
    Gray,
    DarkGray,
    LightRed,
    LightGreen,
    LightYellow,
    LightBlue,
    LightMagenta,
    LightCyan,
    White,
}

/// Number of colors that the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum ColorDepth {
    /// No colors, because the terminal has none or the user wants none.
    Monochrome,
    /// 16 colors.
    #[default]
    Ansi,
    /// 256 colors.
    Indexed,
    /// All RGB colors.
    TrueColor,
}

/// The 16 ANSI colors with their names and their usual RGB values.
const ANSI_COLORS: [(AnsiColor, &str, [u8; 3]); 16] = [
    (AnsiColor::Black, "black", [0, 0, 0]),
    (AnsiColor::Red, "red", [205, 0, 0]),
    (AnsiColor::Green, "green", [0, 205, 0]),
    (AnsiColor::Yellow, "yellow", [205, 205, 0]),
    (AnsiColor::Blue, "blue", [0, 0, 238]),
    (AnsiColor::Magenta, "magenta", [205, 0, 205]),
    (AnsiColor::Cyan, "cyan", [0, 205, 205]),
    (AnsiColor::Gray, "gray", [229, 229, 229]),
    (AnsiColor::DarkGray, "dark-gray", [127, 127, 127]),
    (AnsiColor::LightRed, "light-red", [255, 0, 0]),
    (AnsiColor::LightGreen, "light-green", [0, 255, 0]),
    (AnsiColor::LightYellow, "light-yellow", [255, 255, 0]),
    (AnsiColor::LightBlue, "light-blue", [92, 92, 255]),
    (AnsiColor::LightMagenta, "light-magenta", [255, 0, 255]),
    (AnsiColor::LightCyan, "light-cyan", [0, 255, 255]),
    (AnsiColor::White, "white", [255, 255, 255]),
];

/// Steps of red, green and blue in the cube of the 256 colors.
const COLOR_CUBE_STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

impl ThemeColor {
    /// Parses `#rrggbb`, a name such as `light-red`, a number below 256, or `default`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(digits) = text.strip_prefix('#') {
            return parse_rgb(digits);
        }
        let named = ANSI_COLORS
            .iter()
            .find(|(_, name, _)| *name == text)
            .map(|(ansi, ..)| Self::Named(*ansi));
        match text {
            "default" => Some(Self::Default),
            _ => named.or_else(|| text.parse().ok().map(Self::Indexed)),
        }
    }

    /// Returns the nearest color that the terminal can show; `None` if it shows no colors.
    pub fn reduce(self, depth: ColorDepth) -> Option<Self> {
        match (depth, self) {
            (ColorDepth::Monochrome, _) => None,
            (_, Self::Named(_) | Self::Default)
            | (ColorDepth::TrueColor, _)
            | (ColorDepth::Indexed, Self::Indexed(_)) => Some(self),
            (ColorDepth::Indexed, Self::Rgb(r, g, b)) => {
                Some(Self::Indexed(nearest_index([r, g, b])))
            }
            (ColorDepth::Ansi, Self::Rgb(r, g, b)) => Some(Self::Named(nearest_ansi([r, g, b]))),
            (ColorDepth::Ansi, Self::Indexed(index)) => {
                Some(Self::Named(nearest_ansi(index_to_rgb(index))))
            }
        }
    }
}

impl ColorDepth {
    /// Detects the color depth from the environment. A non-empty `NO_COLOR` takes precedence
    /// (<https://no-color.org>); `CLICOLOR=0` asks for no colors, unless `CLICOLOR_FORCE` asks for
    /// them.
    pub fn detect(env: &dyn Fn(&str) -> Option<String>) -> Self {
        let get = |name| env(name).unwrap_or_default();
        let term = get("TERM");
        let all =
            matches!(get("COLORTERM").as_str(), "truecolor" | "24bit") || term.ends_with("-direct");
        let unwanted = get("CLICOLOR") == "0" && !Self::color_is_forced(env);
        if !get("NO_COLOR").is_empty() || unwanted || term == "dumb" {
            Self::Monochrome
        } else if all || !get("WT_SESSION").is_empty() {
            Self::TrueColor
        } else if term.contains("256color") {
            Self::Indexed
        } else {
            Self::Ansi
        }
    }

    /// Whether `CLICOLOR_FORCE` asks for colors even without a terminal.
    pub fn color_is_forced(env: &dyn Fn(&str) -> Option<String>) -> bool {
        env("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0")
    }
}

#[cfg(test)]
impl ThemeColor {
    /// Returns the contrast with another color, from 1 (none) to 21, as WCAG 2.2 defines it; `None`
    /// if one of them is the terminal's own color.
    pub fn contrast_ratio(self, other: Self) -> Option<f64> {
        let brightness = |color: Self| {
            let linear = |part: u8| match f64::from(part) / 255.0 {
                part if part <= 0.04045 => part / 12.92,
                part => ((part + 0.055) / 1.055).powf(2.4),
            };
            let [r, g, b] = color.default_rgb()?.map(linear);
            Some(0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05)
        };
        let (one, other) = (brightness(self)?, brightness(other)?);
        Some(one.max(other) / one.min(other))
    }

    fn default_rgb(self) -> Option<[u8; 3]> {
        match self {
            Self::Rgb(r, g, b) => Some([r, g, b]),
            Self::Indexed(index) => Some(index_to_rgb(index)),
            Self::Named(ansi) => {
                ANSI_COLORS.iter().find(|(known, ..)| *known == ansi).map(|(.., rgb)| *rgb)
            }
            Self::Default => None,
        }
    }
}

impl TryFrom<String> for ThemeColor {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or_else(|| {
            format!("\"{text}\" is not a color; use #rrggbb, a name, or a number below 256")
        })
    }
}

fn parse_rgb(digits: &str) -> Option<ThemeColor> {
    let number = u32::from_str_radix(digits, 16)
        .ok()
        .filter(|_| digits.len() == 6 && !digits.starts_with('+'))?;
    let [_, r, g, b] = number.to_be_bytes();
    Some(ThemeColor::Rgb(r, g, b))
}

/// Returns the nearest ANSI color. A color that has a hue keeps it, because the hue carries the
/// meaning; only grays map to the nearest gray.
fn nearest_ansi(rgb: [u8; 3]) -> AnsiColor {
    let candidates = ANSI_COLORS.iter().filter(|(.., known)| has_hue(*known) == has_hue(rgb));
    candidates
        .min_by_key(|(.., known)| color_distance(saturate(rgb), *known))
        .map_or(AnsiColor::Gray, |(ansi, ..)| *ansi)
}

fn has_hue(rgb: [u8; 3]) -> bool {
    let (least, most) = min_max_channels(rgb);
    // Hues are not visible in very dark colors.
    most > 0x40 && u16::from(most - least) * 4 > u16::from(most)
}

/// Returns the color with the highest saturation that its hue allows, at the same brightness.
fn saturate(rgb: [u8; 3]) -> [u8; 3] {
    let (least, most) = min_max_channels(rgb);
    if !has_hue(rgb) {
        return rgb;
    }
    let stretch = |part: u8| u16::from(part - least) * u16::from(most) / u16::from(most - least);
    rgb.map(|part| u8::try_from(stretch(part)).unwrap_or(most))
}

fn min_max_channels(rgb: [u8; 3]) -> (u8, u8) {
    (rgb[0].min(rgb[1]).min(rgb[2]), rgb[0].max(rgb[1]).max(rgb[2]))
}

/// Returns the nearest of the 240 colors that are the same on every terminal; users customize the
/// first 16. In the cube every channel is rounded on its own, so only one cube color can be the
/// nearest.
fn nearest_index(rgb: [u8; 3]) -> u8 {
    let [r, g, b] = rgb.map(nearest_cube_step);
    let in_cube = 16 + 36 * r + 6 * g + b;
    std::iter::once(in_cube)
        .chain(232..=255)
        .min_by_key(|index| color_distance(rgb, index_to_rgb(*index)))
        .unwrap_or(in_cube)
}

fn nearest_cube_step(part: u8) -> u8 {
    (0..)
        .zip(COLOR_CUBE_STEPS)
        .min_by_key(|(_, step)| part.abs_diff(*step))
        .map_or(0, |(step, _)| step)
}

fn index_to_rgb(index: u8) -> [u8; 3] {
    match index {
        0..16 => ANSI_COLORS[usize::from(index)].2,
        16..232 => {
            let place = index - 16;
            [place / 36, place / 6 % 6, place % 6].map(|step| COLOR_CUBE_STEPS[usize::from(step)])
        }
        232.. => [8 + 10 * (index - 232); 3],
    }
}

/// Returns the perceived distance of two colors: a cheap weighting of the channels by their
/// brightness to the eye.
fn color_distance(one: [u8; 3], other: [u8; 3]) -> u32 {
    let [r, g, b] =
        [0, 1, 2].map(|channel| u32::from(one[channel].abs_diff(other[channel])).pow(2));
    3 * r + 4 * g + 2 * b
}

/// Brightness of the color behind the terminal's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TerminalBackground {
    /// Dark background.
    #[default]
    Dark,
    /// Light background.
    Light,
}

impl TerminalBackground {
    /// Detects the background from `COLORFGBG`, which some terminals set to their color numbers;
    /// the last number is the background.
    pub fn detect(env: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let colors = env("COLORFGBG")?;
        match colors.rsplit(';').next()?.parse::<u8>().ok()? {
            0..=6 | 8 => Some(Self::Dark),
            7 | 9..=15 => Some(Self::Light),
            16.. => None,
        }
    }

    /// Classifies a color as a background; returns `None` for the terminal's default color.
    pub fn from_color(color: ThemeColor) -> Option<Self> {
        match color {
            ThemeColor::Rgb(red, green, blue) => Some(Self::from_brightness(
                [red, green, blue].map(|part| u32::from(part) * 1000 / 255),
            )),
            // The first 16 belong to the terminal; a cube of six steps a side and a gray ramp
            // follow.
            ThemeColor::Indexed(index @ 16..=231) => {
                let step = |size: u8| u32::from((index - 16) / size % 6) * 200;
                Some(Self::from_brightness([step(36), step(6), step(1)]))
            }
            ThemeColor::Indexed(index @ 232..) => {
                Some(Self::from_brightness([u32::from(index - 232) * 1000 / 23; 3]))
            }
            ThemeColor::Indexed(index) => {
                Some(if index == 7 || index > 8 { Self::Light } else { Self::Dark })
            }
            ThemeColor::Named(AnsiColor::Gray | AnsiColor::White) => Some(Self::Light),
            ThemeColor::Named(_) => Some(Self::Dark),
            ThemeColor::Default => None,
        }
    }

    /// Parses a color as terminals report it (`rgb:ffff/ffff/ffff`, with one to four digits each).
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix("rgb:").or_else(|| text.strip_prefix("rgba:"))?;
        let channels: Vec<_> = text.split('/').map(parse_channel).collect::<Option<_>>()?;
        let [red, green, blue, ..] = channels[..] else { return None };
        Some(Self::from_brightness([red, green, blue]))
    }

    /// Classifies by the perceived brightness of the three channels, each in thousandths.
    fn from_brightness([red, green, blue]: [u32; 3]) -> Self {
        let brightness = red * 299 / 1000 + green * 587 / 1000 + blue * 114 / 1000;
        if brightness > 500 { Self::Light } else { Self::Dark }
    }
}

/// Parses hexadecimal digits as thousandths of the largest number with that many digits.
fn parse_channel(digits: &str) -> Option<u32> {
    let max = 16_u32
        .checked_pow(u32::try_from(digits.len()).ok().filter(|length| (1..=4).contains(length))?)?
        - 1;
    Some(u32::from_str_radix(digits, 16).ok()? * 1000 / max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_are_read_in_every_form() {
        assert_eq!(ThemeColor::parse("#1e90ff"), Some(ThemeColor::Rgb(0x1e, 0x90, 0xff)));
        assert_eq!(ThemeColor::parse("light-red"), Some(ThemeColor::Named(AnsiColor::LightRed)));
        assert_eq!(ThemeColor::parse("208"), Some(ThemeColor::Indexed(208)));
        assert_eq!(ThemeColor::parse("default"), Some(ThemeColor::Default));
        for wrong in
            ["", "#", "#12345", "#1234567", "#+12345", "256", "-1", "Red", "#12345g", "rosé"]
        {
            assert_eq!(ThemeColor::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn reduction_keeps_what_the_terminal_can_show_and_finds_the_nearest_of_the_rest() {
        let orange = ThemeColor::Rgb(255, 135, 0);
        assert_eq!(orange.reduce(ColorDepth::TrueColor), Some(orange));
        assert_eq!(orange.reduce(ColorDepth::Indexed), Some(ThemeColor::Indexed(208)));
        assert_eq!(
            ThemeColor::Rgb(250, 5, 5).reduce(ColorDepth::Ansi),
            Some(ThemeColor::Named(AnsiColor::LightRed))
        );
        assert_eq!(
            ThemeColor::Indexed(244).reduce(ColorDepth::Ansi),
            Some(ThemeColor::Named(AnsiColor::DarkGray))
        );
        assert_eq!(
            ThemeColor::Named(AnsiColor::Cyan).reduce(ColorDepth::Ansi),
            Some(ThemeColor::Named(AnsiColor::Cyan))
        );
        assert_eq!(orange.reduce(ColorDepth::Monochrome), None);
    }

    #[test]
    fn every_color_of_the_table_is_its_own_nearest() {
        for index in 16..=255 {
            let [r, g, b] = index_to_rgb(index);
            let Some(ThemeColor::Indexed(found)) =
                ThemeColor::Rgb(r, g, b).reduce(ColorDepth::Indexed)
            else {
                panic!("{index}")
            };
            assert_eq!(index_to_rgb(found), [r, g, b]);
        }
    }

    #[test]
    fn the_environment_decides_and_no_color_has_the_last_word() {
        let depth = |vars: &'static [(&str, &str)]| {
            ColorDepth::detect(&|name| {
                vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(depth(&[("TERM", "xterm-256color")]), ColorDepth::Indexed);
        assert_eq!(
            depth(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]),
            ColorDepth::TrueColor
        );
        assert_eq!(depth(&[("TERM", "xterm-direct")]), ColorDepth::TrueColor);
        assert_eq!(depth(&[("TERM", "linux")]), ColorDepth::Ansi);
        assert_eq!(depth(&[("TERM", "dumb"), ("COLORTERM", "truecolor")]), ColorDepth::Monochrome);
        assert_eq!(depth(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]), ColorDepth::Monochrome);
        assert_eq!(depth(&[("NO_COLOR", ""), ("COLORTERM", "24bit")]), ColorDepth::TrueColor);
        assert_eq!(depth(&[("CLICOLOR", "0"), ("COLORTERM", "24bit")]), ColorDepth::Monochrome);
        assert_eq!(
            depth(&[("CLICOLOR", "0"), ("CLICOLOR_FORCE", "1"), ("COLORTERM", "24bit")]),
            ColorDepth::TrueColor
        );
        assert_eq!(depth(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]), ColorDepth::Monochrome);
    }

    #[test]
    fn sixteen_colors_keep_the_hue_that_carries_the_meaning() {
        let ansi = |r, g, b| ThemeColor::Rgb(r, g, b).reduce(ColorDepth::Ansi);
        assert!(matches!(
            ansi(0x8f, 0xe0, 0x8a),
            Some(ThemeColor::Named(AnsiColor::Green | AnsiColor::LightGreen))
        ));
        assert!(matches!(
            ansi(0xff, 0x7b, 0x72),
            Some(ThemeColor::Named(AnsiColor::Red | AnsiColor::LightRed))
        ));
        assert!(matches!(
            ansi(0xe3, 0xb3, 0x41),
            Some(ThemeColor::Named(AnsiColor::Yellow | AnsiColor::LightYellow))
        ));
        assert!(matches!(
            ansi(0x6c, 0xb6, 0xff),
            Some(ThemeColor::Named(
                AnsiColor::Cyan | AnsiColor::LightCyan | AnsiColor::LightBlue | AnsiColor::Blue
            ))
        ));
        assert_eq!(ansi(0x80, 0x82, 0x86), Some(ThemeColor::Named(AnsiColor::DarkGray)));
        assert_eq!(ansi(0x10, 0x14, 0x1f), Some(ThemeColor::Named(AnsiColor::Black)));
    }
}

#[cfg(test)]
mod background_tests {
    use super::*;

    #[test]
    fn a_reported_color_is_dark_or_light() {
        for (text, expected) in [
            ("rgb:0000/0000/0000", Some(TerminalBackground::Dark)),
            ("rgb:1616/1616/1e1e", Some(TerminalBackground::Dark)),
            ("rgb:ffff/ffff/ffff", Some(TerminalBackground::Light)),
            ("rgb:fd/f6/e3", Some(TerminalBackground::Light)),
            ("rgb:f/f/f", Some(TerminalBackground::Light)),
            ("rgba:ffff/ffff/ffff/8000", Some(TerminalBackground::Light)),
            ("rgb:0000/0000/ffff", Some(TerminalBackground::Dark)),
            ("rgb:ffff/ffff", None),
            ("rgb:fffff/0/0", None),
            ("rgb:gg/00/00", None),
            ("rgb:", None),
            ("#ffffff", None),
        ] {
            assert_eq!(TerminalBackground::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn the_environment_names_it_by_number() {
        for (text, expected) in [
            ("15;0", Some(TerminalBackground::Dark)),
            ("0;15", Some(TerminalBackground::Light)),
            ("0;default;7", Some(TerminalBackground::Light)),
        ] {
            assert_eq!(TerminalBackground::detect(&|_| Some(text.to_owned())), expected, "{text}");
        }
        assert_eq!(TerminalBackground::detect(&|_| Some("default".to_owned())), None);
        assert_eq!(TerminalBackground::detect(&|_| None), None);
    }
}
