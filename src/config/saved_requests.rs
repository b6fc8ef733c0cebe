//! Folder of the requests that the user has saved under a name, one TOML file each.
//!
//! Start reading at [`SavedRequestStore`]. The format of a saved request belongs to
//! `domain::request`.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::file::{read_text, write_private};
use super::paths::AppPaths;
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::request::{SavedRequest, SavedRequestName};
use crate::domain::text::nearest_names;

/// Size limit of a request file, larger than any real request.
const MAX_REQUEST_FILE_BYTES: u64 = 4 << 20;

/// Store of the user's saved requests.
#[derive(Debug, Clone)]
pub struct SavedRequestStore {
    folder: PathBuf,
}

impl SavedRequestStore {
    /// Returns the store in the user's configuration folder. The folder need not exist yet.
    pub fn new(paths: &AppPaths) -> Self {
        Self { folder: paths.config.join("requests") }
    }

    /// Returns the names of all saved requests, sorted.
    pub fn ids(&self) -> Result<Vec<SavedRequestName>, Problem> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(unreadable(&self.folder.display().to_string(), &error.to_string()));
            }
        };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut ids: Vec<_> = names
            .filter_map(|name| SavedRequestName::parse(name.strip_suffix(".toml")?).ok())
            .collect();
        ids.sort();
        Ok(ids)
    }

    /// Reads the saved request with this name.
    pub fn load(&self, id: &SavedRequestName) -> Result<SavedRequest, Problem> {
        let path = self.path(id);
        let text = match read_text(&path, MAX_REQUEST_FILE_BYTES) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(self.unknown_request(id));
            }
            Err(error) => return Err(unreadable(&path.display().to_string(), &error.to_string())),
        };
        SavedRequest::from_toml(&text).map_err(|why| unreadable(&path.display().to_string(), &why))
    }

    /// Saves a request under a new name and returns the path of its file. A name in use is an
    /// error.
    pub fn save(&self, id: &SavedRequestName, saved: &SavedRequest) -> Result<PathBuf, Problem> {
        self.ensure_name_free(id)?;
        let path = self.path(id);
        write_private(&path, &saved.to_toml())?;
        Ok(path)
    }

    /// Renames a saved request.
    pub fn rename(&self, id: &SavedRequestName, to: &SavedRequestName) -> Result<(), Problem> {
        self.copy(id, to)?;
        self.delete(id)
    }

    /// Copies a saved request to a new name.
    pub fn copy(&self, id: &SavedRequestName, to: &SavedRequestName) -> Result<(), Problem> {
        let saved = self.load(id)?;
        self.save(to, &saved).map(drop)
    }

    /// Deletes a saved request.
    pub fn delete(&self, id: &SavedRequestName) -> Result<(), Problem> {
        let path = self.path(id);
        fs::remove_file(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => self.unknown_request(id),
            _ => Problem::new(
                "The request was not deleted",
                format!("{}: {error}", path.display()),
                "check that you can write to the folder",
            ),
        })
    }

    fn path(&self, id: &SavedRequestName) -> PathBuf {
        self.folder.join(format!("{id}.toml"))
    }

    fn ensure_name_free(&self, id: &SavedRequestName) -> Result<(), Problem> {
        if fs::symlink_metadata(self.path(id)).is_err() {
            return Ok(());
        }
        let what = format!("A saved request named \"{id}\" already exists");
        Err(Problem::new(
            what,
            "the names of saved requests are unique",
            "choose another name, or delete that request first",
        )
        .with_class(ProblemClass::Usage))
    }

    fn unknown_request(&self, id: &SavedRequestName) -> Problem {
        let known: Vec<_> =
            self.ids().unwrap_or_default().iter().map(|id| id.as_str().to_owned()).collect();
        let near = nearest_names(id.as_str(), &known);
        let remedy = if near.is_empty() {
            "list the saved requests with `tokenring request saved`".to_owned()
        } else {
            format!("did you mean {}?", near.join(" or "))
        };
        Problem::new(
            format!("There is no saved request named \"{id}\""),
            format!("the folder {} does not contain the file {id}.toml", self.folder.display()),
            remedy,
        )
        .with_class(ProblemClass::NotFound)
    }
}

fn unreadable(path: &str, why: &str) -> Problem {
    Problem::new(format!("{path} cannot be read"), why, "fix or delete the file")
        .with_class(ProblemClass::Usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> SavedRequestName {
        SavedRequestName::parse(text).unwrap()
    }

    #[test]
    fn requests_are_stored_found_renamed_copied_and_deleted() {
        let home = tempfile::tempdir().unwrap();
        let requests = SavedRequestStore::new(&AppPaths::from_home(home.path()));
        assert_eq!(requests.ids().unwrap(), []);
        let saved = SavedRequest::from_toml(
            "provider = \"snyk\"\nmethod = \"GET\"\ntarget = \"/rest/self\"",
        )
        .unwrap();
        requests.save(&id("me"), &saved).unwrap();
        assert!(requests.save(&id("me"), &saved).unwrap_err().what.contains("already"));
        requests.copy(&id("me"), &id("me-2")).unwrap();
        requests.rename(&id("me"), &id("who")).unwrap();
        assert_eq!(requests.ids().unwrap(), [id("me-2"), id("who")]);
        assert_eq!(requests.load(&id("who")).unwrap(), saved);
        requests.delete(&id("me-2")).unwrap();
        let unknown = requests.load(&id("wh")).unwrap_err();
        assert!(
            unknown.class == ProblemClass::NotFound && unknown.remedy.contains("who"),
            "{unknown}"
        );
        assert_eq!(requests.delete(&id("me")).unwrap_err().class, ProblemClass::NotFound);
        assert!(
            requests.rename(&id("missing"), &id("x")).is_err()
                && requests.ids().unwrap() == [id("who")]
        );
    }

    #[test]
    fn a_broken_file_is_named_and_does_not_hide_the_others() {
        let home = tempfile::tempdir().unwrap();
        let requests = SavedRequestStore::new(&AppPaths::from_home(home.path()));
        fs::create_dir_all(&requests.folder).unwrap();
        fs::write(requests.folder.join("broken.toml"), "method = 7").unwrap();
        fs::write(requests.folder.join("README"), "not one").unwrap();
        assert_eq!(requests.ids().unwrap(), [id("broken")]);
        assert!(requests.load(&id("broken")).unwrap_err().what.contains("broken.toml"));
    }
}
