//! The program: hands its arguments to the command line door and exits with the code it names.

fn main() -> std::process::ExitCode {
    tokenring::cli::main()
}
