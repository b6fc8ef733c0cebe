//! Benchmarks of checks and requests against a loopback server, compared with clients that do
//! nothing else. Start with [`measure`].

use std::process::Command;
use std::time::{Duration, Instant};

use axum::Router;
use futures::{StreamExt as _, stream};
use tokio::runtime::{Builder, Runtime};

use crate::screen::RunningProgram;
use crate::table;
use crate::times::{RunTimes, alternate};
use crate::world::{self, Home, PASSPHRASE, is_installed, run};

const CREDENTIALS: u32 = 1_000;
const CONCURRENT_CHECKS: u32 = 32;
const SLOW_ANSWER_TIME: Duration = Duration::from_millis(50);
const RUNS: usize = 9;
const COLD_RUNS: usize = 41;

/// Name of the first credential.
const FIRST_CREDENTIAL: &str = "ci  -scan-00000";
const PATH: &str = "/rest/self?version=2024-10-15";

const ANSWER: &str = r#"{"data":{"type":"user","id":"000000000000000000000000000000000000","attributes":{"name":"somebody"}}}"#;

/// Home with credentials and their secrets, and a region that points at the server of the bench.
struct LoopbackSite {
    home: Home,
    runtime: Runtime,
}

/// Measures checks and single requests.
pub(crate) fn measure() {
    // The reqwest client of the bench has no crypto provider. It can be installed once, and no
    // other code of the bench installs it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (site, larger) = (
        LoopbackSite::with_credentials(CREDENTIALS),
        LoopbackSite::with_credentials(CREDENTIALS * 10),
    );
    let url = site.serve(Duration::ZERO);
    larger.serve(Duration::ZERO);
    measure_bare_clients(&site, &url);
    let (taken, beside) = alternate(RUNS / 3, || larger.checks(), || site.checks());
    table::ratio(
        "`check --all`, 10,000 credentials",
        &taken,
        ("10 × 1,000 credentials", &beside.times(10)),
        1.1,
    );
    measure_single_request(&site, &url);

    site.serve(SLOW_ANSWER_TIME);
    // A process that makes a single check costs everything except the checks.
    let taken: RunTimes = (0..RUNS / 3).map(|_| site.checks() + SLOW_ANSWER_TIME).collect();
    let ideal: RunTimes =
        [SLOW_ANSWER_TIME * CREDENTIALS.div_ceil(CONCURRENT_CHECKS)].into_iter().collect();
    table::ratio(
        "`check --all`, a server that takes 50 ms",
        &taken,
        ("nothing but waiting", &ideal),
        1.07,
    );
    measure_screen(&site);
}

/// Measures all checks, compared with clients that only send.
fn measure_bare_clients(site: &LoopbackSite, url: &str) {
    let (taken, beside) =
        alternate(RUNS, || site.checks(), || site.runtime.block_on(bare_requests(url)));
    table::ratio(
        "`check --all`, 1,000 credentials, less one check",
        &taken,
        ("bare client", &beside),
        1.5,
    );
    if !is_installed("oha") {
        return table::skip(
            "`check --all`, 1,000 credentials, less one check",
            "oha is not installed",
        );
    }
    let (count, at_once) = (CREDENTIALS.to_string(), CONCURRENT_CHECKS.to_string());
    let oha = || run(Command::new("oha").args(["-n", &count, "-c", &at_once, "--no-tui", url]));
    let (taken, beside) = alternate(RUNS, || site.checks(), oha);
    table::ratio("`check --all`, 1,000 credentials, less one check", &taken, ("oha", &beside), 1.5);
}

/// Measures one request in its own process, compared with other programs that send it.
fn measure_single_request(site: &LoopbackSite, url: &str) {
    let curl: &[&str] = &["-s", "-H", "authorization: token x", url];
    for (program, arguments) in
        [("curl", curl), ("xh", &["--ignore-stdin", "--body", url, "authorization:token x"])]
    {
        if !is_installed(program) {
            table::skip("`request`, cold", &format!("{program} is not installed"));
            continue;
        }
        let request = || run(&mut site.home.command(&["request", FIRST_CREDENTIAL, PATH]));
        let (taken, beside) =
            alternate(COLD_RUNS, request, || run(Command::new(program).args(arguments)));
        table::ratio("`request`, cold", &taken, (program, &beside), 1.2);
    }
}

/// Measures the screen while all credentials are checked: key latency, compared with the empty
/// program, and the number of frames.
fn measure_screen(site: &LoopbackSite) {
    let mut ours = RunningProgram::start(&site.home.command(&[]));
    let mut empty = RunningProgram::start(&world::empty());
    ours.read_until_silent();
    empty.read_until_silent();
    ours.press_each(&["u", PASSPHRASE, "\r", "\r"]);
    let (frames, span) = ours.frames_after("C");
    let a_second = f64::from(frames) / span.as_secs_f64();
    let taken = format!("{frames} in {:.1} s", span.as_secs_f32());
    table::limit("frames while 1,000 checks run", &taken, "–", (a_second, 60.0, "a second"));
    // A frame that reports a check counts as the frame of the key if it comes first; this happens
    // at most once in a hundred keys.
    ours.write("C");
    crate::screen::keys("key → painted while 1,000 checks run", &mut ours, &mut empty);
    ours.read_until_silent();
    ours.end();
    empty.end();
}

impl LoopbackSite {
    fn with_credentials(count: u32) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let home = Home::with_credentials(count);
        runtime.block_on(home.store_secrets(count.into()));
        Self { home, runtime }
    }

    /// Points the region at a server that waits for `pause` before each response; returns the URL
    /// of a request to it.
    fn serve(&self, pause: Duration) -> String {
        let origin = self.runtime.block_on(serve(pause));
        run(&mut self.home.command(&[
            "regions",
            "add",
            "--yes",
            "--provider",
            "snyk",
            "--id",
            "SNYK-EU-01",
            "--api",
            &origin,
        ]));
        origin + PATH
    }

    /// Returns how much longer all checks take than a single one; a single check costs everything
    /// except the checks.
    fn checks(&self) -> Duration {
        let check = |what| run(&mut self.home.command(&["check", what]));
        check("--all").saturating_sub(check(FIRST_CREDENTIAL))
    }
}

/// Starts a server that waits for `pause` before each response.
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
        let request =
            client.get(url).header("authorization", "token 00000000-0000-4000-8000-000000000000");
        async { assert_eq!(request.send().await.unwrap().text().await.unwrap(), ANSWER) }
    };
    stream::iter(0..CREDENTIALS)
        .map(one)
        .buffer_unordered(CONCURRENT_CHECKS as usize)
        .collect::<()>()
        .await;
    begin.elapsed()
}
