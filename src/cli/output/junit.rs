//! Check results as `JUnit` XML, which CI pipelines display.

use std::fmt::Write as _;

use super::json::CheckResultJson;
use crate::domain::response::CheckResult;

/// Renders a report in which every credential is a test case. A refused credential or a policy
/// violation is a failure, an unknown result is an error, and an unchecked credential is skipped.
pub(in crate::cli) fn junit_report(verdicts: &[CheckResultJson]) -> String {
    let counted =
        |has: &str| verdicts.iter().map(test_case).filter(|case| case.contains(has)).count();
    let (failures, errors, skipped) =
        (counted("<failure "), counted("<error "), counted("<skipped/>"));
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    let counts = format!(
        "tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\"",
        verdicts.len()
    );
    let _ = writeln!(xml, "<testsuites {counts}>\n  <testsuite name=\"tokenring check\" {counts}>");
    for found in verdicts {
        let _ = writeln!(xml, "{}", test_case(found));
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

fn test_case(found: &CheckResultJson) -> String {
    let seconds = found.latency_ms.unwrap_or_default();
    let seconds = format!("{}.{:03}", seconds / 1000, seconds % 1000);
    let head = format!(
        "    <testcase name=\"{}\" classname=\"{}\" time=\"{seconds}\"",
        escape_attribute(&found.name),
        escape_attribute(&found.region)
    );
    let inner = match (found.verdict, &found.policy) {
        (CheckResult::Refused, _) => element("failure", "refused", &found.reason),
        (_, Some(breach)) => element("failure", "policy", breach),
        (CheckResult::Unknown, None) => element("error", "unknown", &found.reason),
        (CheckResult::Unchecked, None) => "<skipped/>".to_owned(),
        (CheckResult::Accepted, None) => return format!("{head}/>"),
    };
    format!("{head}>{inner}</testcase>")
}

fn element(name: &str, sort: &str, message: &str) -> String {
    format!("<{name} type=\"{sort}\" message=\"{}\"/>", escape_attribute(message))
}

/// Escapes a text for use as an attribute value. Characters that XML does not allow are removed.
fn escape_attribute(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\t' | '\n' | '\r' => safe.push(' '),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, verdict: CheckResult) -> CheckResultJson {
        let reason = "said \"no\" & <left>\u{1}".to_owned();
        CheckResultJson {
            name: name.to_owned(),
            region: "EU".to_owned(),
            verdict,
            status: None,
            reason,
            latency_ms: Some(1042),
            policy: None,
        }
    }

    #[test]
    fn every_check_result_has_its_element_and_the_counts_agree() {
        let all = [
            found("a", CheckResult::Accepted),
            found("b", CheckResult::Refused),
            found("c", CheckResult::Unknown),
            found("d", CheckResult::Unchecked),
            CheckResultJson {
                policy: Some("e is 100 days old".to_owned()),
                ..found("e", CheckResult::Accepted)
            },
        ];
        let xml = junit_report(&all);
        assert!(xml.contains("tests=\"5\" failures=\"2\" errors=\"1\" skipped=\"1\""), "{xml}");
        assert!(xml.contains("<testcase name=\"a\" classname=\"EU\" time=\"1.042\"/>"), "{xml}");
        assert!(
            xml.contains(
                "<failure type=\"refused\" message=\"said &quot;no&quot; &amp; &lt;left&gt;\"/>"
            ),
            "{xml}"
        );
        assert!(
            xml.contains("<failure type=\"policy\" message=\"e is 100 days old\"/>")
                && xml.contains("<skipped/>"),
            "{xml}"
        );
        assert!(xml.chars().all(|c| c == '\n' || !c.is_control()));
    }
}
