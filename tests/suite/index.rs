//! The index from outside: what goes in comes out, whatever happens to the file, and whoever else writes to it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use proptest::prelude::*;
use tempfile::TempDir;
use time::Duration;
use tokenring::domain::credential::{Check, Principal};
use tokenring::domain::request::{Draft, Method, Target};
use tokenring::domain::response::Verdict;
use tokenring::domain::{Credential, CredentialId, Moment, Name};
use tokenring::index::{
    AuditEntry, AuditState, Claim, HistoryFilter, Index, IndexError, NewRotation, RegionCheck, Rotations, Sent,
};

/// Tells a test that it runs as a child process of itself, and on which file.
const CHILD: &str = "TOKENRING_TEST_INDEX";

struct Home {
    _folder: TempDir,
    path: PathBuf,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data").join("index.db");
        Self { _folder: folder, path }
    }

    fn open(&self) -> Index {
        Index::open(&self.path).unwrap()
    }

    /// A file with so many credentials, closed again.
    fn with(count: u32) -> Self {
        let home = Self::new();
        let index = home.open();
        for number in 0..count {
            index.insert(&credential(&format!("credential-{number:04}"))).unwrap();
        }
        home
    }

    /// A file with these bytes.
    fn holding(bytes: &[u8]) -> Self {
        let home = Self::new();
        std::fs::create_dir(home.path.parent().unwrap()).unwrap();
        std::fs::write(&home.path, bytes).unwrap();
        home
    }
}

fn moment(seconds: i64) -> Moment {
    Moment::UNIX_EPOCH + Duration::seconds(seconds)
}

fn credential(name: &str) -> Credential {
    Credential {
        id: id_of(name),
        name: Name::parse(name).unwrap(),
        provider: "snyk".to_owned(),
        kind: "service-account-token".to_owned(),
        region: "SNYK-EU-01".to_owned(),
        fields: BTreeMap::from([("org_id".to_owned(), "0d7e".to_owned())]),
        labels: vec!["prod".to_owned()],
        created: moment(1_790_000_000),
        expires: Some(moment(1_800_000_000)),
        fingerprint: Some(format!("print of {name}")),
        principal: None,
        scheme: None,
        last_check: None,
    }
}

/// An identity that follows from the name, so that a test can name it again.
fn id_of(name: &str) -> CredentialId {
    let mut bytes = [0; 16];
    for (at, byte) in name.bytes().enumerate() {
        bytes[at % 16] ^= byte.rotate_left(u32::try_from(at / 16).unwrap());
    }
    CredentialId::from_random(bytes)
}

fn check(verdict: Verdict, at: i64) -> Check {
    Check { verdict, status: Some(200), reason: "the provider accepted it".to_owned(), at: moment(at), latency_ms: Some(41) }
}

fn names(index: &Index) -> Vec<String> {
    index.credentials().unwrap().into_iter().map(|credential| credential.name.to_string()).collect()
}

mod credentials {
    use super::*;

    fn any_moment() -> impl Strategy<Value = Moment> {
        (-62_000_000_000_i64..=253_000_000_000, 0_i64..1_000_000)
            .prop_map(|(seconds, micros)| moment(seconds) + Duration::microseconds(micros))
    }

    fn any_name() -> impl Strategy<Value = Name> {
        "\\PC{1,64}".prop_filter_map("not a name", |text| Name::parse(&text).ok())
    }

    fn any_check() -> impl Strategy<Value = Check> {
        let verdict = prop::sample::select(vec![Verdict::Accepted, Verdict::Refused, Verdict::Unknown, Verdict::Unchecked]);
        (verdict, any::<Option<u16>>(), any::<String>(), any_moment(), prop::option::of(0..=i64::MAX as u64))
            .prop_map(|(verdict, status, reason, at, latency_ms)| Check { verdict, status, reason, at, latency_ms })
    }

    prop_compose! {
        fn any_credential()(
            id in any::<[u8; 16]>(),
            name in any_name(),
            (provider, kind, region) in any::<(String, String, String)>(),
            fields in prop::collection::btree_map(any::<String>(), any::<String>(), 0..4),
            labels in prop::collection::vec(any::<String>(), 0..4),
            (created, expires) in (any_moment(), prop::option::of(any_moment())),
            (fingerprint, scheme) in any::<(Option<String>, Option<String>)>(),
            principal in any::<Option<(String, String, String)>>(),
            last_check in prop::option::of(any_check()),
        ) -> Credential {
            let principal = principal.map(|(id, name, kind)| Principal { id, name, kind });
            let id = CredentialId::from_random(id);
            Credential { id, name, provider, kind, region, fields, labels, created, expires, fingerprint, principal, scheme, last_check }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

        #[test]
        fn every_field_comes_back(first in any_credential(), second in any_credential()) {
            let index = Index::in_memory().unwrap();
            index.insert(&first).unwrap();
            prop_assert_eq!(&index.by_id(&first.id).unwrap(), &first);
            prop_assert_eq!(&index.by_name(first.name.as_str()).unwrap(), &first);

            let second = Credential { id: first.id.clone(), ..second };
            let updated = index.update(&first.id, |credential| credential.clone_from(&second)).unwrap();
            prop_assert_eq!(&updated, &second);
            prop_assert_eq!(index.credentials().unwrap(), [second]);
        }
    }

    #[test]
    fn they_come_by_name_and_survive_closing_the_file() {
        let home = Home::new();
        for name in ["laptop", "broker", "ci scanner"] {
            home.open().insert(&credential(name)).unwrap();
        }
        assert_eq!(names(&home.open()), ["broker", "ci scanner", "laptop"]);
    }

    #[test]
    fn a_name_is_given_once() {
        let index = Index::in_memory().unwrap();
        index.insert(&credential("laptop")).unwrap();
        index.insert(&credential("broker")).unwrap();
        let taken = IndexError::NameTaken(Name::parse("laptop").unwrap());

        let impostor = Credential { id: id_of("another"), ..credential("laptop") };
        assert_eq!(index.insert(&impostor), Err(taken.clone()));
        let renamed = index.update(&id_of("broker"), |credential| credential.name = Name::parse("laptop").unwrap());
        assert_eq!(renamed, Err(taken));
        assert_eq!(index.credentials().unwrap(), [credential("broker"), credential("laptop")]);

        let renamed = index.update(&id_of("broker"), |credential| credential.name = Name::parse("gateway").unwrap()).unwrap();
        assert_eq!((renamed.id, renamed.name.as_str()), (id_of("broker"), "gateway"));
        assert_eq!(names(&index), ["gateway", "laptop"]);
    }

    #[test]
    fn the_nearest_names_are_offered_for_one_that_is_unknown() {
        let index = Index::in_memory().unwrap();
        index.insert(&credential("laptop")).unwrap();
        index.insert(&credential("broker")).unwrap();
        let unknown = |name: &str, nearest: &[&str]| {
            Err(IndexError::Unknown { name: name.to_owned(), nearest: nearest.iter().map(|&near| near.to_owned()).collect() })
        };
        assert_eq!(index.by_name("labtop"), unknown("labtop", &["laptop"]));
        assert_eq!(index.by_name("zzz"), unknown("zzz", &[]));
        assert_eq!(index.by_id(&id_of("gone")), unknown(id_of("gone").as_str(), &[]));
        assert_eq!(index.update(&id_of("gone"), |_| ()), unknown(id_of("gone").as_str(), &[]));
    }

    #[test]
    fn two_that_hold_the_same_secret_are_noticed() {
        let index = Index::in_memory().unwrap();
        for name in ["laptop", "broker", "ci"] {
            let fingerprint = (name != "ci").then(|| "same".to_owned());
            index.insert(&Credential { fingerprint, ..credential(name) }).unwrap();
        }
        let twins: Vec<String> = index.with_fingerprint("same").unwrap().into_iter().map(String::from).collect();
        assert_eq!(twins, ["broker", "laptop"]);
        assert_eq!(index.with_fingerprint("other").unwrap(), []);
    }

    #[test]
    fn what_belongs_to_a_credential_goes_with_it() {
        let index = Index::in_memory().unwrap();
        let id = id_of("laptop");
        index.insert(&credential("laptop")).unwrap();
        index.record_check(&id, "SNYK-US-01", &check(Verdict::Refused, 1)).unwrap();
        index.record_exchange(&history::sent("laptop", 1)).unwrap();
        index.remove(&id).unwrap();

        assert_eq!(index.credentials().unwrap(), []);
        assert_eq!(index.region_checks(&id).unwrap(), []);
        assert_eq!(index.history(&HistoryFilter::default(), 9).unwrap(), []);
        assert!(matches!(index.remove(&id), Err(IndexError::Unknown { .. })));
    }
}

mod checks {
    use super::*;

    #[test]
    fn a_verdict_in_the_own_region_is_the_last_check() {
        let index = Index::in_memory().unwrap();
        let id = id_of("laptop");
        index.insert(&credential("laptop")).unwrap();
        index.record_check(&id, "SNYK-US-01", &check(Verdict::Refused, 10)).unwrap();
        assert_eq!(index.by_id(&id).unwrap().last_check, None);
        index.record_check(&id, "SNYK-EU-01", &check(Verdict::Accepted, 20)).unwrap();
        assert_eq!(index.by_id(&id).unwrap().last_check, Some(check(Verdict::Accepted, 20)));
        let seen: Vec<_> = index.region_checks(&id).unwrap().into_iter().map(|seen| (seen.region, seen.check.verdict)).collect();
        assert_eq!(seen, [("SNYK-EU-01".to_owned(), Verdict::Accepted), ("SNYK-US-01".to_owned(), Verdict::Refused)]);
    }

    #[test]
    fn a_late_verdict_does_not_overwrite_a_newer_one() {
        let index = Index::in_memory().unwrap();
        let id = id_of("laptop");
        index.insert(&credential("laptop")).unwrap();
        for at in [20, 10] {
            index.record_check(&id, "SNYK-EU-01", &check(Verdict::Accepted, at)).unwrap();
        }
        assert_eq!(index.by_id(&id).unwrap().last_check.unwrap().at, moment(20));
        assert_eq!(index.region_checks(&id).unwrap()[0].check.at, moment(20));
    }

    #[test]
    fn in_another_region_the_last_check_is_the_one_made_there() {
        let index = Index::in_memory().unwrap();
        let id = id_of("laptop");
        index.insert(&credential("laptop")).unwrap();
        index.record_check(&id, "SNYK-EU-01", &check(Verdict::Refused, 10)).unwrap();
        index.record_check(&id, "SNYK-US-01", &check(Verdict::Accepted, 20)).unwrap();
        let last_in = |region: &str| index.update(&id, |it| region.clone_into(&mut it.region)).unwrap().last_check;
        assert_eq!(last_in("SNYK-US-01"), Some(check(Verdict::Accepted, 20)));
        assert_eq!(last_in("SNYK-AU-01"), None);
        assert_eq!(last_in("SNYK-EU-01"), Some(check(Verdict::Refused, 10)));
    }

    #[test]
    fn many_are_kept_at_once_and_those_on_a_credential_that_is_gone_are_dropped() {
        let index = Index::in_memory().unwrap();
        index.insert(&credential("laptop")).unwrap();
        let verdict =
            |name: &str| (id_of(name), RegionCheck { region: "SNYK-EU-01".to_owned(), check: check(Verdict::Accepted, 10) });
        index.record_checks(&[verdict("gone"), verdict("laptop")]).unwrap();
        assert_eq!(index.by_name("laptop").unwrap().last_check, Some(check(Verdict::Accepted, 10)));
        assert_eq!(index.region_checks(&id_of("gone")).unwrap(), []);
    }

    #[test]
    fn another_secret_has_no_verdicts_yet() {
        let index = Index::in_memory().unwrap();
        for name in ["laptop", "broker"] {
            index.insert(&Credential { last_check: Some(check(Verdict::Accepted, 10)), ..credential(name) }).unwrap();
        }
        index.forget_checks(&id_of("laptop")).unwrap();
        assert_eq!(index.by_name("laptop").unwrap().last_check, None);
        assert_eq!(index.region_checks(&id_of("laptop")).unwrap(), []);
        assert_eq!(index.region_checks(&id_of("broker")).unwrap().len(), 1);
    }
}

mod history {
    use super::*;

    pub(super) fn sent(name: &str, at: i64) -> Sent {
        let target = Target::Path { place: tokenring::domain::region::Place::default(), path: format!("/rest/self/{at}") };
        let draft = Draft { method: Method::Get, target, query: Vec::new(), headers: Vec::new(), body: None, preset: None };
        let (region, status) = ("SNYK-EU-01".to_owned(), Some(200));
        let credential = id_of(name);
        let verdict = Verdict::Accepted;
        Sent { at: moment(at), credential, region, draft, status, verdict, latency_ms: Some(41), size: Some(1_200) }
    }

    fn times(index: &Index, filter: &HistoryFilter, limit: usize) -> Vec<i64> {
        index.history(filter, limit).unwrap().iter().map(|line| line.sent.at.unix_timestamp()).collect()
    }

    #[test]
    fn requests_come_back_newest_first_and_filtered() {
        let index = Index::in_memory().unwrap();
        for name in ["laptop", "broker"] {
            index.insert(&credential(name)).unwrap();
        }
        for (name, at) in [("laptop", 1), ("broker", 2), ("laptop", 3)] {
            index.record_exchange(&sent(name, at)).unwrap();
        }
        let newest = &index.history(&HistoryFilter::default(), 1).unwrap()[0];
        assert_eq!((newest.id, &newest.sent), (3, &sent("laptop", 3)));
        assert_eq!(times(&index, &HistoryFilter::default(), 9), [3, 2, 1]);
        let laptop = HistoryFilter { credential: Some(id_of("laptop")), ..HistoryFilter::default() };
        assert_eq!(times(&index, &laptop, 9), [3, 1]);
        let second = HistoryFilter { text: Some("/REST/self/2".to_owned()), ..HistoryFilter::default() };
        assert_eq!(times(&index, &second, 9), [2]);
    }

    #[test]
    fn old_requests_make_room() {
        let index = Index::in_memory().unwrap();
        index.insert(&credential("laptop")).unwrap();
        for at in 0..10_005 {
            index.record_exchange(&sent("laptop", at)).unwrap();
        }
        let all = times(&index, &HistoryFilter::default(), 20_000);
        assert_eq!((all.len(), all[0], all[9_999]), (10_000, 10_004, 5));
        assert_eq!(index.purge(3), Ok(9_997));
        assert_eq!(times(&index, &HistoryFilter::default(), 9), [10_004, 10_003, 10_002]);
        index.purge(0).unwrap();
        index.record_exchange(&sent("laptop", 7)).unwrap();
        assert_eq!(index.history(&HistoryFilter::default(), 9).unwrap()[0].id, 10_006, "a number is never given twice");
    }
}

mod journal {
    use super::*;

    fn claim(owner: &str, now: i64) -> Claim {
        Claim { owner: owner.to_owned(), now: moment(now), until: moment(now + 60) }
    }

    fn rotation(id: &str, name: &str) -> NewRotation {
        let (plan, state) = ("{\"kind\":\"overlap\"}".to_owned(), "running".to_owned());
        NewRotation { id: id.to_owned(), credential: id_of(name), plan, state }
    }

    #[test]
    fn entries_come_back_in_order_also_after_the_file_was_closed() {
        let home = Home::with(1);
        {
            let index = home.open();
            let lease = index.open_rotation(&rotation("r1", "credential-0000"), &claim("one", 0)).unwrap();
            for (at, entry) in [(1, "{\"intent\":\"create\"}"), (2, "{\"done\":\"create\"}")] {
                assert_eq!(index.append(&lease, moment(at), entry), Ok(u64::try_from(at).unwrap()));
            }
            index.set_rotation_state(&lease, "needs-human").unwrap();
        }
        let index = home.open();
        let written: Vec<_> = index.entries("r1").unwrap().into_iter().map(|line| (line.seq, line.at, line.entry)).collect();
        let expected = [(1, moment(1), "{\"intent\":\"create\"}".to_owned()), (2, moment(2), "{\"done\":\"create\"}".to_owned())];
        assert_eq!(written, expected);
        let open = index.rotations(Rotations::Open).unwrap();
        assert_eq!((open.len(), open[0].state.as_str(), open[0].plan.as_str()), (1, "needs-human", "{\"kind\":\"overlap\"}"));
        assert_eq!((open[0].opened, open[0].closed), (moment(0), None));
    }

    #[test]
    fn a_credential_has_one_open_rotation_and_cannot_be_removed_meanwhile() {
        let home = Home::with(2);
        let (one, other) = (home.open(), home.open());
        let lease = one.open_rotation(&rotation("r1", "credential-0000"), &claim("one", 0)).unwrap();
        let rotating = IndexError::Rotating { rotation: "r1".to_owned() };
        assert_eq!(other.open_rotation(&rotation("r2", "credential-0000"), &claim("two", 0)), Err(rotating.clone()));
        assert_eq!(other.remove(&id_of("credential-0000")), Err(rotating));
        assert!(other.open_rotation(&rotation("r3", "credential-0001"), &claim("two", 0)).is_ok());

        one.close_rotation(&lease, moment(9), "done").unwrap();
        assert!(other.open_rotation(&rotation("r2", "credential-0000"), &claim("two", 10)).is_ok());
        let open: Vec<_> = one.rotations(Rotations::Open).unwrap().into_iter().map(|rotation| rotation.id).collect();
        assert_eq!(open, ["r3", "r2"]);
        assert_eq!(one.rotations(Rotations::All).unwrap().len(), 3);
        assert!(matches!(one.open_rotation(&rotation("r4", "gone"), &claim("one", 0)), Err(IndexError::Unknown { .. })));
    }

    #[test]
    fn a_finished_rotation_outlives_its_credential() {
        let index = Index::in_memory().unwrap();
        index.insert(&credential("laptop")).unwrap();
        let lease = index.open_rotation(&rotation("r1", "laptop"), &claim("one", 0)).unwrap();
        index.append(&lease, moment(1), "{}").unwrap();
        index.close_rotation(&lease, moment(9), "done").unwrap();
        index.remove(&id_of("laptop")).unwrap();
        let kept = &index.rotations(Rotations::All).unwrap()[0];
        assert_eq!((kept.state.as_str(), kept.closed), ("done", Some(moment(9))));
        assert_eq!(index.entries("r1").unwrap().len(), 1);
        assert_eq!(index.append(&lease, moment(10), "{}"), Err(IndexError::NoRotation("r1".to_owned())));
    }

    #[test]
    fn one_process_at_a_time_drives_a_rotation() {
        let home = Home::with(1);
        let (one, other) = (home.open(), home.open());
        let lease = one.open_rotation(&rotation("r1", "credential-0000"), &claim("one", 0)).unwrap();
        let held = |until| IndexError::Held { rotation: "r1".to_owned(), until: moment(until) };
        assert_eq!(other.claim("r1", &claim("two", 59)), Err(held(60)));
        one.claim("r1", &claim("one", 50)).unwrap();
        assert_eq!(other.claim("r1", &claim("two", 60)), Err(held(110)), "a renewed claim holds for longer");

        let second = other.claim("r1", &claim("two", 110)).unwrap();
        assert_eq!(one.append(&lease, moment(111), "{}"), Err(held(170)), "who lost the lease writes no more");
        assert_eq!(one.close_rotation(&lease, moment(111), "done"), Err(held(170)));
        one.release(&lease).unwrap();
        assert_eq!(other.append(&second, moment(111), "{}"), Ok(1), "a lost lease releases nothing");

        other.release(&second).unwrap();
        assert!(one.claim("r1", &claim("one", 112)).is_ok(), "what was released is free at once");
        assert_eq!(one.claim("r9", &claim("one", 0)), Err(IndexError::NoRotation("r9".to_owned())));
    }
}

mod audit {
    use super::*;

    fn trail(lines: i64) -> (Home, Index) {
        let home = Home::new();
        let index = home.open();
        for at in 0..lines {
            index.append_audit(&entry(at)).unwrap();
        }
        (home, index)
    }

    fn entry(at: i64) -> AuditEntry {
        let name = (at % 2 == 0).then(|| "laptop".to_owned());
        let (actor, action, outcome) = ("screen".to_owned(), "reveal".to_owned(), "done".to_owned());
        AuditEntry { at: moment(at), actor, action, name, outcome, reason: format!("look {at}") }
    }

    #[test]
    fn the_newest_lines_come_first_and_the_chain_holds() {
        let (_home, index) = trail(5);
        let lines = index.audit(2).unwrap();
        assert_eq!(lines.iter().map(|line| (line.seq, &line.entry)).collect::<Vec<_>>(), [(5, &entry(4)), (4, &entry(3))]);
        assert_eq!(index.verify_audit(), Ok(AuditState::Intact(5)));
        assert_eq!(Index::in_memory().unwrap().verify_audit(), Ok(AuditState::Intact(0)));
    }

    #[test]
    fn the_hash_can_be_computed_by_others() {
        let (_home, index) = trail(2);
        let lines = index.audit(2).unwrap();
        // printf '%s' "$before$line" | sha256sum
        assert_eq!(
            lines[1].hash,
            sha256(r#"{"seq":1,"at":0,"actor":"screen","action":"reveal","name":"laptop","outcome":"done","reason":"look 0"}"#)
        );
        let second =
            r#"{"seq":2,"at":1000000,"actor":"screen","action":"reveal","name":null,"outcome":"done","reason":"look 1"}"#;
        assert_eq!(lines[0].hash, sha256(&format!("{}{second}", lines[1].hash)));
    }

    fn sha256(text: &str) -> String {
        use sha2::Digest as _;
        tokenring::domain::text::hex(&sha2::Sha256::digest(text))
    }

    #[test]
    fn whatever_is_done_to_a_line_is_found() {
        let swap = "UPDATE audit SET seq = -2 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = -2;";
        for (tampering, broken_at) in [
            ("UPDATE audit SET reason = 'nothing' WHERE seq = 3", 3),
            ("UPDATE audit SET name = NULL WHERE seq = 1", 1),
            ("UPDATE audit SET at = at + 1 WHERE seq = 5", 5),
            ("UPDATE audit SET hash = (SELECT hash FROM audit WHERE seq = 1) WHERE seq = 4", 4),
            ("DELETE FROM audit WHERE seq = 1", 1),
            ("DELETE FROM audit WHERE seq = 3", 3),
            ("DELETE FROM audit WHERE seq = 5", 5),
            ("DELETE FROM audit", 1),
            (swap, 2),
            ("INSERT INTO audit SELECT 6, at, actor, action, name, outcome, reason, hash FROM audit WHERE seq = 5", 6),
            ("UPDATE audit_head SET entries = 4", 5),
            ("UPDATE audit_head SET hash = ''", 5),
        ] {
            let (home, index) = trail(5);
            rusqlite::Connection::open(&home.path).unwrap().execute_batch(tampering).unwrap();
            match index.verify_audit().unwrap() {
                AuditState::Broken { at, .. } => assert_eq!(at, broken_at, "{tampering}"),
                AuditState::Intact(_) => panic!("not found: {tampering}"),
            }
        }
    }

    #[test]
    fn a_line_after_a_removed_one_does_not_heal_the_trail() {
        let (home, index) = trail(3);
        rusqlite::Connection::open(&home.path).unwrap().execute_batch("DELETE FROM audit WHERE seq = 3").unwrap();
        index.append_audit(&entry(9)).unwrap();
        assert_eq!(index.verify_audit(), Ok(AuditState::Broken { at: 3, why: "the line is missing" }));
    }
}

mod file {
    use super::*;

    /// What comes of opening the file and reading all of it.
    fn read_all(path: &Path) -> Result<usize, IndexError> {
        let index = Index::open(path)?;
        let found = index.credentials()?.len();
        index.verify()?;
        Ok(found)
    }

    fn assert_damaged(home: &Home, what: &str) {
        let before = std::fs::read(&home.path).unwrap();
        match read_all(&home.path) {
            Err(IndexError::Damaged { path, .. }) => assert_eq!(path, home.path, "{what}"),
            other => panic!("{what}: {other:?}"),
        }
        assert!(std::fs::read(&home.path).unwrap() == before, "{what}: the file was changed");
    }

    #[test]
    fn a_file_that_is_not_a_database_is_refused_and_left_alone() {
        let half_a_header = [b"SQLite format 3\0".as_slice(), &[0xa5; 8176]].concat();
        for (what, bytes) in [
            ("nothing", Vec::new()),
            ("text", b"name = \"laptop\"\n".repeat(256)),
            ("noise", (0..16_384_u32).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect()),
            ("zeros", vec![0; 8192]),
            ("half a header", half_a_header),
        ] {
            assert_damaged(&Home::holding(&bytes), what);
        }
    }

    #[test]
    fn a_file_that_was_cut_short_is_refused_and_left_alone() {
        let whole = std::fs::read(Home::with(200).path).unwrap();
        let cuts = [1, 99, 100, 512, 1000, 4095, 4096, 4097, 8192, 40_000, whole.len() / 2, whole.len() - 4096, whole.len() - 1];
        for cut in cuts {
            assert_damaged(&Home::holding(&whole[..cut]), &format!("cut after {cut} of {} bytes", whole.len()));
        }
    }

    #[test]
    fn a_file_with_a_spoiled_page_is_refused_and_left_alone() {
        let whole = std::fs::read(Home::with(200).path).unwrap();
        let pages = whole.len() / 4096;
        assert!(pages > 10, "{pages}");
        for page in 0..pages {
            let mut bytes = whole.clone();
            for byte in &mut bytes[page * 4096..page * 4096 + 64] {
                *byte ^= 0xff;
            }
            assert_damaged(&Home::holding(&bytes), &format!("page {page} of {pages}"));
        }
    }

    #[test]
    fn a_newer_file_and_another_programs_database_are_refused_and_left_alone() {
        let home = Home::with(1);
        rusqlite::Connection::open(&home.path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let before = std::fs::read(&home.path).unwrap();
        assert!(matches!(read_all(&home.path), Err(IndexError::Newer { found: 99, .. })));
        assert!(std::fs::read(&home.path).unwrap() == before);

        let home = Home::holding(b"");
        rusqlite::Connection::open(&home.path).unwrap().execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
        let before = std::fs::read(&home.path).unwrap();
        assert_eq!(read_all(&home.path), Err(IndexError::Foreign { path: home.path.clone() }));
        assert!(std::fs::read(&home.path).unwrap() == before);
    }

    #[test]
    fn a_log_without_its_file_is_not_taken_for_that_of_a_new_one() {
        let home = Home::new();
        std::fs::create_dir(home.path.parent().unwrap()).unwrap();
        std::fs::write(home.path.with_extension("db-wal"), b"what is left").unwrap();
        assert!(matches!(Index::open(&home.path), Err(IndexError::Damaged { .. })));
        assert!(!home.path.exists());
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let home = Home::holding(b"a file where a folder should be");
        let path = home.path.join("index.db");
        assert!(matches!(Index::open(&path), Err(IndexError::Disk { .. })), "a file in the way");
        std::fs::remove_file(&home.path).unwrap();
        std::fs::create_dir(&home.path).unwrap();
        assert!(matches!(Index::open(&home.path), Err(IndexError::Disk { .. })), "a folder in the way");
    }

    #[test]
    fn opening_and_reading_writes_nothing() {
        let home = Home::with(20);
        let before = (std::fs::read(&home.path).unwrap(), std::fs::metadata(&home.path).unwrap().modified().unwrap());
        assert_eq!(read_all(&home.path), Ok(20));
        let after = (std::fs::read(&home.path).unwrap(), std::fs::metadata(&home.path).unwrap().modified().unwrap());
        assert!(before == after);
    }

    #[cfg(unix)]
    mod unix {
        use std::os::unix::fs::{PermissionsExt as _, symlink};

        use super::*;

        fn mode(path: &Path) -> u32 {
            std::fs::metadata(path).unwrap().permissions().mode() & 0o777
        }

        #[test]
        fn nobody_else_may_read_the_files() {
            let home = Home::new();
            let index = home.open();
            index.insert(&credential("laptop")).unwrap();
            assert_eq!(mode(home.path.parent().unwrap()), 0o700);
            for path in [home.path.clone(), home.path.with_extension("db-wal"), home.path.with_extension("db-shm")] {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
            }
            drop(index);
            std::fs::set_permissions(&home.path, std::fs::Permissions::from_mode(0o644)).unwrap();
            drop(home.open());
            assert_eq!(mode(&home.path), 0o600, "what was loosened is tightened");
        }

        #[test]
        fn a_symbolic_link_is_refused() {
            let home = Home::with(1);
            let link = home.path.with_file_name("link.db");
            symlink(&home.path, &link).unwrap();
            assert!(matches!(Index::open(&link), Err(IndexError::Link { .. })));
            let dangling = home.path.with_file_name("dangling.db");
            symlink("/nowhere/index.db", &dangling).unwrap();
            assert!(matches!(Index::open(&dangling), Err(IndexError::Link { .. })));
        }

        /// The shell's limit on the size of a file stands in for a full disk: writing fails in the same place.
        #[test]
        fn on_a_full_disk_a_change_is_refused_and_what_was_durable_stays() {
            if let Some(path) = std::env::var_os(CHILD) {
                let index = Index::open(Path::new(&path)).unwrap();
                let added =
                    (0..5_000).map(|number| index.insert(&credential(&format!("{number:04}")))).take_while(Result::is_ok).count();
                let refusal = index.insert(&credential("one more")).unwrap_err();
                assert!(matches!(refusal, IndexError::Disk { .. }), "{refusal:?}");
                assert_eq!(index.credentials().unwrap().len(), added + 1, "what is there can still be read");
                assert!(added > 10, "{added}");
                return;
            }
            let home = Home::with(1);
            let limited = "trap '' XFSZ; ulimit -f 400; exec \"$0\" \"$@\"";
            let mut command = Command::new("sh");
            command.stdout(Stdio::null());
            command.args(["-c", limited]).arg(std::env::current_exe().unwrap());
            assert!(
                as_child(command, "index::file::unix::on_a_full_disk_a_change_is_refused_and_what_was_durable_stays", &home)
                    .wait()
                    .unwrap()
                    .success()
            );
            assert!(read_all(&home.path).unwrap() > 10);
        }
    }
}

mod processes {
    use super::*;

    const PROCESSES: usize = 8;
    const EACH: usize = 50;

    #[test]
    fn eight_that_write_at_once_lose_nothing() {
        if let Some(path) = std::env::var_os(CHILD) {
            return work_as_child(Path::new(&path));
        }
        let home = Home::new();
        let start = |_| {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.stdout(Stdio::null());
            as_child(command, "index::processes::eight_that_write_at_once_lose_nothing", &home)
        };
        let children: Vec<Child> = (0..PROCESSES).map(start).collect();
        for mut child in children {
            assert!(child.wait().unwrap().success());
        }
        let index = home.open();
        assert_eq!(index.credentials().unwrap().len(), PROCESSES * EACH + 1);
        assert_eq!(index.by_name("shared").unwrap().labels.len(), PROCESSES * EACH + 1, "no update was lost");
        assert_eq!(index.verify_audit(), Ok(AuditState::Intact((PROCESSES * EACH) as u64)));
        assert_eq!(index.verify(), Ok(()));
    }

    #[test]
    fn what_was_confirmed_survives_a_killed_process() {
        if let Some(path) = std::env::var_os(CHILD) {
            return append_until_killed(Path::new(&path));
        }
        let home = Home::with(1);
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.stdout(Stdio::piped());
        let mut child = as_child(command, "index::processes::what_was_confirmed_survives_a_killed_process", &home);
        let output = BufReader::new(child.stdout.take().unwrap());
        let confirmed = |line: String| line.strip_prefix("confirmed ").and_then(|seq| seq.parse::<u64>().ok());
        let mut lines = output.lines().map_while(Result::ok).filter_map(confirmed);
        lines.find(|seq| *seq == 20).expect("the child confirmed twenty lines");
        child.kill().unwrap();
        let last = lines.last().unwrap_or(20);
        child.wait().unwrap();

        let index = home.open();
        let entries = index.entries("r1").unwrap();
        assert!(entries.len() as u64 >= last, "{} of {last}", entries.len());
        assert!(entries.iter().zip(1..).all(|(line, seq)| line.seq == seq), "there are no gaps");
        assert_eq!(index.verify(), Ok(()));
    }

    fn append_until_killed(path: &Path) {
        let index = Index::open(path).unwrap();
        let (plan, state) = ("{}".to_owned(), "running".to_owned());
        let new = NewRotation { id: "r1".to_owned(), credential: id_of("credential-0000"), plan, state };
        let claim = Claim { owner: "child".to_owned(), now: moment(0), until: moment(60) };
        let lease = index.open_rotation(&new, &claim).unwrap();
        for _ in 0..1_000_000 {
            println!("confirmed {}", index.append(&lease, moment(1), "{}").unwrap());
        }
    }

    /// Every child adds its own credentials, tries to add one that all want, and changes that one.
    fn work_as_child(path: &Path) {
        let index = Index::open(path).unwrap();
        let process = std::process::id();
        let shared = Credential { id: CredentialId::from_random([9; 16]), ..credential("shared") };
        for number in 0..EACH {
            index.insert(&credential(&format!("{process}-{number}"))).unwrap();
            let mine = Credential { id: id_of(&format!("{process} {number}")), ..shared.clone() };
            let first = index.insert(&shared);
            assert!(number == 0 || first.is_err(), "a name was given twice");
            assert!(matches!(index.insert(&mine), Err(IndexError::NameTaken(_))));
            index.update(&shared.id, |credential| credential.labels.push(format!("{process}-{number}"))).unwrap();
            let (actor, action, outcome) = (process.to_string(), "add".to_owned(), "done".to_owned());
            let entry = AuditEntry { at: moment(0), actor, action, name: None, outcome, reason: String::new() };
            index.append_audit(&entry).unwrap();
        }
    }
}

/// Runs one test of this binary in a process of its own, as the child of the same test.
fn as_child(mut command: Command, test: &str, home: &Home) -> Child {
    command.args(["--exact", test, "--nocapture"]).env(CHILD, &home.path);
    command.spawn().unwrap()
}
