//! `cargo bench`: measures how fast the program is. Each figure is compared with something else
//! measured in the same run, because absolute times depend on the machine. Prints one table, and
//! fails only if something cannot be measured. `cargo bench -- network` measures one part alone.
//! Start with [`measure`].

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that cannot be made ends the run, and the table is what it is for"
)]

mod answer;
mod commands;
mod empty;
mod frame;
mod keyring;
mod network;
mod screen;
mod size;
mod table;
mod times;
mod world;

/// Argument that runs the empty program instead of the bench.
const EMPTY: &str = "empty";
const KEYRING: &str = "keyring";

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some(EMPTY) => empty::run().unwrap(),
        Some(KEYRING) => keyring::measure_inside(),
        _ => measure(
            &std::env::args()
                .skip(1)
                .filter(|argument| !argument.starts_with('-'))
                .collect::<Vec<_>>(),
        ),
    }
}

/// Measures the named parts, or all parts if no name is given.
fn measure(parts: &[String]) {
    world::prepare();
    table::begin();
    let many = world::Home::with_credentials(10_000);
    let all: [(&str, &dyn Fn()); 7] = [
        ("screen", &|| screen::measure(&many)),
        ("frame", &frame::measure),
        ("commands", &|| commands::measure(&many)),
        ("network", &network::measure),
        ("answer", &answer::measure),
        ("keyring", &keyring::measure),
        ("size", &size::measure),
    ];
    let is_wanted = |name: &str| parts.is_empty() || parts.iter().any(|part| part == name);
    all.iter().filter(|(name, _)| is_wanted(name)).for_each(|(_, part)| part());
}
