//! Where the time of an exchange went, in numbers and in words.
//!
//! How a connection came about is told only where this request made it, and what nobody has measured is not guessed.

/// Where the time of an exchange went, redirects included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestTiming {
    /// How the connection came about.
    pub connection: ConnectionOrigin,
    /// Until the first byte of the answer's head, in milliseconds.
    pub first_byte_ms: u64,
    /// The whole exchange, in milliseconds.
    pub total_ms: u64,
}

/// How the connection of an exchange came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConnectionOrigin {
    /// Nobody has told.
    #[default]
    Unknown,
    /// It stood already, from an earlier request.
    Reused,
    /// This request made it.
    New(ConnectTiming),
}

/// How long it took to make a connection. With several, one for each host of a redirect, all of them together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConnectTiming {
    /// Looking up the host's name, in milliseconds; absent where there was none to look up.
    pub dns_ms: Option<u64>,
    /// Opening the socket, with a proxy's part in it, in milliseconds.
    pub connect_ms: u64,
    /// Agreeing on TLS, in milliseconds; absent for plain http.
    pub tls_ms: Option<u64>,
}

impl RequestTiming {
    /// Phase by phase: its name, and how long it took or why that is not told.
    pub fn phases(&self) -> Vec<(&'static str, String)> {
        let [dns, connect, tls] = self.connection.phases();
        let body = self.total_ms.saturating_sub(self.first_byte_ms);
        vec![
            ("DNS", dns),
            ("connect", connect),
            ("TLS", tls),
            ("first byte", format!("{} after the start", format_ms(self.first_byte_ms))),
            ("body", format!("{} more", format_ms(body))),
            ("total", format_ms(self.total_ms)),
        ]
    }
}

impl ConnectionOrigin {
    /// The word that is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Reused => "standing",
            Self::New(_) => "made",
        }
    }

    /// What making it took, if this request made it.
    pub const fn connect_timing(self) -> Option<ConnectTiming> {
        match self {
            Self::New(making) => Some(making),
            Self::Unknown | Self::Reused => None,
        }
    }

    fn phases(self) -> [String; 3] {
        let same = |why: &str| [why, why, why].map(|why| format!("–  {why}"));
        match self {
            Self::Unknown => same("not known"),
            Self::Reused => same("a connection stood already"),
            Self::New(ConnectTiming { dns_ms, connect_ms, tls_ms }) => [
                dns_ms.map_or_else(|| "–  the address needed no look-up".to_owned(), format_ms),
                format_ms(connect_ms),
                tls_ms.map_or_else(|| "–  none: plain http".to_owned(), format_ms),
            ],
        }
    }
}

fn format_ms(ms: u64) -> String {
    if ms == 0 { "less than 1 ms".to_owned() } else { format!("{ms} ms") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(connection: ConnectionOrigin) -> Vec<String> {
        let timing = RequestTiming { connection, first_byte_ms: 40, total_ms: 40 };
        timing.phases().into_iter().map(|(name, told)| format!("{name}: {told}")).collect()
    }

    #[test]
    fn what_was_measured_is_told_and_nothing_else() {
        let made = ConnectTiming { dns_ms: None, connect_ms: 3, tls_ms: Some(12) };
        let made = told(ConnectionOrigin::New(made));
        assert_eq!(
            made[..3],
            ["DNS: –  the address needed no look-up", "connect: 3 ms", "TLS: 12 ms"]
        );
        assert_eq!(
            made[3..],
            ["first byte: 40 ms after the start", "body: less than 1 ms more", "total: 40 ms"]
        );
        assert!(
            told(ConnectionOrigin::Reused)[..3]
                .iter()
                .all(|line| line.ends_with("a connection stood already"))
        );
        assert!(
            told(ConnectionOrigin::Unknown)[..3].iter().all(|line| line.ends_with("not known"))
        );
    }

    #[test]
    fn only_a_connection_that_was_made_tells_what_making_it_took() {
        let making = ConnectTiming { dns_ms: Some(1), connect_ms: 2, tls_ms: None };
        let all =
            [ConnectionOrigin::New(making), ConnectionOrigin::Reused, ConnectionOrigin::Unknown];
        assert_eq!(all.map(ConnectionOrigin::connect_timing), [Some(making), None, None]);
        assert_eq!(all.map(ConnectionOrigin::as_str), ["made", "standing", "unknown"]);
    }
}
