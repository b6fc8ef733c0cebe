//! A Secret Service of our own on the bus of the session, for behavior that gnome-keyring does not
//! have: text that must be UTF-8, collections in every state, and every outcome of a prompt. Start
//! with [`StandIn`].

#![expect(
    clippy::needless_pass_by_value,
    clippy::unused_self,
    clippy::used_underscore_binding,
    reason = "the specification of the interfaces and the macro that serves them name the arguments"
)]

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use zbus::message::{Header, Message};
use zbus::names::ErrorName;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, ObjectServer, interface};

const ROOT: &str = "/org/freedesktop/secrets";

/// Secret in the form of the specification: session, parameters, value and content type.
type WireSecret = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

type Attributes = HashMap<String, String>;

/// What the prompt of an unlock does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PromptBehavior {
    /// Unlocks.
    Unlocks,
    /// Says that it has unlocked, but does not.
    Pretends,
    /// Is dismissed by the user.
    IsDismissed,
    /// Does not exist.
    IsMissing,
}

/// A collection.
struct CollectionState {
    label: String,
    locked: bool,
}

/// An item.
struct ItemState {
    path: String,
    attributes: Attributes,
    value: Vec<u8>,
    content_type: String,
}

/// What the service has and does.
pub(crate) struct ServiceState {
    collections: HashMap<String, CollectionState>,
    items: Vec<ItemState>,
    /// Name of the default collection.
    pub(crate) default: Option<&'static str>,
    /// What the prompt does.
    pub(crate) prompt: PromptBehavior,
    /// Whether items of open collections are locked until a prompt has unlocked them.
    pub(crate) confirms_access: bool,
    /// Whether every new item is refused.
    pub(crate) refuses_items: bool,
    created: usize,
}

type SharedState = Arc<Mutex<ServiceState>>;

/// The running service.
pub(crate) struct StandIn {
    bus: Connection,
    state: SharedState,
}

impl StandIn {
    /// Starts the service with these open collections; the first one is the default.
    pub(crate) async fn start(collections: &[&'static str]) -> Self {
        let state = Arc::new(Mutex::new(ServiceState {
            collections: HashMap::new(),
            items: Vec::new(),
            default: collections.first().copied(),
            prompt: PromptBehavior::Unlocks,
            confirms_access: false,
            refuses_items: false,
            created: 0,
        }));
        let bus = Connection::session().await.unwrap();
        let server = bus.object_server();
        server.at(ROOT, ServiceObject(state.clone())).await.unwrap();
        for name in collections {
            let path = format!("{ROOT}/collection/{name}");
            server.at(path.as_str(), CollectionObject(state.clone(), path.clone())).await.unwrap();
            let collection = CollectionState { label: format!("The {name}"), locked: false };
            state.lock().unwrap().collections.insert(path, collection);
        }
        bus.request_name("org.freedesktop.secrets").await.unwrap();
        Self { bus, state }
    }

    /// What the service has and does.
    pub(crate) fn state(&self) -> MutexGuard<'_, ServiceState> {
        self.state.lock().unwrap()
    }

    /// Leaves the bus.
    pub(crate) async fn stop(&self) {
        self.bus.release_name("org.freedesktop.secrets").await.unwrap();
    }
}

impl ServiceState {
    /// Locks or unlocks a collection.
    pub(crate) fn set_locked(&mut self, collection: &str, locked: bool) {
        let path = format!("{ROOT}/collection/{collection}");
        self.collections.get_mut(&path).unwrap().locked = locked;
    }

    /// The keys of the items in a collection, and the content type of each.
    pub(crate) fn items_in(&self, collection: &str) -> Vec<(String, String)> {
        let below = format!("{ROOT}/collection/{collection}/");
        let items = self.items.iter().filter(|item| item.path.starts_with(&below));
        items.map(|item| (item.attributes["username"].clone(), item.content_type.clone())).collect()
    }

    fn is_locked(&self, path: &str) -> bool {
        if let Some(collection) = self.collections.get(path) {
            return collection.locked;
        }
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        self.confirms_access || self.collections.get(parent).is_none_or(|one| one.locked)
    }

    fn find(&self, below: &str, attributes: &Attributes) -> Vec<OwnedObjectPath> {
        let matches = |item: &&ItemState| {
            let has = |(name, value): (&String, &String)| item.attributes.get(name) == Some(value);
            item.path.starts_with(below) && attributes.iter().all(has)
        };
        self.items.iter().filter(matches).map(|item| object_path(&item.path)).collect()
    }

    fn item(&mut self, path: &str) -> Result<&mut ItemState, Refusal> {
        if self.is_locked(path) {
            return Err(Refusal("org.freedesktop.Secret.Error.IsLocked"));
        }
        let missing = Refusal("org.freedesktop.Secret.Error.NoSuchObject");
        self.items.iter_mut().find(|item| item.path == path).ok_or(missing)
    }

    /// Refuses text that is not UTF-8, as a service does that stores text as text.
    fn check(&self, secret: &WireSecret) -> Result<(), Refusal> {
        let is_text = secret.3.starts_with("text/");
        if self.refuses_items || (is_text && std::str::from_utf8(&secret.2).is_err()) {
            return Err(Refusal("org.freedesktop.DBus.Error.InvalidArgs"));
        }
        Ok(())
    }
}

/// An error by its name.
#[derive(Debug)]
struct Refusal(&'static str);

impl zbus::DBusError for Refusal {
    fn create_reply(&self, call: &Header<'_>) -> zbus::Result<Message> {
        Message::error(call, self.name())?.build(&("refused by the stand-in",))
    }

    fn name(&self) -> ErrorName<'_> {
        ErrorName::from_static_str_unchecked(self.0)
    }

    fn description(&self) -> Option<&str> {
        None
    }
}

impl From<zbus::Error> for Refusal {
    fn from(_: zbus::Error) -> Self {
        Self("org.freedesktop.DBus.Error.Failed")
    }
}

fn object_path(path: &str) -> OwnedObjectPath {
    ObjectPath::try_from(path).unwrap().into()
}

/// The path that stands for no object.
fn no_object() -> OwnedObjectPath {
    object_path("/")
}

struct ServiceObject(SharedState);

#[interface(name = "org.freedesktop.Secret.Service")]
impl ServiceObject {
    fn open_session(
        &self,
        algorithm: &str,
        _input: Value<'_>,
    ) -> Result<(OwnedValue, OwnedObjectPath), Refusal> {
        if algorithm != "plain" {
            return Err(Refusal("org.freedesktop.DBus.Error.NotSupported"));
        }
        Ok((OwnedValue::from(zbus::zvariant::Str::from_static("")), object_path("/session")))
    }

    fn search_items(&self, attributes: Attributes) -> (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) {
        let state = self.0.lock().unwrap();
        let found = state.find(ROOT, &attributes);
        found.into_iter().partition(|path| !state.is_locked(path.as_str()))
    }

    fn read_alias(&self, name: &str) -> OwnedObjectPath {
        let default = self.0.lock().unwrap().default.filter(|_| name == "default");
        default.map_or_else(no_object, |name| object_path(&format!("{ROOT}/collection/{name}")))
    }

    async fn unlock(
        &self,
        objects: Vec<OwnedObjectPath>,
        #[zbus(object_server)] server: &ObjectServer,
    ) -> Result<(Vec<OwnedObjectPath>, OwnedObjectPath), Refusal> {
        let (locked, prompt) = {
            let mut state = self.0.lock().unwrap();
            state.created += 1;
            let locked = objects.iter().any(|path| state.is_locked(path.as_str()));
            (locked, format!("{ROOT}/prompt/{}", state.created))
        };
        if !locked {
            return Ok((objects, no_object()));
        }
        if self.0.lock().unwrap().prompt == PromptBehavior::IsMissing {
            return Ok((Vec::new(), no_object()));
        }
        server.at(prompt.as_str(), PromptObject(self.0.clone(), objects)).await?;
        Ok((Vec::new(), object_path(&prompt)))
    }

    #[zbus(property)]
    fn collections(&self) -> Vec<OwnedObjectPath> {
        let state = self.0.lock().unwrap();
        let mut paths: Vec<_> = state.collections.keys().collect();
        paths.sort();
        paths.into_iter().map(|path| object_path(path)).collect()
    }
}

struct CollectionObject(SharedState, String);

#[interface(name = "org.freedesktop.Secret.Collection")]
impl CollectionObject {
    fn search_items(&self, attributes: Attributes) -> Vec<OwnedObjectPath> {
        self.0.lock().unwrap().find(&format!("{}/", self.1), &attributes)
    }

    async fn create_item(
        &self,
        properties: HashMap<String, OwnedValue>,
        secret: WireSecret,
        _replace: bool,
        #[zbus(object_server)] server: &ObjectServer,
    ) -> Result<(OwnedObjectPath, OwnedObjectPath), Refusal> {
        let attributes = properties["org.freedesktop.Secret.Item.Attributes"].clone();
        let attributes = Attributes::try_from(attributes).unwrap();
        let path = {
            let mut state = self.0.lock().unwrap();
            if state.is_locked(&self.1) {
                return Err(Refusal("org.freedesktop.Secret.Error.IsLocked"));
            }
            state.check(&secret)?;
            state.created += 1;
            let path = format!("{}/{}", self.1, state.created);
            let (value, content_type) = (secret.2, secret.3);
            state.items.push(ItemState { path: path.clone(), attributes, value, content_type });
            path
        };
        server.at(path.as_str(), ItemObject(self.0.clone(), path.clone())).await?;
        Ok((object_path(&path), no_object()))
    }

    #[zbus(property)]
    fn label(&self) -> String {
        self.0.lock().unwrap().collections[&self.1].label.clone()
    }

    #[zbus(property)]
    fn locked(&self) -> bool {
        self.0.lock().unwrap().is_locked(&self.1)
    }
}

struct ItemObject(SharedState, String);

#[interface(name = "org.freedesktop.Secret.Item")]
impl ItemObject {
    fn get_secret(&self, session: OwnedObjectPath) -> Result<(WireSecret,), Refusal> {
        let mut state = self.0.lock().unwrap();
        let item = state.item(&self.1)?;
        Ok(((session, Vec::new(), item.value.clone(), item.content_type.clone()),))
    }

    fn set_secret(&self, secret: WireSecret) -> Result<(), Refusal> {
        let mut state = self.0.lock().unwrap();
        state.check(&secret)?;
        let item = state.item(&self.1)?;
        (item.value, item.content_type) = (secret.2, secret.3);
        Ok(())
    }

    fn delete(&self) -> Result<OwnedObjectPath, Refusal> {
        let mut state = self.0.lock().unwrap();
        state.item(&self.1)?;
        state.items.retain(|item| item.path != self.1);
        Ok(no_object())
    }

    #[zbus(property)]
    fn locked(&self) -> bool {
        self.0.lock().unwrap().is_locked(&self.1)
    }
}

struct PromptObject(SharedState, Vec<OwnedObjectPath>);

#[interface(name = "org.freedesktop.Secret.Prompt")]
impl PromptObject {
    async fn prompt(
        &self,
        _window: &str,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> Result<(), Refusal> {
        let behavior = self.0.lock().unwrap().prompt;
        if behavior == PromptBehavior::Unlocks {
            let mut state = self.0.lock().unwrap();
            for path in &self.1 {
                match state.collections.get_mut(path.as_str()) {
                    Some(collection) => collection.locked = false,
                    None => state.confirms_access = false,
                }
            }
        }
        let dismissed = behavior == PromptBehavior::IsDismissed;
        Ok(Self::completed(&emitter, dismissed, Value::from("")).await?)
    }

    #[zbus(signal)]
    async fn completed(
        emitter: &SignalEmitter<'_>,
        dismissed: bool,
        result: Value<'_>,
    ) -> zbus::Result<()>;
}
