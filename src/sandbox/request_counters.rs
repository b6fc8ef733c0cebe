//! Counters of the requests so far, by region, listener, method and path.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use serde_json::{Value, json};

type CounterKey = (&'static str, &'static str, String, String);

#[derive(Clone, Copy, Default)]
struct RequestCount {
    count: u64,
    authorized: u64,
}

/// Request counters. A path is stored without its query.
#[derive(Default)]
pub(super) struct RequestCounters {
    tallies: Mutex<BTreeMap<CounterKey, RequestCount>>,
}

impl RequestCounters {
    /// Counts one request to the listener `(region, role)`.
    pub(super) fn record(&self, (region, role): (&'static str, &'static str), parts: &Parts) {
        let entry = (region, role, parts.method.to_string(), parts.uri.path().to_owned());
        let mut tallies = self.tallies();
        let tally = tallies.entry(entry).or_default();
        tally.count += 1;
        tally.authorized += u64::from(parts.headers.contains_key(AUTHORIZATION));
    }

    pub(super) fn clear(&self) {
        self.tallies().clear();
    }

    pub(super) fn describe(&self) -> Value {
        let tallies = self.tallies();
        let total: u64 = tallies.values().map(|tally| tally.count).sum();
        let requests: Vec<Value> = tallies
            .iter()
            .map(|((region, listener, method, path), tally)| {
                json!({"region": region, "listener": listener, "method": method, "path": path,
                       "count": tally.count, "authorized": tally.authorized})
            })
            .collect();
        json!({"requests": requests, "total": total})
    }

    fn tallies(&self) -> MutexGuard<'_, BTreeMap<CounterKey, RequestCount>> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
