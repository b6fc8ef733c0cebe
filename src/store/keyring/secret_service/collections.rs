//! Collections of the Secret Service: where items are found, where new ones go, and what is locked.
//!
//! An item has its own lock: its collection can be open while the default collection is locked, and
//! `KeePassXC` asks about each item of an open database. So every question here is about what holds
//! the items of this program. New items go into the chosen collection; without a choice, into the
//! collection of the fingerprint key, and before that exists, into the default collection.
//!
//! Collections are searched one by one, because `KeePassXC` answers a search through the service with
//! its own unlock dialog. Only [`ServiceSession::unlock`] opens a prompt. Start reading at
//! [`ServiceSession`].

use std::collections::HashMap;

use futures::future::{join_all, try_join_all};
use secret_service::{Collection, EncryptionType, Error, Item, SecretService};
use zbus::names::BusName;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue};

use crate::store::keyring::SERVICE;
use crate::store::keyring::secret_service::ServiceFault;
use crate::store::{ItemKey, StoreError};

/// Name of the Secret Service on the bus.
const SERVICE_NAME: &str = "org.freedesktop.secrets";

/// Path of the service's own object.
const SERVICE_PATH: &str = "/org/freedesktop/secrets";

/// Name that gnome-keyring has on the bus beside the one of the Secret Service.
const GNOME_KEYRING_NAME: &str = "org.gnome.keyring";

/// Name of the program that shows the prompts of gnome-keyring.
const GNOME_PROMPTER_NAME: &str = "org.gnome.keyring.SystemPrompter";

/// Session with the Secret Service, and the bus that it runs over.
pub(super) struct ServiceSession {
    bus: zbus::Connection,
    service: SecretService<'static>,
    /// Label or path of the chosen collection.
    chosen: Option<String>,
}

impl ServiceSession {
    /// Connects to the service. A service that cannot encrypt on the bus gets a plain session: the
    /// encryption protects nothing from a program that may use the bus.
    pub(super) async fn connect(chosen: Option<String>) -> Result<Self, ServiceFault> {
        let bus = zbus::Connection::session().await.map_err(|error| match error {
            refused @ zbus::Error::Handshake(_) => ServiceFault::from(refused),
            _ => Error::Unavailable.into(),
        })?;
        let encrypted = SecretService::connect_with_existing(EncryptionType::Dh, bus.clone()).await;
        let service = match encrypted {
            Err(Error::Zbus(zbus::Error::MethodError(name, ..)))
                if name.as_str() == "org.freedesktop.DBus.Error.NotSupported" =>
            {
                SecretService::connect_with_existing(EncryptionType::Plain, bus.clone()).await?
            }
            outcome => outcome?,
        };
        Ok(Self { bus, service, chosen })
    }

    /// Returns an error if items cannot be read or created.
    pub(super) async fn check_usable(&self) -> Result<(), ServiceFault> {
        let own = self.find_items(&ItemKey::fingerprint_key()).await?;
        for path in &own {
            self.check_item_unlocked(&self.item(path).await?).await?;
        }
        if own.is_empty() || self.chosen.is_some() {
            check_collection_unlocked(&self.home_collection().await?).await?;
        }
        Ok(())
    }

    /// Returns the items under this key: those in the collection for new items, otherwise those in
    /// all other collections. An item that is found can be locked.
    pub(super) async fn find_items(
        &self,
        key: &ItemKey,
    ) -> Result<Vec<OwnedObjectPath>, ServiceFault> {
        let attributes = || HashMap::from([("service", SERVICE), ("username", key.as_str())]);
        let home = match self.home_collection().await {
            Ok(home) => {
                let found = item_paths(&home.search_items(attributes()).await?);
                if !found.is_empty() {
                    return Ok(found);
                }
                Some(home.collection_path.clone())
            }
            // Items in other collections are still readable.
            Err(ServiceFault::Failed(StoreError::NoCollection(_))) => None,
            Err(fault) => return Err(fault),
        };
        let mut found = Vec::new();
        for path in
            self.collection_paths().await?.into_iter().filter(|path| home.as_ref() != Some(path))
        {
            let collection = self.service.get_collection_by_path(path).await?;
            found.extend(item_paths(&collection.search_items(attributes()).await?));
        }
        Ok(found)
    }

    /// Returns the item at this path, without asking the service.
    pub(super) async fn item(&self, path: &OwnedObjectPath) -> Result<Item<'_>, ServiceFault> {
        Ok(self.service.get_item_by_path(path.clone()).await?)
    }

    /// Returns why an item cannot be read, if it is locked.
    pub(super) async fn check_item_unlocked(&self, item: &Item<'_>) -> Result<(), ServiceFault> {
        if !item.is_locked().await? {
            return Ok(());
        }
        let collection = collection_path(&item.item_path)?;
        check_collection_unlocked(&self.service.get_collection_by_path(collection).await?).await?;
        // The collection is open, so the service waits for a confirmation.
        Err(StoreError::AccessUnconfirmed.into())
    }

    /// Returns an error for a key without an item, unless its item may be hidden: a locked
    /// collection does not always name its items.
    pub(super) async fn missing_item(&self) -> ServiceFault {
        match self.check_usable().await {
            Ok(()) => StoreError::NotFound.into(),
            Err(fault) => fault,
        }
    }

    /// Returns the collection for a new item, unlocked.
    pub(super) async fn collection_for_new_items(&self) -> Result<Collection<'_>, ServiceFault> {
        let beside = match self.chosen {
            Some(_) => None,
            None => self.find_items(&ItemKey::fingerprint_key()).await?.into_iter().next(),
        };
        let collection = match beside {
            Some(item) => self.service.get_collection_by_path(collection_path(&item)?).await?,
            None => self.home_collection().await?,
        };
        check_collection_unlocked(&collection).await?;
        Ok(collection)
    }

    /// Unlocks what holds the items of this program, and whatever new items need, with the prompts
    /// of the service. Succeeds only if the service says afterwards that they are unlocked.
    pub(super) async fn unlock(&self) -> Result<(), ServiceFault> {
        let mut holding = Vec::new();
        for item in self.all_items().await? {
            let path = collection_path(&item)?;
            if !holding.contains(&path) {
                holding.push(path);
            }
        }
        if holding.is_empty() || self.chosen.is_some() {
            holding.push(self.home_collection().await?.collection_path.clone());
        }
        for path in holding {
            let collection = self.service.get_collection_by_path(path).await?;
            if collection.is_locked().await? {
                self.check_prompt(collection.unlock().await).await?;
            }
        }
        // A locked database of KeePassXC does not name its items, so they are listed again.
        let paths = self.all_items().await?;
        let items = try_join_all(paths.iter().map(|path| self.item(path))).await?;
        let locked = try_join_all(items.iter().map(Item::is_locked)).await?;
        let locked: Vec<_> =
            items.iter().zip(locked).filter(|(_, locked)| *locked).map(|(item, _)| item).collect();
        if !locked.is_empty() {
            self.check_prompt(self.service.unlock_all(&locked).await).await?;
        }
        self.check_usable().await
    }

    /// Returns the collection for new items as the settings and the service name it.
    async fn home_collection(&self) -> Result<Collection<'_>, ServiceFault> {
        let Some(chosen) = &self.chosen else {
            return Ok(self.service.get_default_collection().await?);
        };
        let paths = self.collection_paths().await?;
        let all: Vec<_> =
            try_join_all(paths.into_iter().map(|path| self.service.get_collection_by_path(path)))
                .await?;
        let labels = join_all(all.iter().map(Collection::get_label)).await;
        let labels: Vec<_> = labels.into_iter().map(Result::unwrap_or_default).collect();
        let named = all
            .iter()
            .position(|collection| collection.collection_path.as_str() == chosen)
            .or_else(|| labels.iter().position(|label| label == chosen));
        if let Some(collection) = named.and_then(|at| all.into_iter().nth(at)) {
            return Ok(collection);
        }
        let known = labels.iter().filter(|label| !label.is_empty());
        let known: Vec<_> = known.map(|label| format!("\"{label}\"")).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let why = format!("no collection is named \"{chosen}\"; the keyring has {known}");
        Err(StoreError::NoCollection(why).into())
    }

    /// Returns the paths of all items of this program.
    async fn all_items(&self) -> Result<Vec<OwnedObjectPath>, ServiceFault> {
        let mut found = Vec::new();
        for path in self.collection_paths().await? {
            let collection = self.service.get_collection_by_path(path).await?;
            let items = collection.search_items(HashMap::from([("service", SERVICE)])).await?;
            found.extend(item_paths(&items));
        }
        Ok(found)
    }

    /// Returns the paths of all collections. Asks the service each time, because databases of
    /// `KeePassXC` are opened and closed at any time.
    async fn collection_paths(&self) -> Result<Vec<OwnedObjectPath>, ServiceFault> {
        let asked = ("org.freedesktop.Secret.Service", "Collections");
        let properties = Some("org.freedesktop.DBus.Properties");
        let reply = self
            .bus
            .call_method(Some(SERVICE_NAME), SERVICE_PATH, properties, "Get", &asked)
            .await?;
        let value: OwnedValue = reply.body().deserialize()?;
        Ok(Vec::<OwnedObjectPath>::try_from(value).map_err(zbus::Error::from)?)
    }

    /// Converts the outcome of an unlock. A prompt that could not be shown counts as dismissed for
    /// gnome-keyring, although the user has not seen it.
    async fn check_prompt(&self, outcome: Result<(), Error>) -> Result<(), ServiceFault> {
        match outcome {
            Ok(()) => Ok(()),
            Err(Error::Prompt) if !self.prompter_is_running().await => {
                Err(StoreError::NoPrompt.into())
            }
            Err(Error::Zbus(zbus::Error::MethodError(name, ..)))
                if PROMPT_MISSING_ERRORS.contains(&name.as_str()) =>
            {
                Err(StoreError::NoPrompt.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns whether the program that shows the prompts runs, as it does for a while after a
    /// prompt. Services other than gnome-keyring show their prompts themselves.
    async fn prompter_is_running(&self) -> bool {
        let Ok(bus) = zbus::fdo::DBusProxy::new(&self.bus).await else { return true };
        let owner = async |name: &'static str| {
            bus.get_name_owner(BusName::from_static_str(name).ok()?).await.ok()
        };
        match (owner(SERVICE_NAME).await, owner(GNOME_KEYRING_NAME).await) {
            (Some(service), Some(gnome)) if service == gnome => {
                owner(GNOME_PROMPTER_NAME).await.is_some()
            }
            _ => true,
        }
    }
}

/// Errors of a service that has no prompt, or that cannot show the one that it names.
const PROMPT_MISSING_ERRORS: [&str; 4] = [
    "org.freedesktop.DBus.Error.UnknownObject",
    "org.freedesktop.DBus.Error.UnknownMethod",
    "org.freedesktop.DBus.Error.UnknownInterface",
    "org.freedesktop.DBus.Error.NotSupported",
];

async fn check_collection_unlocked(collection: &Collection<'_>) -> Result<(), ServiceFault> {
    if collection.is_locked().await? { Err(StoreError::Locked.into()) } else { Ok(()) }
}

fn item_paths(items: &[Item<'_>]) -> Vec<OwnedObjectPath> {
    items.iter().map(|item| item.item_path.clone()).collect()
}

/// Returns the path of the collection that holds an item: the specification puts the items of a
/// collection below it.
fn collection_path(item: &OwnedObjectPath) -> Result<OwnedObjectPath, ServiceFault> {
    let parent = item.as_str().rsplit_once('/').map_or("/", |(parent, _)| parent);
    let path = ObjectPath::try_from(parent)
        .map_err(|error| ServiceFault::from(zbus::Error::from(error)))?;
    Ok(path.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_lies_below_its_collection() {
        let item = ObjectPath::try_from("/org/freedesktop/secrets/collection/login/12").unwrap();
        let collection = collection_path(&item.into()).ok().unwrap();
        assert_eq!(collection.as_str(), "/org/freedesktop/secrets/collection/login");
    }
}
