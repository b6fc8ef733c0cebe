//! Terminal background, dark or light.
//!
//! It is detected from the environment or from the terminal's reply to a background color query.
//! Sending the query belongs to `tui`. Start reading at [`TerminalBackground::detect`] and
//! [`TerminalBackground::parse`].

use super::{AnsiColor, ThemeColor};

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
