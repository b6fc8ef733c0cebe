//! Checks and requests against a loopback server, beside clients that do nothing else.

use std::process::Command;
use std::time::{Duration, Instant};

use axum::Router;
use futures::{StreamExt as _, stream};

use crate::fastest;
use crate::table;
use crate::world::{Home, have, run};

const CREDENTIALS: u32 = 1_000;
const AT_ONCE: u32 = 32;
const SLOW: Duration = Duration::from_millis(50);
const RUNS: usize = 9;
const COLD_RUNS: usize = 40;

const COLD: &str = "`request`, cold";

const ANSWER: &str = r#"{"data":{"type":"user","id":"000000000000000000000000000000000000","attributes":{"name":"somebody"}}}"#;

/// Measures checks and a single request.
pub(crate) fn measure() {
    // The bare client brings none of its own. It can be installed once, and nobody else does.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let home = Home::with_credentials(CREDENTIALS);
    runtime.block_on(home.keep_secrets(CREDENTIALS.into()));
    let settle = |pause| {
        let origin = runtime.block_on(serve(pause));
        run(&mut home.command(&["regions", "add", "--provider", "snyk", "--id", "SNYK-EU-01", "--api", &origin]));
        origin
    };
    let origin = settle(Duration::ZERO);
    let url = format!("{origin}/rest/self?version=2024-10-15");

    // One check in a process is what everything but the checks costs.
    let check = |what| run(&mut home.command(&["check", what]));
    let (all, bare) = fastest(RUNS, || check("--all"), || runtime.block_on(bare_requests(&url)));
    let (one, all_again) = fastest(RUNS, || check("ci  -scan-00000"), || check("--all"));
    let taken = all.min(all_again).saturating_sub(one);
    table::ratio("`check --all`, 1,000 credentials, less one check", taken, ("bare client", bare), 1.5);

    settle(SLOW);
    let (all, one) = fastest(2, || check("--all"), || check("ci  -scan-00000"));
    let ideal = SLOW * CREDENTIALS.div_ceil(AT_ONCE);
    let taken = (all + SLOW).saturating_sub(one);
    table::ratio("`check --all`, a server that takes 50 ms", taken, ("nothing but waiting", ideal), 1.07);
    let origin = settle(Duration::ZERO);
    let url = format!("{origin}/rest/self?version=2024-10-15");

    if !have("curl") {
        return table::skip(COLD, "curl is not installed");
    }
    let request = || run(&mut home.command(&["request", "ci  -scan-00000", "/rest/self?version=2024-10-15"]));
    let curl = || run(Command::new("curl").args(["-s", "-H", "authorization: token x", &url]));
    let (taken, beside) = fastest(COLD_RUNS, request, curl);
    table::ratio(COLD, taken, ("curl", beside), 1.2);
}

/// A server that takes so long for each answer.
async fn serve(pause: Duration) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let answer = move || async move {
        tokio::time::sleep(pause).await;
        ([("content-type", "application/vnd.api+json")], ANSWER)
    };
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
    stream::iter(0..CREDENTIALS).map(one).buffer_unordered(AT_ONCE as usize).collect::<()>().await;
    begin.elapsed()
}
