//! Tests of an index that several processes use at once, and of one process that is killed.

use super::*;

const PROCESSES: usize = 8;
const EACH: usize = 50;

#[test]
fn eight_that_write_at_once_lose_nothing() {
    if let Some(path) = std::env::var_os(CHILD_VARIABLE) {
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
    assert_eq!(
        index.credential_by_name("shared").unwrap().labels.len(),
        PROCESSES * EACH + 1,
        "no update was lost"
    );
    assert_eq!(index.verify_audit(), Ok(AuditIntegrity::Intact((PROCESSES * EACH) as u64)));
    assert_eq!(index.verify_integrity(), Ok(()));
}

#[test]
fn what_was_confirmed_survives_a_killed_process() {
    if let Some(path) = std::env::var_os(CHILD_VARIABLE) {
        return append_until_killed(Path::new(&path));
    }
    let home = Home::with(1);
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.stdout(Stdio::piped());
    let mut child =
        as_child(command, "index::processes::what_was_confirmed_survives_a_killed_process", &home);
    let output = BufReader::new(child.stdout.take().unwrap());
    let confirmed =
        |line: String| line.strip_prefix("confirmed ").and_then(|seq| seq.parse::<u64>().ok());
    let mut lines = output.lines().map_while(Result::ok).filter_map(confirmed);
    lines.find(|seq| *seq == 20).expect("the child confirmed twenty lines");
    child.kill().unwrap();
    let last = lines.last().unwrap_or(20);
    child.wait().unwrap();

    let index = home.open();
    let entries = index.journal_entries("r1").unwrap();
    assert!(entries.len() as u64 >= last, "{} of {last}", entries.len());
    assert!(entries.iter().zip(1..).all(|(line, seq)| line.seq == seq), "there are no gaps");
    assert_eq!(index.verify_integrity(), Ok(()));
}

fn append_until_killed(path: &Path) {
    let index = Database::open(path).unwrap();
    let (plan, state) = ("{}".to_owned(), "running".to_owned());
    let new =
        NewRotation { id: "r1".to_owned(), credential: id_of("credential-0000"), plan, state };
    let claim = LeaseRequest { owner: "child".to_owned(), now: moment(0), until: moment(60) };
    let lease = index.open_rotation(&new, &claim).unwrap();
    for _ in 0..1_000_000 {
        println!("confirmed {}", index.append_journal(&lease, moment(1), "{}").unwrap());
    }
}

/// Runs in each child: adds its own credentials, tries to add one that all children add, and
/// changes that one.
fn work_as_child(path: &Path) {
    let index = Database::open(path).unwrap();
    let process = std::process::id();
    let shared = Credential { id: CredentialId::from_random([9; 16]), ..credential("shared") };
    for number in 0..EACH {
        index.insert_credential(&credential(&format!("{process}-{number}"))).unwrap();
        let mine = Credential { id: id_of(&format!("{process} {number}")), ..shared.clone() };
        let first = index.insert_credential(&shared);
        assert!(number == 0 || first.is_err(), "a name was given twice");
        assert!(matches!(index.insert_credential(&mine), Err(DatabaseError::NameTaken(_))));
        index
            .update_credential(&shared.id, |credential| {
                credential.labels.push(format!("{process}-{number}"));
            })
            .unwrap();
        let (actor, action, outcome) = (process.to_string(), "add".to_owned(), "done".to_owned());
        let entry =
            AuditEntry { at: moment(0), actor, action, name: None, outcome, reason: String::new() };
        index.append_audit(&entry).unwrap();
    }
}
