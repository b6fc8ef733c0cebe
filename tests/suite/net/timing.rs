//! Tests of the timing of an exchange: name lookup, connection, TLS and response, as far as each is
//! known.

use tokenring::domain::response::{ConnectTiming, ConnectionOrigin};
use tokenring::net::{HttpClient, OutgoingRequest, Transport as _};

use super::get;
use super::server::{Server, reply};
use super::tls::{file, serve};

fn made(connection: ConnectionOrigin) -> ConnectTiming {
    connection.connect_timing().unwrap_or_else(|| panic!("{connection:?}"))
}

#[tokio::test]
async fn a_connection_is_made_once_and_stands_then() {
    let server = Server::answering(|_| reply(200, "", "x")).await;
    let client = HttpClient::default();
    let first = client.send(get(server.url("/"))).await.unwrap().timing;
    let ConnectTiming { dns_ms, tls_ms, .. } = made(first.connection);
    assert_eq!((dns_ms, tls_ms), (None, None), "an address in plain http needs neither");
    assert!(first.first_byte_ms <= first.total_ms);
    let second = client.send(get(server.url("/"))).await.unwrap().timing;
    assert_eq!(second.connection, ConnectionOrigin::Reused);
}

#[tokio::test]
async fn a_name_is_looked_up_and_tls_is_agreed_on() {
    let server = Server::answering(|_| reply(200, "", "x")).await;
    let mut url = server.url("/");
    url.set_host(Some("localhost")).unwrap();
    let named = HttpClient::default().send(get(url)).await.unwrap().timing;
    assert!(made(named.connection).dns_ms.is_some(), "{named:?}");
    let sealed =
        OutgoingRequest { ca_file: Some(file("authority.pem")), ..get(serve(reply(200, "", "x"))) };
    let sealed = HttpClient::default().send(sealed).await.unwrap().timing;
    let ConnectTiming { dns_ms, connect_ms, tls_ms } = made(sealed.connection);
    assert!(
        dns_ms.is_none() && tls_ms.is_some_and(|tls| connect_ms + tls <= sealed.first_byte_ms),
        "{sealed:?}"
    );
}

#[tokio::test]
async fn a_redirect_to_another_server_counts_its_connection_too() {
    let other = Server::answering(|_| reply(200, "", "x")).await;
    let to = other.url("/").to_string();
    let answer = move |request: &str| {
        if request.starts_with("GET /away ") {
            reply(302, &format!("location: {to}\r\n"), "")
        } else {
            reply(200, "", "")
        }
    };
    let first = Server::answering(answer).await;
    let client = HttpClient::default();
    client.send(get(first.url("/"))).await.unwrap();
    let away = client.send(get(first.url("/away"))).await.unwrap().timing;
    assert!(away.connection.connect_timing().is_some(), "{away:?}");
}
