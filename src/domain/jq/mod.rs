//! jq filters for response bodies.
//!
//! A filter only computes: functions with outside effects (environment, standard error, program
//! exit) are removed. The response has no secrets any more when a filter sees it, so a filter
//! cannot reveal one. Start at [`JqFilter`]; `step_limit` bounds the time, the depth and the
//! stack, and a worker thread provides the stack.
//!
//! Worker thread with a large stack for jq filters.
//!
//! Parsing, running and dropping a filter are recursive, and the depth depends on the filter and
//! its input. The stacks of other threads are too small for what the limits allow.

mod exact_value;
mod step_limit;

use std::ops::ControlFlow;

use jaq_core::load::parse::Def;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars, compile, unwrap_valr};
use jaq_json::Val;
use step_limit::{ExecutionContext, StepLimited};

use super::problem::{Problem, ProblemClass};
use super::text::sanitize_line;
use crate::domain::jq;
use crate::util::json_scan::json_values;

/// Functions of the standard library that reach beyond the filter's input.
const DISABLED_FUNCTIONS: [&str; 8] = [
    "env",
    "halt",
    "halt_error",
    "debug",
    "debug_empty",
    "stderr",
    "stderr_empty",
    "input_filename",
];

/// Filter with valid syntax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JqFilter(String);

/// Compiled filter, ready to run.
struct CompiledFilter(jaq_core::Filter<StepLimited>);

/// Maximum size of a filter in bytes, since the parser is recursive.
const MAX_FILTER_BYTES: usize = 16 * 1024;

/// Maximum number of steps of a filter. Walking through a response of ten megabytes takes fewer
/// than a million.
const MAX_FILTER_STEPS: u64 = 10_000_000;

/// Name of the definition that contains the user's filter.
const MAIN_DEFINITION: &str = "the_whole_filter";

/// Reason why a filter has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JqError {
    /// The filter is invalid.
    #[error("invalid filter: {0}")]
    InvalidFilter(String),
    /// The response is not JSON.
    #[error("the response is not JSON: {0}")]
    InvalidInput(String),
    /// The response nests deeper than the limit.
    #[error("the response nests deeper than {} levels", step_limit::MAX_INPUT_DEPTH)]
    InputTooDeep,
    /// The filter met a value that it cannot be applied to.
    #[error("{0}")]
    EvaluationFailed(String),
    /// The filter exceeded the limit of steps or depth.
    #[error("{0}")]
    StepLimitExceeded(String),
    /// The worker thread could not be started.
    #[error("the worker thread could not start: {0}")]
    NoWorkerThread(String),
}

/// One result of a filter.
#[derive(Debug, Clone, PartialEq)]
pub struct JqOutput {
    value: Val,
    json: String,
}

impl JqFilter {
    /// Parses a filter such as `.data[] | .attributes.name`.
    ///
    /// # Errors
    ///
    /// Fails where the filter is too long, has a syntax error or calls an unknown function.
    pub fn parse(text: &str) -> Result<Self, JqError> {
        if text.len() > MAX_FILTER_BYTES {
            return Err(JqError::InvalidFilter(format!("more than {MAX_FILTER_BYTES} bytes")));
        }
        jq::run_on_large_stack(|| CompiledFilter::compile(text).map(drop))??;
        Ok(Self(text.to_owned()))
    }

    /// Passes the results for every value of a JSON text to `each` one by one, until `each` returns
    /// [`ControlFlow::Break`]. Several values follow each other (JSON lines) or form a JSON text
    /// sequence.
    pub fn for_each_output<E: From<JqError> + Send>(
        &self,
        json: &str,
        each: impl FnMut(&JqOutput) -> Result<ControlFlow<()>, E> + Send,
    ) -> Result<(), E> {
        self.for_each_output_within(json, MAX_FILTER_STEPS, each)
    }

    fn for_each_output_within<E: From<JqError> + Send>(
        &self,
        json: &str,
        steps: u64,
        mut each: impl FnMut(&JqOutput) -> Result<ControlFlow<()>, E> + Send,
    ) -> Result<(), E> {
        if step_limit::exceeds_input_depth(json.as_bytes()) {
            return Err(JqError::InputTooDeep.into());
        }
        jq::run_on_large_stack(|| {
            let compiled = CompiledFilter::compile(&self.0)?;
            let run = ExecutionContext::new(&compiled.0.lut, steps);
            for value in json_values(json) {
                let value = value.map_err(|error| JqError::InvalidInput(error.to_string()))?;
                for output in compiled.outputs(exact_value::read_value(value), &run) {
                    if each(&output?)?.is_break() {
                        return Ok(());
                    }
                }
            }
            Ok(())
        })?
    }
}

impl CompiledFilter {
    fn compile(text: &str) -> Result<Self, JqError> {
        let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        let functions = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
        let arena = Arena::default();
        // A valid filter becomes a definition, so that its steps are counted too. For an invalid
        // one the loader produces the error.
        let main = load::parse(text, |parser| parser.term()).map(|body| Def {
            name: MAIN_DEFINITION,
            args: Vec::new(),
            body,
        });
        let code = if main.is_some() { MAIN_DEFINITION } else { text };
        let definitions =
            definitions.filter(|definition| !DISABLED_FUNCTIONS.contains(&definition.name));
        let loader = Loader::new(step_limit::limited_definitions(definitions, main));
        let modules =
            loader.load(&arena, File { code, path: () }).map_err(|errors| syntax_error(&errors))?;
        let functions = step_limit::limited_functions(
            functions.filter(|(name, ..)| !DISABLED_FUNCTIONS.contains(name)),
        );
        let compiler = Compiler::default().with_funs(functions);
        compiler.compile(modules).map(Self).map_err(|errors| undefined_error(&errors))
    }

    /// Returns the outputs for one value. Each of them counts as steps by its size, so that a filter
    /// without end is stopped between its outputs too.
    fn outputs<'a>(
        &'a self,
        input: Val,
        run: &ExecutionContext<'a>,
    ) -> impl Iterator<Item = Result<JqOutput, JqError>> + 'a {
        let context = Ctx::<StepLimited>::new(run.clone(), Vars::new([]));
        let run = run.clone();
        self.0.id.run((context, input)).map(unwrap_valr).map(move |output| {
            let output = output.and_then(|value| {
                let json = exact_value::write_value(&value);
                run.count_output(json.len())?;
                Ok(JqOutput { value, json })
            });
            output.map_err(|error| {
                // A message is a value of jq, and a text is shown without its quotes.
                let why = error.to_string();
                let why = quote_line(&serde_json::from_str::<String>(&why).unwrap_or(why));
                if run.is_exhausted() {
                    JqError::StepLimitExceeded(why)
                } else {
                    JqError::EvaluationFailed(why)
                }
            })
        })
    }
}

impl JqOutput {
    /// Returns the result as JSON.
    pub fn to_json(&self) -> &str {
        &self.json
    }

    /// Returns a string without its quotes, and any other value as JSON.
    pub fn to_plain_text(&self) -> String {
        match &self.value {
            Val::TStr(text) => String::from_utf8_lossy(text).into_owned(),
            _ => self.json.clone(),
        }
    }

    /// Returns whether the result is a string.
    pub fn is_string(&self) -> bool {
        matches!(self.value, Val::TStr(_))
    }
}

fn syntax_error(errors: &load::Errors<&str, ()>) -> JqError {
    let why = match errors.first() {
        Some((_, load::Error::Lex(errors))) => {
            errors.first().map(|(expected, found)| describe_unexpected(expected.as_str(), found))
        }
        Some((_, load::Error::Parse(errors))) => {
            errors.first().map(|(expected, found)| describe_unexpected(expected.as_str(), found))
        }
        _ => None,
    };
    JqError::InvalidFilter(why.unwrap_or_else(|| "modules are not available".to_owned()))
}

fn describe_unexpected(expected: &str, found: &str) -> String {
    if found.is_empty() {
        format!("expected {expected} at the end")
    } else {
        format!("expected {expected} at \"{}\"", quote_line(found))
    }
}

fn undefined_error(errors: &compile::Errors<&str, ()>) -> JqError {
    let first = errors.first().and_then(|(_, errors)| errors.first());
    let why =
        first.map(|(name, sort)| format!("unknown {} \"{}\"", sort.as_str(), quote_line(name)));
    JqError::InvalidFilter(why.unwrap_or_else(|| "the filter cannot be compiled".to_owned()))
}

/// Quotes the start of a text on one line.
fn quote_line(text: &str) -> String {
    let line = sanitize_line(text);
    if line.chars().count() > 80 { line.chars().take(80).chain(['…']).collect() } else { line }
}

impl From<JqError> for Problem {
    fn from(error: JqError) -> Self {
        let (what, remedy) = match &error {
            JqError::InvalidFilter(_) => {
                ("The jq filter was not applied", "Correct the filter. Example: .data[] | .id")
            }
            JqError::InvalidInput(_) | JqError::InputTooDeep => {
                ("The jq filter was not applied", "View the response without --jq")
            }
            JqError::EvaluationFailed(_) => (
                "The jq filter stopped with an error",
                "View the response without --jq; .a? skips values without a",
            ),
            JqError::StepLimitExceeded(_) => {
                ("The jq filter ran too long", "Limit the results, for example with limit(100; …)")
            }
            JqError::NoWorkerThread(_) => {
                ("The jq filter was not applied", "Raise the memory limit of tokenring (ulimit -v)")
            }
        };
        let class = if matches!(error, JqError::InvalidFilter(_)) {
            ProblemClass::Usage
        } else {
            ProblemClass::Failed
        };
        Self::new(what, error.to_string(), remedy).with_class(class)
    }
}

/// Stack size in bytes. The system commits memory only for the part that is used.
pub(in crate::domain::jq) const STACK_BYTES: usize = 256 << 20;

/// Runs `work` on a thread with a large stack and returns its result.
pub(in crate::domain::jq) fn run_on_large_stack<T: Send>(
    work: impl FnOnce() -> T + Send,
) -> Result<T, JqError> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("jq".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work);
        let thread = thread.map_err(|error| JqError::NoWorkerThread(error.to_string()))?;
        thread.join().map_err(|panic| std::panic::resume_unwind(panic))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filtered(filter: &str, json: &str) -> Result<Vec<String>, JqError> {
        let mut results = Vec::new();
        JqFilter::parse(filter)?.for_each_output_within(json, 100_000, |output| {
            results.push(output.to_json().to_owned());
            Ok::<_, JqError>(ControlFlow::Continue(()))
        })?;
        Ok(results)
    }

    /// Returns the first results, strings without their quotes.
    fn first(count: usize, filter: &str, json: &str) -> Vec<String> {
        let mut results = Vec::new();
        let each = |output: &JqOutput| {
            results.push(output.to_plain_text());
            Ok::<_, JqError>(if results.len() < count {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            })
        };
        JqFilter::parse(filter).unwrap().for_each_output(json, each).unwrap();
        results
    }

    #[test]
    fn results_come_one_by_one_in_order() {
        let json =
            r#"{"data":[{"id":"a","attributes":{"name":"é\n"}},{"id":"b","attributes":{}}]}"#;
        assert_eq!(filtered(".data[].id", json).unwrap(), [r#""a""#, r#""b""#]);
        assert_eq!(
            filtered(".data | length, (map(.id) | join(\"+\"))", json).unwrap(),
            ["2", r#""a+b""#]
        );
        assert_eq!(
            first(2, ".data[0].attributes.name, .data[1]", json),
            ["é\n", r#"{"id":"b","attributes":{}}"#]
        );
    }

    #[test]
    fn an_endless_filter_is_asked_only_as_far_as_wanted() {
        assert_eq!(first(3, "recurse(. + 1)", "1"), ["1", "2", "3"]);
    }

    #[test]
    fn a_filter_without_results_ends_too() {
        for filter in [
            "last(repeat(1))",
            "def f: f; f",
            "def f: 1 + f; f",
            "def f: try f catch f; f",
            "last(range(1e18))",
            "[range(1; 1e18; 1e-9)] | length",
            "until(false; .)",
            "\"\\(def f: .[0:f]; f)\"",
            "path(def f: f; f)",
            "reduce repeat(1) as $x (0; . + $x)",
            "[1] | . as [$a] | def f($b): f($a); f(1)",
        ] {
            let error = filtered(filter, "[1]").unwrap_err();
            assert!(matches!(error, JqError::StepLimitExceeded(_)), "{filter}: {error}");
            assert!(!error.to_string().contains('"'), "{filter}: {error}");
        }
        assert_eq!(
            filtered("[limit(3; repeat(1))], ([range(3)] | add), last(range(0; 10; 3))", "1")
                .unwrap(),
            ["[1,1,1]", "3", "9"]
        );
        assert_eq!(filtered("def f: .a; (f) |= . + 1", r#"{"a":1}"#).unwrap(), [r#"{"a":2}"#]);
        assert_eq!(filtered("[paths]", r#"{"a":[1]}"#).unwrap(), [r#"[["a"],["a",0]]"#]);
    }

    #[test]
    fn endless_nesting_is_reported_and_does_not_crash_the_program() {
        for filter in [
            "def f: [f]; f",
            "def f: [.] | f; f",
            "def f: {a: .} | f; f",
            "def f($x): f([$x]); f(1)",
            "last(recurse([.]))",
            "reduce range(1e6) as $i (1; [.])",
            "reduce repeat(1) as $i (1; {a: .}) | tojson",
            "last(foreach repeat(1) as $i ({}; .a = .))",
            "\"[\" * 100000 | fromjson",
            "[range(3000)] as $p | null | setpath($p | map(0); 1) | until(false; [.])",
        ] {
            let error = filtered(filter, "[1]").unwrap_err();
            assert!(!Problem::from(error).remedy.is_empty(), "{filter}");
        }
        // Other values that are inspected alternately: two of different sizes, and three.
        for input in [
            "[1]",
            "{}",
            r#"{"data":{"id":"u","attributes":{"name":"n"}}}"#,
            &format!("[{}0]", "0,".repeat(999)),
        ] {
            for filter in ["def f($x): f([$x]); f(1)", "def f($x; $y): f([$x]; $y); f(1; [2])"] {
                let why = Problem::from(filtered(filter, input).unwrap_err()).why;
                assert!(why.contains("deeper"), "{filter} of {input}: {why}");
            }
        }
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(matches!(filtered(".", &nested(200_000)), Err(JqError::InputTooDeep)));
        assert!(matches!(JqFilter::parse(&nested(200_000)), Err(JqError::InvalidFilter(_))));
        for filter in [
            ".",
            ". == .",
            "[..] | length",
            "tojson | fromjson",
            "walk(.)",
            "[paths] | length",
            "flatten",
            &nested(8_000),
        ] {
            filtered(filter, &nested(step_limit::MAX_INPUT_DEPTH)).unwrap();
        }
        let deep = "reduce range(2000) as $i (0; [.]) | tojson | length";
        assert_eq!(filtered(deep, "1").unwrap(), ["4001"]);
    }

    #[test]
    fn large_numbers_stay_exact() {
        assert_eq!(
            filtered(".a, .b", r#"{"a":123456789012345678901,"b":1.50}"#).unwrap(),
            ["123456789012345678901", "1.50"]
        );
    }

    #[test]
    fn several_values_are_filtered_one_by_one() {
        for json in ["{\"a\":1}\n{\"a\":2}\n", "\u{1e}{\"a\":1}\n\u{1e}{\"a\":2}\n"] {
            assert_eq!(filtered(".a", json).unwrap(), ["1", "2"]);
        }
        assert_eq!(filtered(".", "").unwrap(), [""; 0]);
        let mut seen = Vec::new();
        let partly = JqFilter::parse(".").unwrap().for_each_output("1\n{", |output| {
            seen.push(output.to_json().to_owned());
            Ok::<_, JqError>(ControlFlow::Continue(()))
        });
        assert!(seen == ["1"] && matches!(partly, Err(JqError::InvalidInput(_))));
    }

    #[test]
    fn outputs_without_end_are_stopped() {
        for (filter, json) in [
            ("repeat(.)", "1"),
            ("recurse(. + 1)", "1"),
            ("range(1; infinite)", "1"),
            ("label $out | repeat(1)", "1"),
            ("limit(1e18; repeat(.))", "1"),
            ("range(90000) as $i | .", &format!("\"{}\"", "x".repeat(1000))),
        ] {
            let error = filtered(filter, json).unwrap_err();
            assert!(matches!(error, JqError::StepLimitExceeded(_)), "{filter}: {error}");
        }
    }

    #[test]
    fn what_is_no_json_elsewhere_is_none_here() {
        for json in ["NaN", "+1", "01", "# comment\n1", "b\"x\"", "{1:2}", "Infinity"] {
            assert!(matches!(filtered(".", json), Err(JqError::InvalidInput(_))), "{json}");
        }
        for json in ["1e400", r#""\ud800""#, "-0", "1.10"] {
            assert_eq!(filtered(".", json).unwrap(), [json]);
        }
    }

    #[test]
    fn errors_are_reported_with_a_remedy() {
        for (filter, json, expected) in [
            (".data[", "{}", "expected closing bracket"),
            (". |", "1", "at the end"),
            ("nonsense", "{}", "unknown filter \"nonsense\""),
            (".", "<html>", "not JSON"),
            (".a.b", "[1]", "cannot"),
        ] {
            let error = filtered(filter, json).unwrap_err();
            assert!(!matches!(error, JqError::StepLimitExceeded(_)), "{filter}: {error}");
            assert!(error.to_string().contains(expected), "{filter}: {error}");
            assert!(!Problem::from(error).remedy.is_empty());
        }
    }

    #[test]
    fn a_quotation_is_cut_where_it_gets_long_and_not_before() {
        assert_eq!(quote_line(&"x".repeat(80)), "x".repeat(80));
        assert_eq!(quote_line(&"x".repeat(81)), "x".repeat(80) + "…");
        assert_eq!(quote_line("short"), "short");
    }

    #[test]
    fn a_filter_cannot_reach_out() {
        for filter in [
            "env",
            "$ENV",
            "halt",
            "halt(3)",
            "input",
            "debug",
            "stderr",
            "halt_error",
            "import \"x\" as x; .",
        ] {
            assert!(matches!(JqFilter::parse(filter), Err(JqError::InvalidFilter(_))), "{filter}");
        }
    }

    proptest! {
        #[test]
        fn no_filter_makes_it_panic(filter in "[\\[\\](){}.|,:\"a-z$0-9 ?;+*-]{0,24}", odd in "\\PC{0,16}") {
            for text in [filter, odd] {
                if let Ok(filter) = JqFilter::parse(&text) {
                    let mut left = 9;
                    let _ = filter.for_each_output(r#"{"a":[1,"x",null]}"#, |_| {
                        left -= 1;
                        Ok::<_, JqError>(if left > 0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
                    });
                }
            }
        }
    }
}
