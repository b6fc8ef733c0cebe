//! Tests of redirects: which ones are followed, and which headers are sent along.

use tokenring::domain::request::HttpMethod;
use tokenring::domain::response::{ApiResponse, ResponseBody};
use tokenring::domain::{Origin, Secret};
use tokenring::net::{
    HttpClient, NetError, OutgoingRequest, ProxyConfig, RequestBody, Transport as _,
};

use super::server::{Server, reply};
use super::{SECRET, get, get_bound, send};

/// Starts a server that redirects everything to `location`.
async fn redirecting(status: u16, location: String) -> Server {
    Server::answering(move |_| reply(status, &format!("location: {location}\r\n"), "")).await
}

async fn welcoming() -> Server {
    Server::answering(|_| reply(200, "", "here")).await
}

#[tokio::test]
async fn another_server_is_reached_without_the_secret() {
    for status in [301, 302, 303, 307, 308] {
        let other = welcoming().await;
        for location in [other.url("/x").to_string(), format!("//{}/x", other.url("/").authority())]
        {
            let first = redirecting(status, location).await;
            let answer = send(get_bound(first.url("/"), &[&first.origin])).await.unwrap();
            assert_eq!(answer.body, ResponseBody::from("here".to_owned()));
            assert_eq!(answer.url, other.url("/x").to_string());
            assert!(first.requests()[0].contains(&format!("authorization: token {SECRET}")));
        }
        let requests = other.requests();
        assert_eq!(requests.len(), 2, "{status}");
        assert!(requests.iter().all(|request| !request.contains(SECRET)), "{requests:?}");
    }
}

#[tokio::test]
async fn the_secret_stays_with_a_redirect_within_its_origins() {
    let other = welcoming().await;
    let first = redirecting(302, other.url("/x").to_string()).await;
    send(get_bound(first.url("/"), &[&first.origin, &other.origin])).await.unwrap();
    let within = Server::answering(|request| {
        if request.starts_with("GET / ") {
            reply(302, "location: /next\r\n", "")
        } else {
            reply(200, "", "")
        }
    })
    .await;
    send(get_bound(within.url("/"), &[&within.origin])).await.unwrap();
    for server in [other, within] {
        assert!(
            server
                .requests()
                .iter()
                .all(|request| request.contains(&format!("authorization: token {SECRET}")))
        );
    }
}

#[tokio::test]
async fn a_detour_does_not_bring_the_secret_back() {
    let home = welcoming().await;
    let stranger = redirecting(302, home.url("/delete-everything").to_string()).await;
    let first = redirecting(302, stranger.url("/").to_string()).await;
    send(get_bound(first.url("/"), &[&first.origin, &home.origin])).await.unwrap();
    assert!(!home.requests()[0].contains(SECRET));
}

#[tokio::test]
async fn a_user_name_in_a_redirect_is_not_followed() {
    let other = welcoming().await;
    let first = redirecting(302, format!("http://127.0.0.1@{}/", other.url("/").authority())).await;
    let error = send(get_bound(first.url("/"), &[&first.origin])).await.unwrap_err();
    assert!(matches!(error, NetError::UnsafeRedirect { .. }), "{error}");
    assert!(other.requests().is_empty());
}

/// Redirect targets that look like the host of the secret but are not.
const LOOK_ALIKES: [&str; 18] = [
    "http://LOCALHOST.:8080/x",
    "http://lоcalhost:8080/x",
    "http://xn--lcalhost-u5i:8080/x",
    "http://localhost.evil.example:8080/x",
    "http://evil.example/localhost:8080",
    "http://evil.example\\@localhost:8080/x",
    "http://evil.example?@localhost:8080/x",
    "http://evil.example#@localhost:8080/x",
    "//evil.example/x",
    "///evil.example/x",
    "/\\evil.example/x",
    "\\\\evil.example\\x",
    "http:\\\\evil.example\\x",
    "http://127.0.0.1:8080/x",
    "http://2130706433:8080/x",
    "http://[::ffff:127.0.0.1]:8080/x",
    "http://localhost:8081/x",
    "https://localhost:8080/x",
];

/// Requests to the host of the secret as a proxy sees them, and the requests that the proxy saw
/// after the redirect.
async fn requests_elsewhere(
    status: u16,
    location: &'static str,
) -> (Result<ApiResponse, NetError>, Vec<String>) {
    let answer = move |request: &str| {
        if request.starts_with("GET http://localhost:8080/start ") {
            reply(status, &format!("location: {location}\r\n"), "")
        } else if request.starts_with("CONNECT ") {
            reply(403, "", "")
        } else {
            reply(200, "", "elsewhere")
        }
    };
    let proxy = Server::answering(answer).await;
    let client = HttpClient::with_proxies(ProxyConfig::Custom(proxy.url("/")));
    let home = Origin::parse("http://localhost:8080").unwrap();
    let answer =
        client.send(get_bound("http://localhost:8080/start".parse().unwrap(), &[&home])).await;
    let mut requests = proxy.requests();
    assert!(requests.remove(0).contains(&format!("authorization: token {SECRET}")));
    (answer, requests)
}

#[tokio::test]
async fn no_look_alike_of_the_home_ever_sees_the_secret() {
    for status in [301, 302, 303, 307, 308] {
        let mut reached = 0;
        for location in LOOK_ALIKES {
            let (_, others) = requests_elsewhere(status, location).await;
            assert!(
                others.iter().all(|request| !request.contains(SECRET)),
                "{location}: {others:?}"
            );
            reached += others.len();
        }
        assert!(reached >= 12, "most of them are reached, only without the secret: {reached}");
    }
}

#[tokio::test]
async fn a_user_name_before_a_host_is_not_followed() {
    for trick in [
        "http://localhost:8080@evil.example/x",
        "http://localhost%3A8080@evil.example/",
        "//u:p@localhost:8080/x",
    ] {
        let (answer, others) = requests_elsewhere(302, trick).await;
        assert!(matches!(answer, Err(NetError::UnsafeRedirect { .. })), "{trick}: {answer:?}");
        assert_eq!(others, [] as [&str; 0], "{trick}");
    }
}

#[tokio::test]
async fn a_circle_ends() {
    let server = redirecting(302, "/again".to_owned()).await;
    let error = send(get_bound(server.url("/"), &[&server.origin])).await.unwrap_err();
    assert_eq!(error, NetError::TooManyRedirects { host: "127.0.0.1".to_owned() });
    assert_eq!(server.requests().len(), 6);
}

#[tokio::test]
async fn what_writes_is_never_redirected() {
    for status in [301, 302, 303, 307, 308] {
        let other = welcoming().await;
        let first = redirecting(status, other.url("/").to_string()).await;
        let body = RequestBody::HostBoundBytes {
            bytes: Secret::from_text(format!("pat={SECRET}")),
            origins: vec![first.origin.clone()],
        };
        let post = OutgoingRequest { method: HttpMethod::Post, body, ..get(first.url("/")) };
        assert_eq!(send(post).await.unwrap().status, status);
        assert!(first.requests()[0].ends_with(&format!("\r\n\r\npat={SECRET}")));
        assert!(other.requests().is_empty());
    }
}

#[tokio::test]
async fn nothing_is_sent_where_the_secret_is_not_bound() {
    let (home, other) = (welcoming().await, welcoming().await);
    let error = send(get_bound(other.url("/?q"), &[&home.origin])).await.unwrap_err();
    assert_eq!(error, NetError::OriginNotAllowed(other.origin.to_string()));
    let body = RequestBody::HostBoundBytes {
        bytes: Secret::from_text(SECRET.to_owned()),
        origins: vec![home.origin.clone()],
    };
    let error = send(OutgoingRequest { method: HttpMethod::Post, body, ..get(other.url("/")) })
        .await
        .unwrap_err();
    assert_eq!(error, NetError::OriginNotAllowed(other.origin.to_string()));
    assert!(other.requests().is_empty());
}
