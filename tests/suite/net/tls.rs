//! Tests of TLS with a certificate authority that no machine trusts.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tokenring::domain::Origin;
use tokenring::net::{
    ConnectFailure, HttpClient, NetError, OutgoingRequest, RedirectHazard, RequestLimits,
    Transport as _,
};

use super::server::{Server, reply};
use super::{LIMITS, get, get_bound, send};

pub(super) fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/net/tls").join(name)
}

/// Starts a TLS server that sends `answer` to the first request of every connection.
pub(super) fn serve(answer: Vec<u8>) -> url::Url {
    let certificate = CertificateDer::from_pem_file(file("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let config =
        Arc::new(builder.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = url::Url::parse(&format!("https://{}/", listener.local_addr().unwrap())).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = BufReader::new(StreamOwned::new(connection, stream));
            let mut line = String::new();
            while stream.read_line(&mut line).is_ok_and(|count| count > 2) {
                line.clear();
            }
            let _ = stream.get_mut().write_all(&answer);
        }
    });
    url
}

#[tokio::test]
async fn an_unknown_authority_is_refused_with_its_cause() {
    let url = serve(reply(200, "", "trusted"));
    let origin = Origin::from_url(&url).unwrap();
    let error = send(get_bound(url, &[&origin])).await.unwrap_err();
    assert!(
        matches!(error, NetError::NoConnection { failure: ConnectFailure::Tls, .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
}

#[tokio::test]
async fn an_authority_in_a_file_is_trusted_for_that_request_only() {
    let client = HttpClient::default();
    let url = serve(reply(200, "", "trusted"));
    let trusting = OutgoingRequest { ca_file: Some(file("authority.pem")), ..get(url.clone()) };
    assert_eq!(client.send(trusting).await.unwrap().body.text().as_deref(), Some("trusted"));
    assert!(client.send(get(url)).await.is_err());
}

#[tokio::test]
async fn a_redirect_to_plain_http_is_not_followed() {
    let plain = Server::answering(|_| reply(200, "", "")).await;
    let url = serve(reply(302, &format!("location: {}\r\n", plain.url("/")), ""));
    let origin = Origin::from_url(&url).unwrap();
    let outgoing = OutgoingRequest {
        ca_file: Some(file("authority.pem")),
        ..get_bound(url, &[&origin, &plain.origin])
    };
    let error = send(outgoing).await.unwrap_err();
    assert_eq!(
        error,
        NetError::UnsafeRedirect {
            host: "127.0.0.1".to_owned(),
            to: plain.origin.to_string(),
            hazard: RedirectHazard::Downgrade,
        }
    );
    assert!(plain.requests().is_empty());
}

#[tokio::test]
async fn a_certificate_file_that_is_not_there_is_named() {
    let url = serve(reply(200, "", ""));
    let error =
        send(OutgoingRequest { ca_file: Some(file("absent.pem")), ..get(url) }).await.unwrap_err();
    assert!(
        matches!(&error, NetError::InvalidRequest(why) if why.contains("absent.pem")),
        "{error}"
    );
}

#[tokio::test]
async fn the_limit_of_a_connection_covers_the_handshake() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = url::Url::parse(&format!("https://{}/", silent.local_addr().unwrap())).unwrap();
    let limits = RequestLimits { connect_timeout: Duration::from_millis(300), ..LIMITS };
    let error = send(OutgoingRequest { limits, ..get(url) }).await.unwrap_err();
    assert_eq!(
        error,
        NetError::TimedOut { host: "127.0.0.1".to_owned(), limit: limits.connect_timeout }
    );
}
