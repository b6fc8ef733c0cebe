//! Tests that the errors of typical mistakes name the one thing to do. Start with [`MISTAKES`].

use crate::support::program::{Home, SimulatorProcess};

/// Token of the right form; it exists nowhere.
const UUID: &str = "12345678-1234-4234-8234-123456789abc";
/// Token whose end is missing.
const INCOMPLETE: &str = "snyk_uat.1a2b3c4d.eyJlIjox";
/// Token of another provider than the named one.
const SNYK_TOKEN: &str = "snyk_uat.1a2b3c4d.eyJlIjoxfQ.c2lnbmF0dXJl";

/// What was typed, what standard input has, and what the error says.
struct Mistake {
    arguments: &'static [&'static str],
    input: &'static str,
    code: i32,
    what: &'static str,
    remedy: &'static str,
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        arguments: &["add", "x", "--provider", "snyk"],
        input: " \n",
        code: 2,
        what: "No secret was given",
        remedy: "pipe it in",
    },
    Mistake {
        arguments: &["identify"],
        input: "",
        code: 2,
        what: "No secret was given",
        remedy: "pipe it in",
    },
    Mistake {
        arguments: &["add", "x", "--provider", "snik"],
        input: UUID,
        code: 2,
        what: "no provider named \"snik\"",
        remedy: "Did you mean snyk?",
    },
    Mistake {
        arguments: &["add", "x", "--provider", "snyk", "--kind", "pat"],
        input: UUID,
        code: 2,
        what: "no kind named \"pat\"",
        remedy: "Did you mean personal-access-token",
    },
    Mistake {
        arguments: &["add", "x", "--provider", "snyk", "--region", "eu1"],
        input: UUID,
        code: 2,
        what: "no region named \"eu1\"",
        remedy: "Did you mean SNYK-EU-01",
    },
    Mistake {
        arguments: &["add", "x", "--provider", "snyk", "--field", "orgid=1"],
        input: UUID,
        code: 2,
        what: "Unknown field \"orgid\"",
        remedy: "did you mean org_id?",
    },
    Mistake {
        arguments: &["add", "x", "--provider", "snyk-apps", "--part", "client_secrt"],
        input: "a\nb\n",
        code: 2,
        what: "no part named \"client_secrt\"",
        remedy: "Did you mean client_secret?",
    },
    Mistake {
        arguments: &["add", "laptop", "--provider", "snyk"],
        input: UUID,
        code: 2,
        what: "The name is already in use",
        remedy: "choose another name",
    },
    Mistake {
        arguments: &["add", "x", "--provider", "snyk"],
        input: "one two",
        code: 2,
        what: "The pasted text is not a valid secret",
        remedy: "Paste only the secret",
    },
    Mistake {
        arguments: &["add", "x", "--provider", "snyk"],
        input: INCOMPLETE,
        code: 2,
        what: "The secret is incomplete",
        remedy: "copy the whole token",
    },
    Mistake {
        arguments: &["add", "x", "--provider", "snyk", "--kind", "personal-access-token"],
        input: INCOMPLETE,
        code: 2,
        what: "The region is unknown",
        remedy: "copy the whole token and add it again, or pass --region",
    },
    Mistake {
        arguments: &["add", "x", "--provider", "appcircle"],
        input: SNYK_TOKEN,
        code: 2,
        what: "This is not a secret of Appcircle",
        remedy: "pass --provider snyk",
    },
    Mistake {
        arguments: &["add", "x", "--provider", "snyk", UUID],
        input: "",
        code: 2,
        what: "A secret must not be an argument",
        remedy: "`tokenring add NAME --provider P`",
    },
    Mistake {
        arguments: &["get", "laptop", "--part", "client_secret"],
        input: "",
        code: 2,
        what: "no part named \"client_secret\"",
        remedy: "Leave the part out",
    },
    Mistake {
        arguments: &["get", "labtop"],
        input: "",
        code: 3,
        what: "Unknown credential",
        remedy: "did you mean \"laptop\"?",
    },
    Mistake {
        arguments: &["request", "laptop", "rest/self"],
        input: "",
        code: 2,
        what: "The request address is not valid",
        remedy: "Write it with a slash at its beginning: /rest/self",
    },
    Mistake {
        arguments: &["request", "laptop"],
        input: "",
        code: 2,
        what: "Nothing to send",
        remedy: "pass [METHOD] PATH or --preset ID",
    },
    Mistake {
        arguments: &["request", "laptop", "POST", "/rest/orgs"],
        input: "",
        code: 2,
        what: "Send POST /rest/orgs",
        remedy: "pass --yes to confirm",
    },
    Mistake {
        arguments: &["exec", "laptop", "snyk", "test"],
        input: "",
        code: 2,
        what: "The command to run is missing",
        remedy: "write -- before the command: `tokenring exec NAME -- COMMAND`",
    },
    Mistake {
        arguments: &["remove", "laptop"],
        input: "",
        code: 2,
        what: "Delete laptop from tokenring?",
        remedy: "pass --yes to confirm",
    },
    Mistake {
        arguments: &["check"],
        input: "",
        code: 2,
        what: "No credential selected",
        remedy: "name one or more credentials, or pass --all",
    },
    Mistake {
        arguments: &[],
        input: "",
        code: 2,
        what: "The screen cannot be shown",
        remedy: "run tokenring in a terminal",
    },
];

#[test]
fn every_mistake_is_answered_with_what_to_do() {
    let home = Home::new();
    let add = ["add", "laptop", "--provider", "snyk", "--kind", "personal-token", "--offline"];
    home.feed(&add, "87654321-4321-4321-8321-cba987654321").expect(0);
    for Mistake { arguments, input, code, what, remedy } in MISTAKES {
        let told = home.feed(arguments, input);
        assert_eq!(told.code, *code, "{arguments:?}: {}{}", told.out, told.err);
        let line = |start: &str| {
            told.err
                .lines()
                .find_map(|line| line.trim_start().strip_prefix(start))
                .unwrap_or_else(|| panic!("{arguments:?}: no {start:?} in {}", told.err))
                .to_owned()
        };
        assert!(line("error: ").starts_with(what), "{arguments:?}: {}", told.err);
        assert!(line("fix: ").contains(remedy), "{arguments:?}: {}", told.err);
        assert!(!told.err.contains("\"\""), "an empty name: {}", told.err);
    }
}

#[test]
fn a_classic_token_is_added_with_what_is_known_and_tried() {
    let (home, simulator) = (Home::new(), SimulatorProcess::start());
    home.use_simulator(&simulator);
    let add = |name: &str, secret: &str| {
        let added = home.feed(&["add", name, "--provider", "snyk"], secret).expect(0);
        assert!(added.err.contains("adding it as a personal API token"), "{}", added.err);
        assert!(added.err.contains("--kind service-account-token"), "{}", added.err);
        assert!(added.err.contains("assuming SNYK-US-01"), "{}", added.err);
        added.err
    };
    let accepted = add("here", simulator.secret("us01-admin"));
    assert!(accepted.contains("acts as"), "{accepted}");
    let refused = add("elsewhere", simulator.secret("eu01-admin"));
    assert!(refused.contains("stored, but refused"), "{refused}");
    assert!(refused.contains("`tokenring check elsewhere --all-regions`"), "{refused}");
    for (name, status) in [("here", "accepted"), ("elsewhere", "refused")] {
        assert_eq!(home.run(&["show", name, "--json"]).expect(0).json()["status"], status);
    }
}

#[test]
fn one_text_has_one_answer() {
    let home = Home::new();
    let identified = home.feed(&["identify", "--json"], INCOMPLETE).expect(0).json();
    assert_eq!(identified["candidates"][0]["incomplete"], true, "{identified}");
    let listed = home
        .feed(&["import", "dotenv", "-", "--dry-run"], &format!("SNYK_TOKEN={INCOMPLETE}\n"))
        .out;
    assert!(listed.contains("incomplete"), "{listed}");

    let identified = home.feed(&["identify", "--json"], UUID).expect(0).json();
    let first = &identified["candidates"][0];
    let imported = home
        .feed(&["import", "dotenv", "-", "--dry-run", "--json"], &format!("SNYK_TOKEN={UUID}\n"))
        .expect(0)
        .json();
    home.feed(&["add", "uuid", "--provider", "snyk", "--offline"], UUID).expect(0);
    let added = home.run(&["show", "uuid", "--json"]).expect(0).json();
    for kind in [&imported[0]["kind"], &added["kind"]] {
        assert_eq!(*kind, first["kind"], "{identified}{imported}{added}");
    }
}
