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
    counts: Mutex<BTreeMap<CounterKey, RequestCount>>,
}

impl RequestCounters {
    /// Counts one request to the listener with this region and role.
    pub(super) fn record(&self, region: &'static str, role: &'static str, parts: &Parts) {
        let entry = (region, role, parts.method.to_string(), parts.uri.path().to_owned());
        let mut counts = self.counts();
        let request_count = counts.entry(entry).or_default();
        request_count.count += 1;
        request_count.authorized += u64::from(parts.headers.contains_key(AUTHORIZATION));
    }

    pub(super) fn clear(&self) {
        self.counts().clear();
    }

    pub(super) fn describe(&self) -> Value {
        let counts = self.counts();
        let total: u64 = counts.values().map(|request_count| request_count.count).sum();
        let requests: Vec<Value> = counts
            .iter()
            .map(|((region, listener, method, path), request_count)| {
                json!({"region": region, "listener": listener, "method": method, "path": path,
                       "count": request_count.count, "authorized": request_count.authorized})
            })
            .collect();
        json!({"requests": requests, "total": total})
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<CounterKey, RequestCount>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
