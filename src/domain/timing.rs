//! Timing of a request by phases, as numbers and as text.
//!
//! Connection phases are reported only where this request opened the connection. A phase that was
//! not measured is not estimated.

/// Durations of a request, including redirects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestTiming {
    /// Origin of the connection.
    pub connection: ConnectionOrigin,
    /// Time until the first byte of the response headers, in milliseconds.
    pub first_byte_ms: u64,
    /// Total time, in milliseconds.
    pub total_ms: u64,
}

/// Origin of a request's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConnectionOrigin {
    /// Not reported.
    #[default]
    Unknown,
    /// Opened by an earlier request.
    Reused,
    /// Opened by this request.
    New(ConnectTiming),
}

/// Durations of opening a connection. With redirects to several hosts, the durations add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConnectTiming {
    /// Name resolution, in milliseconds; `None` where there was no name to resolve.
    pub dns_ms: Option<u64>,
    /// Opening the socket, including a proxy's part, in milliseconds.
    pub connect_ms: u64,
    /// TLS handshake, in milliseconds; `None` for plain http.
    pub tls_ms: Option<u64>,
}

impl RequestTiming {
    /// Returns the name of each phase with its duration, or with the reason why there is none.
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
    /// Returns the name as written in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Reused => "standing",
            Self::New(_) => "made",
        }
    }

    /// Returns the durations of opening the connection, if this request opened it.
    pub const fn connect_timing(self) -> Option<ConnectTiming> {
        match self {
            Self::New(making) => Some(making),
            Self::Unknown | Self::Reused => None,
        }
    }

    fn phases(self) -> [String; 3] {
        let same = |why: &str| [why, why, why].map(|why| format!("–  {why}"));
        match self {
            Self::Unknown => same("unknown"),
            Self::Reused => same("an existing connection was reused"),
            Self::New(ConnectTiming { dns_ms, connect_ms, tls_ms }) => [
                dns_ms.map_or_else(|| "–  there was no name to resolve".to_owned(), format_ms),
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

    fn text(connection: ConnectionOrigin) -> Vec<String> {
        let timing = RequestTiming { connection, first_byte_ms: 40, total_ms: 40 };
        timing.phases().into_iter().map(|(name, text)| format!("{name}: {text}")).collect()
    }

    #[test]
    fn what_was_measured_is_reported_and_nothing_else() {
        let made = ConnectTiming { dns_ms: None, connect_ms: 3, tls_ms: Some(12) };
        let made = text(ConnectionOrigin::New(made));
        assert_eq!(
            made[..3],
            ["DNS: –  there was no name to resolve", "connect: 3 ms", "TLS: 12 ms"]
        );
        assert_eq!(
            made[3..],
            ["first byte: 40 ms after the start", "body: less than 1 ms more", "total: 40 ms"]
        );
        assert!(
            text(ConnectionOrigin::Reused)[..3]
                .iter()
                .all(|line| line.ends_with("an existing connection was reused"))
        );
        assert!(text(ConnectionOrigin::Unknown)[..3].iter().all(|line| line.ends_with("unknown")));
    }

    #[test]
    fn only_a_new_connection_reports_its_duration() {
        let making = ConnectTiming { dns_ms: Some(1), connect_ms: 2, tls_ms: None };
        let all =
            [ConnectionOrigin::New(making), ConnectionOrigin::Reused, ConnectionOrigin::Unknown];
        assert_eq!(all.map(ConnectionOrigin::connect_timing), [Some(making), None, None]);
        assert_eq!(all.map(ConnectionOrigin::as_str), ["made", "standing", "unknown"]);
    }
}
