//! What an error of the bus or the service means.

use secret_service::Error;
use zbus::DBusError as _;

use crate::store::StoreError;

/// Why a call had no success.
pub(super) enum Fault {
    /// The connection or its session is gone; a new one may do.
    Lost(String),
    /// An answer.
    Answer(StoreError),
}

type Meaning = fn(String) -> Fault;

/// What the named errors mean to us; all others are told in their own words.
const NAMED: [(&str, Meaning); 9] = [
    ("org.freedesktop.Secret.Error.IsLocked", |_| Fault::Answer(StoreError::Locked)),
    ("org.freedesktop.Secret.Error.NoSession", Fault::Lost),
    ("org.freedesktop.DBus.Error.NoReply", Fault::Lost),
    ("org.freedesktop.DBus.Error.Disconnected", Fault::Lost),
    ("org.freedesktop.DBus.Error.NameHasNoOwner", Fault::Lost),
    ("org.freedesktop.DBus.Error.AccessDenied", |why| Fault::Answer(StoreError::Denied(why))),
    ("org.freedesktop.DBus.Error.AuthFailed", |why| Fault::Answer(StoreError::Denied(why))),
    ("org.freedesktop.DBus.Error.LimitsExceeded", |why| Fault::Answer(StoreError::Denied(why))),
    ("org.freedesktop.DBus.Error.ServiceUnknown", |_| unavailable("no Secret Service runs in this session")),
];

impl Fault {
    /// What to tell a caller for whom nothing more can be tried.
    pub(super) fn settle(self) -> StoreError {
        match self {
            Self::Lost(why) => StoreError::Unavailable(why),
            Self::Answer(error) => error,
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Answer(error)
    }
}

impl From<zbus::Error> for Fault {
    fn from(error: zbus::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match &error {
            Error::Locked => StoreError::Locked.into(),
            Error::Prompt => StoreError::Denied("the prompt was dismissed".to_owned()).into(),
            Error::Unavailable => unavailable("this session has no message bus"),
            Error::NoResult => unavailable("the Secret Service has no default collection"),
            Error::Crypto(why) => StoreError::Damaged((*why).to_owned()).into(),
            Error::PromptDisconnected | Error::Zbus(zbus::Error::InputOutput(_)) => Self::Lost(error.to_string()),
            Error::Zbus(zbus::Error::MethodError(name, ..)) => named(name.as_str(), &error),
            Error::ZbusFdo(cause) => named(cause.name().as_str(), &error),
            _ => unavailable(&error.to_string()),
        }
    }
}

fn named(name: &str, error: &Error) -> Fault {
    let meaning = NAMED.iter().find(|(known, _)| *known == name).map_or(unknown as Meaning, |(_, meaning)| *meaning);
    meaning(error.to_string())
}

fn unknown(why: String) -> Fault {
    StoreError::Unavailable(why).into()
}

fn unavailable(why: &str) -> Fault {
    unknown(why.to_owned())
}
