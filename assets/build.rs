//! Turns the provider files and themes that come with the program into JSON, which is read ten times faster than TOML.
//! The ready-made requests of a provider become a list of their own, id and text of each, since a first frame needs only
//! one of them.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

const ASSETS: &str = "assets";
const FOLDERS: [&str; 2] = ["providers", "themes"];
const PRESETS: &str = "preset";

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
    Ok(())
}

fn translate(file: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    let mut table: toml::Table = fs::read_to_string(file)?.parse()?;
    let out = out.join(file.file_name().ok_or("a file without a name")?);
    if let Some(presets) = table.remove(PRESETS) {
        fs::write(out.with_extension("presets.rs"), list(&presets)?)?;
    }
    fs::write(out.with_extension("json"), serde_json::to_vec(&table)?)?;
    Ok(())
}

/// The source of a list of ids and texts.
fn list(presets: &toml::Value) -> Result<String, Box<dyn Error>> {
    let mut list = Vec::new();
    for preset in presets.as_array().ok_or("presets that are no list")? {
        let id = preset.get("id").and_then(toml::Value::as_str).ok_or("a preset without an id")?;
        list.push((id, serde_json::to_string(preset)?));
    }
    Ok(format!("&{list:?}"))
}
