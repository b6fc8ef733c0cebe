//! Where redirects lead, and what goes along.

use tokenring::domain::Secret;
use tokenring::domain::request::Method;
use tokenring::domain::response::Body;
use tokenring::net::{NetError, Outgoing, Payload};

use super::server::{Server, reply};
use super::{SECRET, get, get_bound, send};

/// A server that redirects everything to `location`.
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
        for location in [other.url("/x").to_string(), format!("//{}/x", other.url("/").authority())] {
            let first = redirecting(status, location).await;
            let answer = send(get_bound(first.url("/"), &[&first.origin])).await.unwrap();
            assert_eq!(answer.body, Body::Text("here".to_owned()));
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
    let within =
        Server::answering(
            |request| if request.starts_with("GET / ") { reply(302, "location: /next\r\n", "") } else { reply(200, "", "") },
        )
        .await;
    send(get_bound(within.url("/"), &[&within.origin])).await.unwrap();
    for server in [other, within] {
        assert!(server.requests().iter().all(|request| request.contains(&format!("authorization: token {SECRET}"))));
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
    assert!(matches!(error, NetError::Astray { .. }), "{error}");
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn a_circle_ends() {
    let server = redirecting(302, "/again".to_owned()).await;
    let error = send(get_bound(server.url("/"), &[&server.origin])).await.unwrap_err();
    assert_eq!(error, NetError::Redirects { host: "127.0.0.1".to_owned() });
    assert_eq!(server.requests().len(), 6);
}

#[tokio::test]
async fn what_writes_is_never_redirected() {
    for status in [301, 302, 303, 307, 308] {
        let other = welcoming().await;
        let first = redirecting(status, other.url("/").to_string()).await;
        let body = Payload::Sealed { bytes: Secret::from_text(format!("pat={SECRET}")), origins: vec![first.origin.clone()] };
        let post = Outgoing { method: Method::Post, body, ..get(first.url("/")) };
        assert_eq!(send(post).await.unwrap().status, status);
        assert!(first.requests()[0].ends_with(&format!("\r\n\r\npat={SECRET}")));
        assert!(other.requests().is_empty());
    }
}

#[tokio::test]
async fn nothing_is_sent_where_the_secret_is_not_bound() {
    let (home, other) = (welcoming().await, welcoming().await);
    let error = send(get_bound(other.url("/?q"), &[&home.origin])).await.unwrap_err();
    assert_eq!(error, NetError::NotBound(other.origin.to_string()));
    let body = Payload::Sealed { bytes: Secret::from_text(SECRET.to_owned()), origins: vec![home.origin.clone()] };
    let error = send(Outgoing { method: Method::Post, body, ..get(other.url("/")) }).await.unwrap_err();
    assert_eq!(error, NetError::NotBound(other.origin.to_string()));
    assert!(other.requests().is_empty());
}
