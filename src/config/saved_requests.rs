//! The requests that the user has saved under a name: one TOML file each, or in memory for a session
//! that writes nothing.
//!
//! Start reading at [`SavedRequestStore`]. The format of a saved request belongs to
//! `domain::request`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::file::{read_text, write_private};
use super::paths::AppPaths;
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::request::{SavedRequest, SavedRequestName};
use crate::domain::text::nearest_names;

/// Size limit of a request file, larger than any real request.
const MAX_REQUEST_FILE_BYTES: u64 = 4 << 20;

/// Store of the user's saved requests.
#[derive(Debug, Clone)]
pub struct SavedRequestStore(RequestLocation);

/// Where saved requests are.
#[derive(Debug, Clone)]
enum RequestLocation {
    /// In the files of this folder, which need not exist yet.
    Folder(PathBuf),
    /// In the memory of this process.
    Memory(RequestsInMemory),
}

/// Saved requests in memory, shared by the clones of their store.
#[derive(Debug, Clone, Default)]
struct RequestsInMemory(Arc<Mutex<BTreeMap<SavedRequestName, SavedRequest>>>);

impl RequestsInMemory {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<SavedRequestName, SavedRequest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SavedRequestStore {
    /// Returns the store in the user's configuration folder.
    pub fn new(paths: &AppPaths) -> Self {
        Self(RequestLocation::Folder(paths.config.join("requests")))
    }

    /// Creates an empty store that lives as long as this process.
    pub fn in_memory() -> Self {
        Self(RequestLocation::Memory(RequestsInMemory::default()))
    }

    /// Returns the names of all saved requests, sorted.
    pub fn ids(&self) -> Result<Vec<SavedRequestName>, Problem> {
        let folder = match &self.0 {
            RequestLocation::Folder(folder) => folder,
            RequestLocation::Memory(saved) => return Ok(saved.lock().keys().cloned().collect()),
        };
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(unreadable(&folder.display().to_string(), &error.to_string()));
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
        let path = match &self.0 {
            RequestLocation::Folder(folder) => file_in(folder, id),
            RequestLocation::Memory(saved) => {
                let found = saved.lock().get(id).cloned();
                return found.ok_or_else(|| self.unknown_request(id));
            }
        };
        let text = match read_text(&path, MAX_REQUEST_FILE_BYTES) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(self.unknown_request(id));
            }
            Err(error) => return Err(unreadable(&path.display().to_string(), &error.to_string())),
        };
        SavedRequest::from_toml(&text).map_err(|why| unreadable(&path.display().to_string(), &why))
    }

    /// Saves a request under a new name and returns the path of its file, if it has one. A name in
    /// use is an error.
    pub fn save(
        &self,
        id: &SavedRequestName,
        saved: &SavedRequest,
    ) -> Result<Option<PathBuf>, Problem> {
        self.ensure_name_free(id)?;
        match &self.0 {
            RequestLocation::Folder(folder) => {
                let path = file_in(folder, id);
                write_private(&path, &saved.to_toml())?;
                Ok(Some(path))
            }
            RequestLocation::Memory(known) => {
                known.lock().insert(id.clone(), saved.clone());
                Ok(None)
            }
        }
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
        let path = match &self.0 {
            RequestLocation::Folder(folder) => file_in(folder, id),
            RequestLocation::Memory(saved) => {
                let removed = saved.lock().remove(id);
                return removed.map(drop).ok_or_else(|| self.unknown_request(id));
            }
        };
        fs::remove_file(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => self.unknown_request(id),
            _ => Problem::new(
                "The request was not deleted",
                format!("{}: {error}", path.display()),
                "check that you can write to the folder",
            ),
        })
    }

    fn ensure_name_free(&self, id: &SavedRequestName) -> Result<(), Problem> {
        let is_taken = match &self.0 {
            RequestLocation::Folder(folder) => fs::symlink_metadata(file_in(folder, id)).is_ok(),
            RequestLocation::Memory(saved) => saved.lock().contains_key(id),
        };
        if !is_taken {
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
        let why = match &self.0 {
            RequestLocation::Folder(folder) => {
                format!("the folder {} does not contain the file {id}.toml", folder.display())
            }
            RequestLocation::Memory(_) => "it was not saved in this session".to_owned(),
        };
        Problem::new(format!("There is no saved request named \"{id}\""), why, remedy)
            .with_class(ProblemClass::NotFound)
    }
}

fn file_in(folder: &Path, id: &SavedRequestName) -> PathBuf {
    folder.join(format!("{id}.toml"))
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
    fn requests_are_stored_found_renamed_copied_and_deleted_on_disk_and_in_memory() {
        let home = tempfile::tempdir().unwrap();
        let on_disk = SavedRequestStore::new(&AppPaths::from_home(home.path()));
        let in_memory = SavedRequestStore::in_memory();
        for requests in [on_disk, in_memory] {
            stores_finds_renames_copies_and_deletes(&requests);
            assert_eq!(
                requests.clone().ids().unwrap(),
                [id("who")],
                "a clone has the same requests"
            );
        }
    }

    fn stores_finds_renames_copies_and_deletes(requests: &SavedRequestStore) {
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
        let paths = AppPaths::from_home(home.path());
        let requests = SavedRequestStore::new(&paths);
        let folder = paths.config.join("requests");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("broken.toml"), "method = 7").unwrap();
        fs::write(folder.join("README"), "not one").unwrap();
        assert_eq!(requests.ids().unwrap(), [id("broken")]);
        assert!(requests.load(&id("broken")).unwrap_err().what.contains("broken.toml"));
    }
}
