//! Body of a request, with the content of its files.
//!
//! Start with [`LoadedBody::load`].

use std::io::Read as _;

use bytes::Bytes;

use crate::domain::Problem;
use crate::domain::problem::ProblemClass;
use crate::domain::request::{DraftBody, EncodedBody};
use crate::domain::text::sanitize_line;
use crate::net::RequestBody;

/// Maximum size of a file in a body. The body is held in memory, so that it can be sent again.
const MAX_FILE_BYTES: u64 = 512 << 20;

/// Body that is ready to be sent.
#[derive(Clone, Default)]
pub(super) struct LoadedBody {
    bytes: Option<Bytes>,
    /// Boundary of a form.
    pub(super) boundary: Option<String>,
}

impl LoadedBody {
    /// Reads the files of a body on a thread for blocking work.
    pub(super) async fn load(body: Option<&DraftBody>) -> Result<Self, Problem> {
        match body {
            Some(body) if body.reads_file() => {
                let body = body.clone();
                tokio::task::spawn_blocking(move || Self::load_blocking(Some(&body)))
                    .await
                    .unwrap_or_else(|_| Err(read_problem("the program is exiting")))
            }
            body => Self::load_blocking(body),
        }
    }

    /// Reads the files of a body.
    pub(super) fn load_blocking(body: Option<&DraftBody>) -> Result<Self, Problem> {
        let Some(body) = body else { return Ok(Self::default()) };
        let EncodedBody { bytes, boundary } = body.encode(read_file)?;
        Ok(Self { bytes: Some(bytes.into()), boundary })
    }

    /// Returns the body for the transport.
    pub(super) fn to_request_body(&self) -> RequestBody {
        self.bytes.clone().map_or(RequestBody::Empty, RequestBody::Plain)
    }
}

fn read_file(path: &str) -> Result<Vec<u8>, Problem> {
    let failed =
        |error: &dyn std::fmt::Display| read_problem(&format!("{}: {error}", sanitize_line(path)));
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| failed(&error))?;
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(failed(&"the file is larger than 512 MiB"));
    }
    Ok(bytes)
}

fn read_problem(why: &str) -> Problem {
    Problem::new("The body could not be read", why, "name a readable file after @")
        .with_class(ProblemClass::Usage)
}
