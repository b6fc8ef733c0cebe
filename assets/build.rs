//! Turns the provider files and themes that come with the program into JSON, which is read ten times faster than TOML.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

const ASSETS: &str = "assets";
const FOLDERS: [&str; 2] = ["providers", "themes"];

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
    let table: toml::Table = fs::read_to_string(file)?.parse()?;
    let name = file.file_name().ok_or("a file without a name")?;
    fs::write(out.join(name).with_extension("json"), serde_json::to_vec(&table)?)?;
    Ok(())
}
