//! Nested test runs: a test starts its own test binary again, for itself alone, wrapped in a
//! command that sets up an environment (other variables, a message bus, fewer rights). Start with
//! [`run_nested`].

use std::process::{Command, Output};

/// Environment variable of the nested run: the name of the test.
const INSIDE: &str = "TOKENRING_TEST_INSIDE";

/// Runs `body` in a nested run inside `wrapper`, whose last arguments become the command to run;
/// fails if the nested run fails.
pub(crate) fn inside<F: AsyncFnOnce()>(world: Command, body: F) {
    if let Some(mut again) = outside(world, body) {
        let output = again.output().expect("the world starts");
        assert!(passed(&output), "inside {again:?}:\n{}", all_of(&output));
    }
}

/// In the outer run, returns the command that runs this test again inside `wrapper`; in the nested
/// run, runs the test and returns `None`.
pub(crate) fn outside<F: AsyncFnOnce()>(mut world: Command, body: F) -> Option<Command> {
    let name = name_of(&body);
    if is_inside(&name) {
        runtime().block_on(body());
        return None;
    }
    world.arg(std::env::current_exe().expect("the test binary has a path"));
    world.args(["--exact", &name, "--nocapture", "--test-threads=1"]).env(INSIDE, &name);
    Some(world)
}

fn is_inside(name: &str) -> bool {
    std::env::var(INSIDE).is_ok_and(|inside| inside == name)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// The name under which the test runner knows the function that contains this closure.
fn name_of<F>(_body: &F) -> String {
    let path = std::any::type_name::<F>();
    let name = path.split_once("::").map_or(path, |(_crate, rest)| rest);
    name.trim_end_matches("::{{closure}}").to_owned()
}

fn passed(output: &Output) -> bool {
    output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed")
}

fn all_of(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
