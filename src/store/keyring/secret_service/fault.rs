//! Classification of the errors of D-Bus and the Secret Service.
//!
//! Start reading at [`ServiceFault`] and `FAULT_MAPPINGS`.

use secret_service::Error;
use zbus::DBusError as _;

use crate::store::StoreError;

/// Failure of a call to the Secret Service.
pub(super) enum ServiceFault {
    /// The connection or its session is lost; a new one may work.
    ConnectionLost(String),
    /// The call failed with a definite error.
    Failed(StoreError),
}

type FaultMapping = fn(String) -> ServiceFault;

/// Meaning of named errors; all other errors keep their own message.
const FAULT_MAPPINGS: [(&str, FaultMapping); 11] = [
    ("org.freedesktop.Secret.Error.IsLocked", |_| ServiceFault::Failed(StoreError::Locked)),
    ("org.freedesktop.Secret.Error.NoSession", ServiceFault::ConnectionLost),
    ("org.freedesktop.DBus.Error.NoReply", ServiceFault::ConnectionLost),
    ("org.freedesktop.DBus.Error.Disconnected", ServiceFault::ConnectionLost),
    ("org.freedesktop.DBus.Error.NameHasNoOwner", ServiceFault::ConnectionLost),
    ("org.freedesktop.DBus.Error.AccessDenied", |why| {
        ServiceFault::Failed(StoreError::Denied(why))
    }),
    ("org.freedesktop.DBus.Error.AuthFailed", |why| ServiceFault::Failed(StoreError::Denied(why))),
    ("org.freedesktop.DBus.Error.LimitsExceeded", |why| {
        ServiceFault::Failed(StoreError::Denied(why))
    }),
    ("org.freedesktop.DBus.Error.InvalidArgs", |why| {
        ServiceFault::Failed(StoreError::InvalidArgument(why))
    }),
    ("org.freedesktop.DBus.Error.InvalidSignature", |why| {
        ServiceFault::Failed(StoreError::InvalidArgument(why))
    }),
    ("org.freedesktop.DBus.Error.ServiceUnknown", |_| {
        unavailable("no Secret Service is running in this session")
    }),
];

impl ServiceFault {
    /// Returns the error for the caller when there is nothing left to retry.
    pub(super) fn into_store_error(self) -> StoreError {
        match self {
            Self::ConnectionLost(why) => StoreError::Unavailable(why),
            Self::Failed(error) => error,
        }
    }
}

impl From<StoreError> for ServiceFault {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl From<zbus::Error> for ServiceFault {
    fn from(error: zbus::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<Error> for ServiceFault {
    fn from(error: Error) -> Self {
        match &error {
            Error::Locked => StoreError::Locked.into(),
            Error::Prompt => StoreError::PromptDismissed.into(),
            Error::Unavailable => unavailable("this session has no D-Bus session bus"),
            Error::NoResult => {
                StoreError::NoCollection("no collection is the default one".to_owned()).into()
            }
            Error::Crypto(why) => StoreError::Damaged((*why).to_owned()).into(),
            Error::PromptDisconnected | Error::Zbus(zbus::Error::InputOutput(_)) => {
                Self::ConnectionLost(error.to_string())
            }
            Error::Zbus(zbus::Error::MethodError(name, ..)) => {
                map_named_error(name.as_str(), &error)
            }
            Error::ZbusFdo(cause) => map_named_error(cause.name().as_str(), &error),
            _ => unavailable(&error.to_string()),
        }
    }
}

fn map_named_error(name: &str, error: &Error) -> ServiceFault {
    let meaning = FAULT_MAPPINGS
        .iter()
        .find(|(known, _)| *known == name)
        .map_or(unknown_error as FaultMapping, |(_, meaning)| *meaning);
    meaning(error.to_string())
}

fn unknown_error(why: String) -> ServiceFault {
    StoreError::Unavailable(why).into()
}

fn unavailable(why: &str) -> ServiceFault {
    unknown_error(why.to_owned())
}
