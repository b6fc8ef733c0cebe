//! Pins words in the index, in the names of items, on the command line and in JSON that serde does
//! not write.

use tokenring::domain::consumer::ConsumerTarget;
use tokenring::domain::credential::{SecretPart, SecretSlot};
use tokenring::domain::diagnosis::refusal;
use tokenring::domain::problem::{Problem, ProblemClass};
use tokenring::domain::provider::ValueType;
use tokenring::domain::request::{HttpMethod, SavedRequestName};
use tokenring::domain::response::CheckResult;
use tokenring::domain::rotation::{
    ProgressLine, RollbackEffect, RotationId, RotationPhase, RotationPurpose, RotationStatus,
    RotationStep, StepStatus, format_remote_name, parse_attempt,
};
use tokenring::domain::{CredentialId, CredentialName, StoreKind};
use tokenring::engine::doctor::{self, DiagnosticArea, DiagnosticSeverity};
use tokenring::engine::scan::UnreadableFile;
use tokenring::engine::stores::migrate::ItemComparison;
use tokenring::engine::{DeliveryProof, DeliveryReport};
use tokenring::store::ItemKey;

use super::written;

#[test]
fn words_in_columns_and_item_names() {
    let verdicts =
        [CheckResult::Accepted, CheckResult::Refused, CheckResult::Unknown, CheckResult::Unchecked];
    assert_eq!(verdicts.map(CheckResult::as_str), ["accepted", "refused", "unknown", "unchecked"]);
    assert_eq!(
        [SecretSlot::Current, SecretSlot::Pending, SecretSlot::Previous].map(SecretSlot::as_str),
        ["current", "pending", "previous"]
    );
    assert_eq!(SecretPart::Secret.as_str(), "secret");
    assert_eq!(SecretPart::parse("secret"), SecretPart::Secret);
    assert_eq!(SecretPart::parse("client_secret"), SecretPart::Named("client_secret".to_owned()));
    let stores = [StoreKind::Keyring, StoreKind::File, StoreKind::Memory];
    assert_eq!(stores.map(StoreKind::as_str), ["keyring", "file", "memory"]);
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    assert_eq!(HttpMethod::ALL.map(HttpMethod::as_str), methods);
    assert_eq!(
        [ValueType::Text, ValueType::Uuid, ValueType::Number].map(ValueType::as_str),
        ["text", "uuid", "number"]
    );
    let path = || "/x".into();
    assert_eq!(ConsumerTarget::SnykCli { path: path() }.kind(), "snyk-cli");
    assert_eq!(ConsumerTarget::ProbelyCli { path: path() }.kind(), "probely-cli");
    assert_eq!(ConsumerTarget::EnvFile { path: path(), key: String::new() }.kind(), "env-file");
    assert_eq!(
        ConsumerTarget::JsonFile { path: path(), pointer: String::new() }.kind(),
        "json-file"
    );
    assert_eq!(SavedRequestName::parse("list-projects").unwrap().to_string(), "list-projects");
}

#[test]
fn keys_of_items_in_the_store() {
    let id = CredentialId::from_random([0xab; 16]);
    let key = |slot, part: &SecretPart| ItemKey::for_part(&id, slot, part).as_str().to_owned();
    assert_eq!(
        key(SecretSlot::Current, &SecretPart::Secret),
        "abababababababababababababababab/current/secret"
    );
    let part = SecretPart::Named("refresh_token".to_owned());
    assert_eq!(
        key(SecretSlot::Pending, &part),
        "abababababababababababababababab/pending/refresh_token"
    );
    assert_eq!(ItemKey::internal("fingerprint-key").as_str(), "tokenring/fingerprint-key");
}

#[test]
fn names_of_what_a_rotation_makes_at_a_provider() {
    let id = RotationId::from_random([0xab; 8]);
    assert_eq!(id.as_str(), "abababababababab");
    assert_eq!(format_remote_name(&id, 3, "nightly"), "nightly-tr-abababababababab-3");
    assert_eq!(parse_attempt(&id, "nightly-tr-abababababababab-3"), Some(3));
}

#[test]
fn steps_in_json_lines() {
    let app = || "app".to_owned();
    let rows = [
        (RotationStep::VerifyStore, "prove-store"),
        (RotationStep::Snapshot, "snapshot"),
        (RotationStep::Create, "create"),
        (RotationStep::AwaitPaste, "await-paste"),
        (RotationStep::AwaitSignIn, "await-sign-in"),
        (RotationStep::Stage, "stash"),
        (RotationStep::Verify, "verify"),
        (RotationStep::Promote, "promote"),
        (RotationStep::Deliver(app()), "deliver app"),
        (RotationStep::Revoke, "revoke"),
        (RotationStep::AwaitRevoke, "await-revoke"),
        (RotationStep::VerifyRevoked, "prove-dead"),
        (RotationStep::ClearSlots, "forget"),
        (RotationStep::DeleteOrphan(app()), "discard app"),
        (RotationStep::FindOrphans, "sweep"),
        (RotationStep::VerifyOld, "prove-old"),
        (RotationStep::RestoreOld, "restore"),
        (RotationStep::RestoreConsumer(app()), "redeliver app"),
    ];
    for (step, word) in rows {
        assert_eq!(step.to_string(), word);
        assert_eq!(step.id(), word.trim_end_matches(" app"));
    }
    let purposes = [RotationPurpose::Replace, RotationPurpose::Create, RotationPurpose::Revoke];
    assert_eq!(
        purposes.map(RotationPurpose::audit_verb),
        ["rotate", "create", "revoke"],
        "actions in the audit trail"
    );
}

#[test]
fn progress_and_state_of_a_rotation() {
    pin_variants!(written, RotationPhase {
        RotationPhase::Running => RotationPhase::Running, r#""running""#;
        RotationPhase::NeedsUser => RotationPhase::NeedsUser, r#""needs-human""#;
        RotationPhase::Done => RotationPhase::Done, r#""done""#;
        RotationPhase::RolledBack => RotationPhase::RolledBack, r#""rolled-back""#;
        RotationPhase::Abandoned => RotationPhase::Abandoned, r#""abandoned""#;
    });
    pin_variants!(written, StepStatus {
        StepStatus::Planned => StepStatus::Planned, r#""planned""#;
        StepStatus::Running => StepStatus::Running, r#""running""#;
        StepStatus::Done => StepStatus::Done, r#""done""#;
        StepStatus::Failed => StepStatus::Failed, r#""failed""#;
        StepStatus::Waiting => StepStatus::Waiting, r#""waiting""#;
    });
    let text = |text: &str| text.to_owned();
    let line = ProgressLine {
        rotation: text("ab"),
        step: text("create"),
        state: StepStatus::Done,
        detail: text("so"),
    };
    written(&line, r#"{"rotation":"ab","step":"create","state":"done","detail":"so"}"#);
    let status = RotationStatus {
        id: text("ab"),
        name: text("nightly"),
        purpose: RotationPurpose::Replace,
        part: text("secret"),
        plan: text("so"),
        state: RotationPhase::Done,
        step: None,
        next: text("nothing"),
        manual_steps: vec![text("this")],
        why: None,
        notes: Vec::new(),
        credential: CredentialId::from_random([7; 16]),
        rollback: RollbackEffect::EndsRotation,
    };
    written(
        &status,
        r#"{"id":"ab","name":"nightly","purpose":"replace","part":"secret","plan":"so","state":"done","step":null,"next":"nothing","left":["this"],"why":null}"#,
    );
    written(
        &RotationStatus { notes: vec![text("and that")], ..status },
        r#"{"id":"ab","name":"nightly","purpose":"replace","part":"secret","plan":"so","state":"done","step":null,"next":"nothing","left":["this"],"why":null,"notes":["and that"]}"#,
    );
}

#[test]
fn problems_and_exit_codes() {
    let problem = Problem::new("what", "why", "remedy").with_class(ProblemClass::Usage);
    written(&problem, r#"{"what":"what","why":"why","remedy":"remedy"}"#);
    let classes = [
        ProblemClass::Failed,
        ProblemClass::Usage,
        ProblemClass::NotFound,
        ProblemClass::Refused,
        ProblemClass::Unknown,
        ProblemClass::Store,
        ProblemClass::Policy,
        ProblemClass::NeedsHuman,
    ];
    for class in classes {
        let code = match class {
            ProblemClass::Failed => 1,
            ProblemClass::Usage => 2,
            ProblemClass::NotFound => 3,
            ProblemClass::Refused => 4,
            ProblemClass::Unknown => 5,
            ProblemClass::Store => 6,
            ProblemClass::Policy => 7,
            ProblemClass::NeedsHuman => 8,
        };
        assert_eq!(class.exit_code(), code);
    }
}

#[test]
fn findings_of_the_doctor() {
    pin_variants!(written, DiagnosticArea {
        DiagnosticArea::Store => DiagnosticArea::Store, r#""store""#;
        DiagnosticArea::Database => DiagnosticArea::Database, r#""index""#;
        DiagnosticArea::Terminal => DiagnosticArea::Terminal, r#""terminal""#;
        DiagnosticArea::Environment => DiagnosticArea::Environment, r#""environment""#;
        DiagnosticArea::Network => DiagnosticArea::Network, r#""network""#;
        DiagnosticArea::Files => DiagnosticArea::Files, r#""files""#;
        DiagnosticArea::Settings => DiagnosticArea::Settings, r#""settings""#;
        DiagnosticArea::Keys => DiagnosticArea::Keys, r#""keys""#;
    });
    pin_variants!(written, DiagnosticSeverity {
        DiagnosticSeverity::Ok => DiagnosticSeverity::Ok, r#""ok""#;
        DiagnosticSeverity::Warn => DiagnosticSeverity::Warn, r#""warn""#;
        DiagnosticSeverity::Fail => DiagnosticSeverity::Fail, r#""fail""#;
    });
    let text = |text: &str| text.to_owned();
    let finding = doctor::Diagnostic {
        area: DiagnosticArea::Keys,
        level: DiagnosticSeverity::Ok,
        what: text("a"),
        why: text("b"),
        remedy: text("c"),
    };
    written(&finding, r#"{"area":"keys","level":"ok","what":"a","why":"b","remedy":"c"}"#);
}

#[test]
fn deliveries_moves_and_scans() {
    pin_variants!(written, DeliveryProof {
        DeliveryProof::ReadBack => DeliveryProof::ReadBack, r#""read-back""#;
        DeliveryProof::ExitStatus => DeliveryProof::ExitStatus, r#""exit-status""#;
    });
    pin_variants!(written, ItemComparison {
        ItemComparison::New => ItemComparison::New, r#""new""#;
        ItemComparison::Same => ItemComparison::Same, r#""same""#;
        ItemComparison::Differs => ItemComparison::Differs, r#""differs""#;
        ItemComparison::TooLarge => ItemComparison::TooLarge, r#""too-large""#;
    });
    let consumer = CredentialName::parse("app").unwrap();
    let delivery = DeliveryReport {
        consumer,
        proof: DeliveryProof::ReadBack,
        detail: "so".to_owned(),
        note: None,
    };
    written(&delivery, r#"{"consumer":"app","proof":"read-back","detail":"so","note":null}"#);
    written(
        &UnreadableFile { path: "/x".into(), why: "locked".to_owned() },
        r#"{"path":"/x","why":"locked"}"#,
    );
}

#[test]
fn explanations_of_refusals() {
    use refusal::{CauseAssessment, Likelihood, RefusalCause, RefusalDiagnosis, RemedyStep};
    pin_variants!(written, RefusalCause {
        RefusalCause::RateLimit => RefusalCause::RateLimit, r#""pace""#;
        RefusalCause::Request => RefusalCause::Request, r#""request""#;
        RefusalCause::Region => RefusalCause::Region, r#""region""#;
        RefusalCause::Expiry => RefusalCause::Expiry, r#""end""#;
        RefusalCause::Scheme => RefusalCause::Scheme, r#""scheme""#;
        RefusalCause::Plan => RefusalCause::Plan, r#""plan""#;
        RefusalCause::Account => RefusalCause::Account, r#""account""#;
        RefusalCause::Permission => RefusalCause::Permission, r#""permission""#;
        RefusalCause::Whitespace => RefusalCause::Whitespace, r#""whitespace""#;
        RefusalCause::Clock => RefusalCause::Clock, r#""clock""#;
    });
    pin_variants!(written, Likelihood {
        Likelihood::Likely => Likelihood::Likely, r#""likely""#;
        Likelihood::Unknown => Likelihood::Unknown, r#""open""#;
        Likelihood::Unlikely => Likelihood::Unlikely, r#""unlikely""#;
    });
    pin_variants!(written, RemedyStep {
        RemedyStep::Wait(_) => RemedyStep::Wait("5 s".to_owned()), r#"{"wait":"5 s"}"#;
        RemedyStep::EditRequest => RemedyStep::EditRequest, r#""edit-request""#;
        RemedyStep::SetClock => RemedyStep::SetClock, r#""set-clock""#;
        RemedyStep::ReenterSecret => RemedyStep::ReenterSecret, r#""reenter""#;
        RemedyStep::SwitchRegion(_) => RemedyStep::SwitchRegion("SNYK-EU-01".to_owned()), r#"{"switch":"SNYK-EU-01"}"#;
        RemedyStep::ProbeRegions => RemedyStep::ProbeRegions, r#""probe""#;
        RemedyStep::OpenProviderPage => RemedyStep::OpenProviderPage, r#""page""#;
        RemedyStep::ListAccess => RemedyStep::ListAccess, r#""reach""#;
        RemedyStep::Rotate => RemedyStep::Rotate, r#""replace""#;
    });
    let known = vec![CauseAssessment {
        cause: RefusalCause::Expiry,
        likelihood: Likelihood::Unknown,
        reason: "so".to_owned(),
    }];
    let refusal = RefusalDiagnosis {
        tried: vec!["GET".to_owned()],
        causes: known,
        next_steps: vec![RemedyStep::OpenProviderPage],
    };
    written(
        &refusal,
        r#"{"tried":["GET"],"known":[{"cause":"end","weight":"open","told":"so"}],"next":["page"]}"#,
    );
}
