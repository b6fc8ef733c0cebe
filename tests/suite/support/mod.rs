//! Helpers of several tests. Start with `program.rs` for the built program as a command, `pty.rs`
//! for the built program in a pseudo-terminal, and `session.rs` for the screen inside the test.

pub(crate) mod compression;
pub(crate) mod faulty;
#[cfg(target_os = "linux")]
pub(crate) mod marker;
pub(crate) mod nested_run;
pub(crate) mod program;
#[cfg(unix)]
pub(crate) mod pty;
pub(crate) mod recorder;
#[cfg(target_os = "linux")]
pub(crate) mod secret_service;
pub(crate) mod session;
#[cfg(target_os = "linux")]
pub(crate) mod stand_in;
#[cfg(unix)]
pub(crate) mod svg;

use std::time::{Duration, Instant};

use tokenring::domain::Secret;

/// Timeout of everything that a test waits for; only a failing test takes this long.
pub(crate) const TEST_TIMEOUT: Duration = Duration::from_secs(20);

/// Whether these programs are installed. If one is missing, prints that the test is skipped; with
/// `TOKENRING_TEST_REQUIRE=all` it fails instead.
pub(crate) fn programs_installed(programs: &[&str]) -> bool {
    let folders: Vec<_> =
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    let missing = programs
        .iter()
        .find(|program| !folders.iter().any(|folder| folder.join(program).is_file()));
    let Some(missing) = missing else { return true };
    let required = std::env::var("TOKENRING_TEST_REQUIRE").is_ok_and(|required| required == "all");
    assert!(!required, "{missing} is not installed, and TOKENRING_TEST_REQUIRE=all");
    println!("skipped: {missing} is not installed");
    false
}

/// Waits until `condition` holds; fails the test on timeout.
pub(crate) async fn wait_until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + TEST_TIMEOUT;
    while !condition().await {
        assert!(Instant::now() < end, "timed out: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A secret from a text.
pub(crate) fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

/// Fails the test unless the secret is the expected one; shows neither of them.
#[track_caller]
pub(crate) fn assert_same<E: std::fmt::Debug>(read: Result<Secret, E>, expected: &Secret) {
    match read {
        Ok(read) => {
            assert!(read.same_as(expected), "a different secret of {} bytes was read", read.len());
        }
        Err(error) => panic!("no secret was read: {error:?}"),
    }
}
