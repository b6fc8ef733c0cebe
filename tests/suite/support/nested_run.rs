//! Nested test runs: a test starts its own test binary again, for itself alone, wrapped in a
//! command that sets up an environment (other variables, a message bus, fewer rights). Start with
//! [`run_nested`].

use std::process::{Command, Output};

/// Environment variable of the nested run: the name of the test.
const NESTED_TEST_VARIABLE: &str = "TOKENRING_TEST_INSIDE";

/// Runs `body` in a nested run inside `wrapper`, whose last arguments become the command to run;
/// fails if the nested run fails.
pub(crate) fn run_nested<F: AsyncFnOnce()>(wrapper: Command, body: F) {
    if let Some(mut nested) = nested_command(wrapper, body) {
        let output = nested.output().expect("the wrapper starts");
        assert!(passed(&output), "inside {nested:?}:\n{}", output_text(&output));
    }
}

/// In the outer run, returns the command that runs this test again inside `wrapper`; in the nested
/// run, runs the test and returns `None`.
pub(crate) fn nested_command<F: AsyncFnOnce()>(mut wrapper: Command, body: F) -> Option<Command> {
    let name = test_name(&body);
    if is_nested(&name) {
        runtime().block_on(body());
        return None;
    }
    wrapper.arg(std::env::current_exe().expect("the test binary has a path"));
    wrapper
        .args(["--exact", &name, "--nocapture", "--test-threads=1"])
        .env(NESTED_TEST_VARIABLE, &name);
    Some(wrapper)
}

fn is_nested(name: &str) -> bool {
    std::env::var(NESTED_TEST_VARIABLE).is_ok_and(|running| running == name)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// The name under which the test runner knows the function that contains this closure.
fn test_name<F>(_body: &F) -> String {
    let path = std::any::type_name::<F>();
    let name = path.split_once("::").map_or(path, |(_crate, rest)| rest);
    name.trim_end_matches("::{{closure}}").to_owned()
}

fn passed(output: &Output) -> bool {
    output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed")
}

fn output_text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
