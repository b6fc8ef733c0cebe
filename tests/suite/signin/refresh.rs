//! Tests of sessions: a refresh token is used once even if several processes need it, and a request
//! is repeated only if that is safe.

use serde_json::Value;

use super::{SESSION, advance, home_with_simulator, request_count};
use crate::support::program::{Home, SimulatorProcess};

const TOKEN: &str = "/oauth2/token";

/// Eight processes check one session at the same time.
fn eight_checks(home: &Home) -> Vec<Value> {
    let check = || home.run(&["check", SESSION, "--json"]).expect(0).json()[0]["verdict"].clone();
    std::thread::scope(|scope| {
        let checkers: Vec<_> = (0..8).map(|_| scope.spawn(check)).collect();
        checkers.into_iter().map(|checker| checker.join().unwrap()).collect()
    })
}

fn session() -> (Home, SimulatorProcess) {
    let (home, simulator) = home_with_simulator();
    home.add_seeded(&simulator, SESSION).expect(0);
    (home, simulator)
}

#[tokio::test]
async fn eight_processes_in_need_of_a_session_refresh_it_once() {
    let (home, simulator) = session();
    assert_eq!(eight_checks(&home), vec!["accepted"; 8]);
    assert_eq!(request_count(&simulator, "POST", TOKEN).await, 1);
    // By the clock of this machine the access token is valid for most of an hour; by the provider's
    // clock it has expired.
    advance(&simulator, 120).await;
    assert_eq!(eight_checks(&home), vec!["accepted"; 8]);
    assert_eq!(request_count(&simulator, "POST", TOKEN).await, 2);
}

#[tokio::test]
async fn an_access_token_that_ends_in_mid_use_is_renewed_once_and_silently() {
    let (home, simulator) = session();
    home.run(&["check", SESSION]).expect(0);
    advance(&simulator, 120).await;
    let before = request_count(&simulator, "GET", "/rest/self").await;
    let answer =
        home.run(&["request", SESSION, "/rest/self?version=2024-10-15", "--json"]).expect(0);
    assert_eq!((answer.json()["status"].as_u64(), answer.err.as_str()), (Some(200), ""));
    assert_eq!(
        request_count(&simulator, "GET", "/rest/self").await,
        before + 2,
        "one refusal, one repetition"
    );
    assert_eq!(request_count(&simulator, "POST", TOKEN).await, 2);
}

#[tokio::test]
async fn what_may_change_something_is_not_repeated_unasked() {
    let (home, simulator) = session();
    home.run(&["check", SESSION]).expect(0);
    advance(&simulator, 120).await;
    let path = "/rest/self/apps/installs/00000000-0000-4000-8000-000000000000?version=2024-10-15";
    let delete = ["request", SESSION, "DELETE", path, "--yes", "--json"];
    let left = home.run(&delete).expect(4).json();
    assert_eq!(left["status"], 401);
    assert!(
        left["explanation"]["remedy"].as_str().unwrap().contains("send the request again"),
        "{left}"
    );
    assert_eq!(
        (
            request_count(&simulator, "DELETE", "/rest/self/apps").await,
            request_count(&simulator, "POST", TOKEN).await
        ),
        (1, 1)
    );
    assert_eq!(
        home.run(&delete).json()["status"],
        404,
        "sent again it goes with a new access token"
    );
    assert_eq!(
        (
            request_count(&simulator, "DELETE", "/rest/self/apps").await,
            request_count(&simulator, "POST", TOKEN).await
        ),
        (2, 2)
    );
}

#[tokio::test]
async fn a_refused_refresh_token_is_not_deleted_and_the_remedy_is_named() {
    let (home, simulator) = session();
    let before = home.run(&["get", SESSION]).expect(0).out;
    advance(&simulator, 60 * 24 * 200).await;
    let refused = home.run(&["check", SESSION, "--json"]).expect(4).json();
    assert!(
        refused[0]["reason"].as_str().unwrap().contains("refused the refresh token"),
        "{refused}"
    );
    let problem = home
        .run(&["request", SESSION, "/rest/self?version=2024-10-15", "--json"])
        .expect(4)
        .error();
    assert!(problem["remedy"].as_str().unwrap().contains("tokenring login"), "{problem}");
    assert_eq!(home.run(&["get", SESSION]).expect(0).out, before);
}

#[tokio::test]
async fn a_session_that_is_removed_leaves_no_access_token_behind() {
    let (home, _simulator) = session();
    home.run(&["check", SESSION]).expect(0);
    let vault = || std::fs::read(home.root().join("data/vault/vault.age")).unwrap().len();
    let full = vault();
    home.run(&["remove", SESSION, "--yes"]).expect(0);
    // The refresh token, the client secret and an access token of about 400 characters are gone.
    assert!(full - vault() > 500, "{full} bytes became {}", vault());
}
