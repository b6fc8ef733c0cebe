//! Checks and requests against a loopback server, beside clients that do nothing else.

use std::process::Command;
use std::time::{Duration, Instant};

use axum::Router;
use futures::{StreamExt as _, stream};

use crate::table;
use crate::world::{Home, have, run};
use crate::{at, median_of};

const CREDENTIALS: u32 = 1_000;
const AT_ONCE: usize = 32;
const RUNS: usize = 5;
const COLD_RUNS: usize = 15;

const ANSWER: &str = r#"{"data":{"type":"user","id":"000000000000000000000000000000000000","attributes":{"name":"somebody"}}}"#;

/// Measures checks and a single request.
pub(crate) fn measure() {
    // The bare client brings none of its own. It can be installed once, and nobody else does.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let home = Home::with_credentials(CREDENTIALS);
    let origin = runtime.block_on(async {
        home.keep_secrets(CREDENTIALS.into()).await;
        serve().await
    });
    run(&mut home.command(&["regions", "add", "--provider", "snyk", "--id", "SNYK-EU-01", "--api", &origin]));
    let url = format!("{origin}/rest/self?version=2024-10-15");

    // One check in a process is what everything but the checks costs.
    let one = median_of(RUNS, || run(&mut home.command(&["check", "ci  -scan-00000"])));
    let all = median_of(RUNS, || run(&mut home.command(&["check", "--all"])));
    let mut bare: Vec<_> = (0..RUNS).map(|_| runtime.block_on(bare_requests(&url))).collect();
    table::ratio("`check --all`, 1,000 credentials, less one check", all - one, ("bare client", at(&mut bare, 50)), 1.5);

    const COLD: &str = "`request`, cold";
    if !have("curl") {
        return table::skip(COLD, "curl is not installed");
    }
    let taken = median_of(COLD_RUNS, || run(&mut home.command(&["request", "ci  -scan-00000", "/rest/self?version=2024-10-15"])));
    let beside = median_of(COLD_RUNS, || run(Command::new("curl").args(["-s", "-H", "authorization: token x", &url])));
    table::ratio(COLD, taken, ("curl", beside), 1.2);
}

async fn serve() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let answer = || async { ([("content-type", "application/vnd.api+json")], ANSWER) };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    origin
}

async fn bare_requests(url: &str) -> Duration {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let begin = Instant::now();
    let one = |_| {
        let request = client.get(url).header("authorization", "token 00000000-0000-4000-8000-000000000000");
        async { assert_eq!(request.send().await.unwrap().text().await.unwrap(), ANSWER) }
    };
    stream::iter(0..CREDENTIALS).map(one).buffer_unordered(AT_ONCE).collect::<()>().await;
    begin.elapsed()
}
