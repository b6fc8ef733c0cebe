//! Tests of connections to a server: directly, through a proxy, or refused.

use std::net::TcpListener;

use tokenring::domain::Origin;
use tokenring::net::{ConnectFailure, HttpClient, NetError, ProxyConfig, Transport as _};

use super::server::{Server, reply};
use super::{SECRET, get, get_bound, send};

/// A URL of a port without a listener.
fn unused_url() -> url::Url {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    url::Url::parse(&format!("http://{}/path?key=query-canary", listener.local_addr().unwrap()))
        .unwrap()
}

#[tokio::test]
async fn a_refused_connection_says_so_without_the_query() {
    let error = send(get(unused_url())).await.unwrap_err();
    assert!(
        matches!(error, NetError::NoConnection { failure: ConnectFailure::Refused, .. }),
        "{error:?}"
    );
    assert!(error.to_string().to_lowercase().contains("refused"), "{error}");
    assert!(!format!("{error:?}").contains("query-canary"), "{error:?}");
}

#[tokio::test]
async fn a_chosen_proxy_carries_requests_to_this_machine_too() {
    let proxy = Server::answering(|_| reply(200, "", "from the proxy")).await;
    let target = unused_url();
    let client = HttpClient::with_proxies(ProxyConfig::Custom(proxy.url("/")));
    let answer = client.send(get(target.clone())).await.unwrap();
    assert_eq!(answer.body.text().as_deref(), Some("from the proxy"));
    assert!(proxy.requests()[0].starts_with(&format!("GET {target} HTTP/1.1")));
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_and_never_sees_the_secret() {
    let proxy = Server::answering(|_| reply(403, "", "")).await;
    let client = HttpClient::with_proxies(ProxyConfig::Custom(proxy.url("/")));
    let origin = Origin::parse("https://api.example").unwrap();
    let error = client
        .send(get_bound("https://api.example/".parse().unwrap(), &[&origin]))
        .await
        .unwrap_err();
    assert!(
        matches!(error, NetError::NoConnection { failure: ConnectFailure::Proxy, .. }),
        "{error:?}"
    );
    assert!(proxy.requests()[0].starts_with("CONNECT api.example:443 "));
    assert!(!proxy.requests()[0].contains(SECRET));
}

#[tokio::test]
async fn the_program_names_itself_and_nothing_else() {
    let server = Server::answering(|_| reply(200, "", "")).await;
    send(get(server.url("/a?b=c"))).await.unwrap();
    let request = server.requests().remove(0);
    let mut names: Vec<&str> = request
        .lines()
        .skip(1)
        .filter_map(|line| line.split(':').next())
        .filter(|name| !name.is_empty())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "accept-encoding", "host", "user-agent"]);
    assert!(
        request.contains(&format!("user-agent: tokenring/{}\r\n", env!("CARGO_PKG_VERSION"))),
        "{request}"
    );
}
