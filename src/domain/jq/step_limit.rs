//! Limits on the number of steps and the depth of a filter, so that no filter runs forever.
//!
//! The caller can stop a filter that produces results after any of them. A filter without results,
//! such as `last(repeat(1))`, does not return by itself. Only recursive definitions and ranges can
//! run without end in jq, so each of them counts its steps and fails when none are left. The limit
//! counts steps, not seconds, so that it does not depend on the machine.
//!
//! A definition that calls itself other than in tail position would overflow the stack, so every
//! step also checks the depth of the stack. A loop can build a value that nests deeper and deeper,
//! so a step inspects its value from time to time.
//!
//! Start at [`limited_definitions`], which rewrites the filter, and [`ExecutionContext`], which
//! counts.
//!
//! Limits for the nesting depth of JSON values.
//!
//! Every operation on a value (reading, comparing, printing, dropping) is recursive, so unlimited
//! nesting would overflow the stack and abort the program.

use std::cell::Cell;
use std::rc::Rc;

use jaq_core::data::HasLut;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::native::{self, Fun, bome};
use jaq_core::path::{Part, Path};
use jaq_core::{DataT, Error, Native};
use jaq_json::Val;

use crate::domain::jq::{STACK_BYTES, step_limit};
use crate::util::json_scan::find_excessive_depth;

/// Maximum number of bytes of the stack for a filter; the rest is for operations on deep values.
const MAX_STACK_BYTES: usize = STACK_BYTES / 4;

/// Minimum number of steps between two inspections of a value.
const MIN_DEPTH_CHECK_INTERVAL: usize = 64;
/// Maximum number of steps between two inspections of a value, however large the value is.
const MAX_DEPTH_CHECK_INTERVAL: usize = 4_096;

/// Number of bytes of output that count as a step. The outputs of a filter that copies the largest
/// response take half of all steps.
const OUTPUT_BYTES_PER_STEP: usize = 16;

/// Name of the step function. It is not a valid jq identifier, so no filter can redefine it.
const STEP_FUNCTION: &str = "!step";
/// Name of the range function that does not count; not a valid jq identifier either.
const RANGE_FUNCTION: &str = "!range";
/// Name of the `fromjson` function that does not check the depth.
const FROM_JSON_FUNCTION: &str = "!fromjson";
/// Name of the function that checks the depth of a JSON text.
const DEPTH_CHECK_FUNCTION: &str = "!shallow";

/// Lookup tables of a filter.
type LookupTable = jaq_core::compile::Lut<Native<StepLimited>>;

/// Data kind of a filter that runs with limits.
pub(super) struct StepLimited;

/// Data of a running filter: its lookup tables, the remaining steps, and the start of its stack.
#[derive(Clone)]
pub(super) struct ExecutionContext<'a> {
    lut: &'a LookupTable,
    steps_left: Rc<Cell<u64>>,
    /// Steps until the next inspection of a value.
    steps_to_depth_check: Rc<Cell<usize>>,
    stack_start: usize,
}

impl DataT for StepLimited {
    type V<'a> = Val;
    type Data<'a> = ExecutionContext<'a>;
}

impl<'a> HasLut<'a, StepLimited> for ExecutionContext<'a> {
    fn lut(&self) -> &'a LookupTable {
        self.lut
    }
}

impl<'a> ExecutionContext<'a> {
    /// Creates the data for a run with `steps` steps.
    pub(super) fn new(lut: &'a LookupTable, steps: u64) -> Self {
        Self {
            lut,
            steps_left: Rc::new(Cell::new(steps)),
            steps_to_depth_check: Rc::new(Cell::new(MIN_DEPTH_CHECK_INTERVAL)),
            stack_start: stack_address(),
        }
    }

    /// Whether all steps are used up.
    pub(super) fn is_exhausted(&self) -> bool {
        self.steps_left.get() == 0
    }

    /// Counts an output of this size as steps.
    pub(super) fn count_output(&self, bytes: usize) -> Result<(), Error<Val>> {
        let steps = 1 + bytes / OUTPUT_BYTES_PER_STEP;
        let left = self.steps_left.get().saturating_sub(steps as u64);
        self.steps_left.set(left);
        if left > 0 { Ok(()) } else { Err(Error::str("the filter has more output than allowed")) }
    }

    fn count_step(&self, value: &Val) -> Result<(), Error<Val>> {
        let left = self.steps_left.get();
        if stack_address().abs_diff(self.stack_start) > MAX_STACK_BYTES
            || self.value_is_too_deep(value)
        {
            self.steps_left.set(0);
            return Err(Error::str("the recursion or a value goes deeper than allowed"));
        }
        self.steps_left.set(left.saturating_sub(1));
        if left > 0 { Ok(()) } else { Err(Error::str("the filter takes more steps than allowed")) }
    }
}

impl ExecutionContext<'_> {
    /// Inspects a value when an inspection is due. The interval varies, so that the inspections do
    /// not always meet the same of several alternating values.
    fn value_is_too_deep(&self, value: &Val) -> bool {
        if !matches!(value, Val::Arr(_) | Val::Obj(_)) {
            return false;
        }
        let unseen = self.steps_to_depth_check.get();
        if unseen > 0 {
            self.steps_to_depth_check.set(unseen - 1);
            return false;
        }
        let Some(count) = step_limit::count_values(value) else { return true };
        let wait = (count / 16).clamp(MIN_DEPTH_CHECK_INTERVAL, MAX_DEPTH_CHECK_INTERVAL);
        self.steps_to_depth_check.set(wait + scatter(self.steps_left.get()));
        false
    }
}

/// Returns a pseudo-random number below 64. A plain remainder would be the same after each
/// inspection, because the number counts the steps until then.
fn scatter(number: u64) -> usize {
    usize::try_from(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58).unwrap_or(0)
}

/// Returns the current address on the stack.
#[inline(never)]
fn stack_address() -> usize {
    let marker = 0_u8;
    std::ptr::from_ref(&marker).addr()
}

/// Adds the step function and the depth check to the functions of a filter, and renames the
/// functions that they guard.
pub(super) fn limited_functions(
    known: impl Iterator<Item = Fun<StepLimited>>,
) -> impl Iterator<Item = Fun<StepLimited>> {
    let step = native::run::<StepLimited>((STEP_FUNCTION, native::v(0), |cv| {
        bome(cv.0.data().count_step(&cv.1).map(|()| Val::from(true)))
    }));
    let shallow = native::run::<StepLimited>((DEPTH_CHECK_FUNCTION, native::v(0), |cv| {
        bome(check_json_depth(&cv.1).map(|()| Val::from(true)))
    }));
    known.map(|(name, arguments, run)| (internal_name(name), arguments, run)).chain([step, shallow])
}

/// Returns the internal name of a function that filters must not call directly.
fn internal_name(name: &'static str) -> &'static str {
    match name {
        "range" => RANGE_FUNCTION,
        "fromjson" => FROM_JSON_FUNCTION,
        _ => name,
    }
}

/// Fails where a text nests too deep to be parsed as JSON.
fn check_json_depth(text: &Val) -> Result<(), Error<Val>> {
    match text {
        Val::TStr(bytes) | Val::BStr(bytes) if step_limit::exceeds_input_depth(bytes) => {
            Err(Error::str(format_args!(
                "the text for fromjson nests deeper than {} levels",
                step_limit::MAX_INPUT_DEPTH
            )))
        }
        _ => Ok(()),
    }
}

/// Rewrites the definitions and the filter so that each counts its calls, and adds a `range` that
/// counts its results and a `fromjson` that checks the depth.
pub(super) fn limited_definitions<'s>(
    known: impl Iterator<Item = Def<&'static str>>,
    main: Option<Def<&'s str>>,
) -> impl Iterator<Item = Def<&'s str>> {
    let known = known.map(|known| -> Def<&'s str> { limit_definition(known) });
    [range_definition(), from_json_definition()]
        .into_iter()
        .chain(known)
        .chain(main.map(limit_definition))
}

/// Rewrites a definition so that it fails when no steps are left or when one of its arguments nests
/// too deep.
fn limit_definition(Def { name, args, body }: Def<&str>) -> Def<&str> {
    let values = args.iter().filter(|argument| argument.starts_with('$'));
    let body = values.fold(with_step(limit_term(body)), |body, value| {
        let check = Term::BinOp(
            Box::new(Term::Var(*value)),
            BinaryOp::Pipe(None),
            Box::new(Term::Call(STEP_FUNCTION, Vec::new())),
        );
        Term::IfThenElse(vec![(check, body)], None)
    });
    Def { name, args, body }
}

/// Returns `if !step then … else . end`. The step only passes or fails, so the expression is valid
/// in paths too.
fn with_step(body: Term<&str>) -> Term<&str> {
    Term::IfThenElse(vec![(Term::Call(STEP_FUNCTION, Vec::new()), body)], None)
}

fn range_definition<'s>() -> Def<&'s str> {
    let arguments = vec!["from", "to", "by"];
    let call = Term::Call(
        RANGE_FUNCTION,
        arguments.iter().map(|name| Term::Call(*name, Vec::new())).collect(),
    );
    let body = Term::BinOp(Box::new(call), BinaryOp::Pipe(None), Box::new(with_step(Term::Id)));
    Def { name: "range", args: arguments, body }
}

fn from_json_definition<'s>() -> Def<&'s str> {
    let read = Term::Call(FROM_JSON_FUNCTION, Vec::new());
    let body = Term::IfThenElse(vec![(Term::Call(DEPTH_CHECK_FUNCTION, Vec::new()), read)], None);
    Def { name: "fromjson", args: Vec::new(), body }
}

/// Rewrites every definition and every iteration of a fold inside a term so that it counts.
fn limit_term<'s>(term: Term<&'s str>) -> Term<&'s str> {
    let boxed = |inner: Box<Term<&'s str>>| Box::new(limit_term(*inner));
    let pair = |(one, other): (Term<&'s str>, Term<&'s str>)| (limit_term(one), limit_term(other));
    match term {
        Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_) => term,
        Term::Str(format, parts) => {
            Term::Str(format, parts.into_iter().map(limit_string_part).collect())
        }
        Term::Arr(inner) => Term::Arr(inner.map(boxed)),
        Term::Obj(members) => Term::Obj(
            members
                .into_iter()
                .map(|(key, value)| (limit_term(key), value.map(limit_term)))
                .collect(),
        ),
        Term::Neg(inner) => Term::Neg(boxed(inner)),
        Term::BinOp(left, BinaryOp::Pipe(Some(bound)), right) => {
            Term::BinOp(boxed(left), BinaryOp::Pipe(Some(limit_pattern(bound))), boxed(right))
        }
        Term::BinOp(left, operator, right) => Term::BinOp(boxed(left), operator, boxed(right)),
        Term::Label(name, inner) => Term::Label(name, boxed(inner)),
        Term::Fold(name, over, bound, steps) => {
            let limit_step =
                |(at, step)| if at == 1 { with_step(limit_term(step)) } else { limit_term(step) };
            Term::Fold(
                name,
                boxed(over),
                limit_pattern(bound),
                steps.into_iter().enumerate().map(limit_step).collect(),
            )
        }
        Term::TryCatch(tried, otherwise) => Term::TryCatch(boxed(tried), otherwise.map(boxed)),
        Term::IfThenElse(cases, otherwise) => {
            Term::IfThenElse(cases.into_iter().map(pair).collect(), otherwise.map(boxed))
        }
        Term::Def(definitions, inner) => {
            Term::Def(definitions.into_iter().map(limit_definition).collect(), boxed(inner))
        }
        Term::Call(name, arguments) => {
            Term::Call(name, arguments.into_iter().map(limit_term).collect())
        }
        Term::Path(of, Path(parts)) => Term::Path(
            boxed(of),
            Path(parts.into_iter().map(|(at, opt)| (limit_path_part(at), opt)).collect()),
        ),
    }
}

fn limit_string_part(piece: StringPart<'_>) -> StringPart<'_> {
    match piece {
        StringPart::Term(inner) => StringPart::Term(limit_term(inner)),
        other => other,
    }
}

fn limit_path_part(at: Part<Term<&str>>) -> Part<Term<&str>> {
    match at {
        Part::Index(index) => Part::Index(limit_term(index)),
        Part::Range(from, to) => Part::Range(from.map(limit_term), to.map(limit_term)),
    }
}

fn limit_pattern(bound: Pattern<&str>) -> Pattern<&str> {
    match bound {
        Pattern::Var(name) => Pattern::Var(name),
        Pattern::Arr(inner) => Pattern::Arr(inner.into_iter().map(limit_pattern).collect()),
        Pattern::Obj(members) => Pattern::Obj(
            members
                .into_iter()
                .map(|(key, value)| (limit_term(key), limit_pattern(value)))
                .collect(),
        ),
    }
}

type StringPart<'s> = jaq_core::load::lex::StrPart<&'s str, Term<&'s str>>;

/// Maximum nesting depth of the input: ten times the depth of any response seen so far.
pub(super) const MAX_INPUT_DEPTH: usize = 1_000;
/// Maximum nesting depth of a value that a filter creates.
const MAX_VALUE_DEPTH: usize = 10_000;

/// Whether a JSON text exceeds [`MAX_INPUT_DEPTH`].
pub(super) fn exceeds_input_depth(json: &[u8]) -> bool {
    find_excessive_depth(json, MAX_INPUT_DEPTH).is_some()
}

/// Counts the values inside a value without recursion; returns `None` where they nest deeper than
/// [`MAX_VALUE_DEPTH`].
pub(super) fn count_values(value: &Val) -> Option<usize> {
    let (mut inner, mut count) = (vec![child_values(value)], 0);
    while let Some(level) = inner.last_mut() {
        match level.next() {
            Some(child @ (Val::Arr(_) | Val::Obj(_))) => inner.push(child_values(child)),
            Some(_) => {}
            None => _ = inner.pop(),
        }
        count += 1;
        if inner.len() > MAX_VALUE_DEPTH {
            return None;
        }
    }
    Some(count)
}

fn child_values(value: &Val) -> Box<dyn Iterator<Item = &Val> + '_> {
    match value {
        Val::Arr(items) => Box::new(items.iter()),
        Val::Obj(members) => Box::new(members.values()),
        _ => Box::new(std::iter::empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_brackets_outside_of_strings_nest() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(exceeds_input_depth(nested(MAX_INPUT_DEPTH + 1).as_bytes()));
        assert!(!exceeds_input_depth(nested(MAX_INPUT_DEPTH).as_bytes()));
        assert!(!exceeds_input_depth(
            format!(r#"["\"{}"]"#, "[{".repeat(MAX_INPUT_DEPTH)).as_bytes()
        ));
        assert!(!exceeds_input_depth("[{}],".repeat(MAX_INPUT_DEPTH).as_bytes()));
    }
}
