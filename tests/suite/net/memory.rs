//! Tests of copies of a secret in the memory of the process after a request.

use std::sync::Arc;

use tokenring::domain::request::HttpMethod;
use tokenring::net::{HostBoundSecret, HttpClient, OutgoingRequest, RequestBody, Transport as _};
use tokio::io::AsyncWriteExt as _;

use super::get;
use super::server::{Server, read_request, reply};
use crate::support::marker::MemoryMarker;

/// Starts a server that does not record requests.
async fn unrecorded_server() -> Server {
    Server::scripted(|mut stream, _| async move {
        while read_request(&mut stream).await.is_some() {
            if stream.write_all(&reply(200, "", "fine")).await.is_err() {
                break;
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_copy_of_a_secret_outlives_its_connection() {
    let (marker, server, client) =
        (MemoryMarker::random(), unrecorded_server().await, HttpClient::default());
    let secret = Arc::new(marker.secret());
    let origins = || vec![server.origin.clone()];
    for _ in 0..3 {
        let bound = HostBoundSecret {
            scheme: "token".to_owned(),
            secret: Arc::clone(&secret),
            origins: origins(),
        };
        let in_header = OutgoingRequest { authorization: Some(bound), ..get(server.url("/")) };
        let body = RequestBody::HostBoundBytes { bytes: marker.secret(), origins: origins() };
        let in_body = OutgoingRequest { method: HttpMethod::Post, body, ..get(server.url("/")) };
        let (first, second) = futures::join!(client.send(in_header), client.send(in_body));
        assert!(first.is_ok() && second.is_ok());
    }
    assert!(marker.copies() > 0, "the search finds the secret while it is held");
    drop(secret);
    marker.wait_until_gone().await;
    drop(client);
}
