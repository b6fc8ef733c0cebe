//! Tests that run in a world of their own: they start their own test binary once more, for themselves alone, wrapped
//! in a command that makes the world (another environment, a message bus, fewer rights).

use std::process::{Command, Output};

/// Says to the inner run which test it is.
const INSIDE: &str = "TOKENRING_TEST_INSIDE";

/// Runs `body` inside `world`, whose last arguments become the command to run, and passes its failure on.
pub(crate) fn inside<F: AsyncFnOnce()>(world: Command, body: F) {
    if let Some(mut again) = outside(world, body) {
        let output = again.output().expect("the world starts");
        assert!(passed(&output), "inside {again:?}:\n{}", all_of(&output));
    }
}

/// Outside, the command that runs this test again, inside `world`; inside, the test itself, and then nothing.
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

/// The name by which the test runner knows the function whose closure this is.
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
