//! Tests of the HTTP client against servers that misbehave. Start with `net/bounds.rs` for limits
//! and `net/redirects.rs` for where a secret may go.

mod bounds;
mod connections;
mod exchange;
#[cfg(target_os = "linux")]
mod memory;
mod redirects;
mod server;
mod timing;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use tokenring::domain::request::HttpMethod;
use tokenring::domain::response::ApiResponse;
use tokenring::domain::{Origin, Secret};
use tokenring::net::{
    HostBoundSecret, HttpClient, NetError, OutgoingRequest, RequestBody, RequestLimits,
    Transport as _,
};

const SECRET: &str = "canary-secret-8c1f27";

const LIMITS: RequestLimits = RequestLimits {
    connect_timeout: Duration::from_secs(5),
    total_timeout: Duration::from_secs(20),
    max_body_bytes: 1 << 20,
};

/// A GET request without a secret.
fn get(url: url::Url) -> OutgoingRequest {
    OutgoingRequest {
        method: HttpMethod::Get,
        url,
        headers: Vec::new(),
        removed_headers: Vec::new(),
        body: RequestBody::Empty,
        authorization: None,
        limits: LIMITS,
        ca_file: None,
    }
}

/// A GET request with the secret, bound to `origins`, and a custom header that contains the secret
/// too.
fn get_bound(url: url::Url, origins: &[&Origin]) -> OutgoingRequest {
    let secret = Arc::new(Secret::from_text(SECRET.to_owned()));
    let origins = origins.iter().copied().cloned().collect();
    let authorization = Some(HostBoundSecret { scheme: "token".to_owned(), secret, origins });
    let headers = [("x-api-key", SECRET), ("cookie", SECRET)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    OutgoingRequest { authorization, headers, ..get(url) }
}

async fn send(outgoing: OutgoingRequest) -> Result<ApiResponse, NetError> {
    HttpClient::default().send(outgoing).await
}
