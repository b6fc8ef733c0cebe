//! Tests of the request history: requests are found again, their number is bounded, and they can be
//! deleted.

use super::*;

pub(super) fn sent(name: &str, at: i64) -> HistoryEntry {
    let target = RequestTarget::Path {
        place: tokenring::domain::region::HostRole::default(),
        path: format!("/rest/self/{at}"),
    };
    let draft = RequestDraft {
        method: HttpMethod::Get,
        target,
        query: Vec::new(),
        headers: Vec::new(),
        removed_headers: Vec::new(),
        body: None,
        preset: None,
    };
    let (region, status) = ("SNYK-EU-01".to_owned(), Some(200));
    let credential = id_of(name);
    let verdict = CheckResult::Accepted;
    HistoryEntry {
        at: moment(at),
        credential,
        region,
        draft,
        body_left_out: at % 2 == 1,
        status,
        verdict,
        latency_ms: Some(41),
        size: Some(1_200),
    }
}

fn times(index: &Database, filter: &HistoryFilter, limit: usize) -> Vec<i64> {
    index
        .history(filter, limit)
        .unwrap()
        .iter()
        .map(|line| line.entry.at.unix_timestamp())
        .collect()
}

#[test]
fn requests_come_back_newest_first_and_filtered() {
    let index = Database::in_memory().unwrap();
    for name in ["laptop", "broker"] {
        index.insert_credential(&credential(name)).unwrap();
    }
    for (name, at) in [("laptop", 1), ("broker", 2), ("laptop", 3)] {
        index.record_request(&sent(name, at)).unwrap();
    }
    let newest = &index.history(&HistoryFilter::default(), 1).unwrap()[0];
    assert_eq!((newest.id, &newest.entry), (3, &sent("laptop", 3)));
    assert_eq!(index.history_record(2).unwrap().map(|line| line.entry), Some(sent("broker", 2)));
    assert_eq!(index.history_record(4), Ok(None));
    assert_eq!(times(&index, &HistoryFilter::default(), 9), [3, 2, 1]);
    let laptop = HistoryFilter { credential: Some(id_of("laptop")), ..HistoryFilter::default() };
    assert_eq!(times(&index, &laptop, 9), [3, 1]);
    let second =
        HistoryFilter { text: Some("/REST/self/2".to_owned()), ..HistoryFilter::default() };
    assert_eq!(times(&index, &second, 9), [2]);
}

#[test]
fn old_requests_make_room() {
    let index = Database::in_memory().unwrap();
    index.insert_credential(&credential("laptop")).unwrap();
    for at in 0..10_005 {
        index.record_request(&sent("laptop", at)).unwrap();
    }
    let all = times(&index, &HistoryFilter::default(), 20_000);
    assert_eq!((all.len(), all[0], all[9_999]), (10_000, 10_004, 5));
    let purged = index.purge_history(3).unwrap();
    assert_eq!(
        (purged.deleted, purged.erasure),
        (9_997, tokenring::database::EraseOutcome::Complete)
    );
    assert_eq!(times(&index, &HistoryFilter::default(), 9), [10_004, 10_003, 10_002]);
    index.purge_history(0).unwrap();
    index.record_request(&sent("laptop", 7)).unwrap();
    assert_eq!(
        index.history(&HistoryFilter::default(), 9).unwrap()[0].id,
        10_006,
        "a number is never given twice"
    );
}
