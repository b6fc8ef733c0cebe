//! Build script: converts the built-in provider files and themes from TOML into JSON, which is
//! parsed ten times faster.
//!
//! The kinds and the presets of a provider become separate lists of ID and text, because a first
//! frame needs only one of them. On Linux the script also links the unwinder statically.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

const ASSETS: &str = "assets";
const FOLDERS: [&str; 2] = ["providers", "themes"];
/// Tables that become separate lists, and the names of these lists.
const LISTS: [(&str, &str); 2] = [("kind", "kinds"), ("preset", "presets")];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo names no folder to write to")?);
    for folder in FOLDERS {
        let from = Path::new(ASSETS).join(folder);
        println!("cargo::rerun-if-changed={}", from.display());
        let to = out.join(folder);
        fs::create_dir_all(&to)?;
        for entry in fs::read_dir(from)? {
            let file = entry?.path();
            translate(&file, &to).map_err(|error| format!("{}: {error}", file.display()))?;
        }
    }
    bring_unwinder(&out)
}

/// Makes the linker use the static unwinder where the standard library names the shared one, which
/// takes a twentieth of the time to a first frame to load. Without a static one, the shared one
/// stays.
fn bring_unwinder(out: &Path) -> Result<(), Box<dyn Error>> {
    let is = |key, value| env::var(key).is_ok_and(|found: String| found == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") && has_unwinder() {
        fs::write(out.join("libgcc_s.so"), "INPUT(-lgcc_eh)")?;
        println!("cargo::rustc-link-arg-bins=-L{}", out.display());
    }
    Ok(())
}

/// Returns whether the compiler finds the static library. It prints the bare name of a library that
/// it does not find.
fn has_unwinder() -> bool {
    let Ok(compiler) = cc::Build::new().try_get_compiler() else { return false };
    let found = compiler.to_command().arg("-print-file-name=libgcc_eh.a").output();
    found.is_ok_and(|found| found.stdout.starts_with(b"/"))
}

fn translate(file: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    let mut table: toml::Table = fs::read_to_string(file)?.parse()?;
    let out = out.join(file.file_name().ok_or("a file without a name")?);
    for (key, name) in LISTS {
        if let Some(items) = table.get_mut(key) {
            fs::write(out.with_extension(format!("{name}.rs")), list(items)?)?;
            *items = toml::Value::Array(Vec::new());
        }
    }
    fs::write(out.with_extension("json"), serde_json::to_vec(&table)?)?;
    Ok(())
}

/// Returns the source of a list of IDs and texts.
fn list(items: &toml::Value) -> Result<String, Box<dyn Error>> {
    let mut list = Vec::new();
    for item in items.as_array().ok_or("what should be a list is none")? {
        let id = item.get("id").and_then(toml::Value::as_str).ok_or("an item without an id")?;
        list.push((id, serde_json::to_string(item)?));
    }
    Ok(format!("&{list:?}"))
}
