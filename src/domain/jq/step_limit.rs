//! What keeps a filter from computing for ever.
//!
//! A filter that gives results can be asked for one after the other and left at any of them. One that gives none, such
//! as `last(repeat(1))`, never comes back by itself. All that can go on without end in jq is a definition that calls
//! itself and a range, so each of them counts its steps, and at some step it fails. Steps, not seconds: what a filter
//! may do does not depend on the machine. A definition that calls itself other than at its end nests instead, and would
//! bring the whole program down with its stack; so each step looks how deep it is, too. What goes round may also make a
//! value that nests deeper and deeper: now and then a step looks into the value it is given.

use std::cell::Cell;
use std::rc::Rc;

use jaq_core::data::HasLut;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::native::{self, Fun, bome};
use jaq_core::path::{Part, Path};
use jaq_core::{DataT, Error, Native};
use jaq_json::Val;

use super::depth_limit;
use super::worker::STACK_BYTES;

/// So many bytes of the stack a filter may take; the rest is for what is done with deep values.
const MAX_STACK_BYTES: usize = STACK_BYTES / 4;

/// After at least so many steps a value is looked into, …
const MIN_DEPTH_CHECK_INTERVAL: usize = 64;
/// … and after at most so many, however large it is.
const MAX_DEPTH_CHECK_INTERVAL: usize = 4_096;

/// The name of the step; nobody can write it, so nobody can redefine it.
const STEP_FUNCTION: &str = "!step";
/// The name of the range that does not count, likewise.
const RANGE_FUNCTION: &str = "!range";
/// The name of the reading of JSON that does not look how deep it nests, …
const FROM_JSON_FUNCTION: &str = "!fromjson";
/// … and of the look.
const DEPTH_CHECK_FUNCTION: &str = "!shallow";

/// The tables of a filter.
type LookupTable = jaq_core::compile::Lut<Native<StepLimited>>;

/// What runs along with a filter.
pub(super) struct StepLimited;

/// The tables of a filter, how many steps are left, and where on the stack it began.
#[derive(Clone)]
pub(super) struct ExecutionContext<'a> {
    lut: &'a LookupTable,
    steps_left: Rc<Cell<u64>>,
    /// How many steps to go until a value is looked into.
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
    /// A run with so many steps.
    pub(super) fn new(lut: &'a LookupTable, steps: u64) -> Self {
        Self {
            lut,
            steps_left: Rc::new(Cell::new(steps)),
            steps_to_depth_check: Rc::new(Cell::new(MIN_DEPTH_CHECK_INTERVAL)),
            stack_start: stack_address(),
        }
    }

    /// Whether it has taken all its steps.
    pub(super) fn is_exhausted(&self) -> bool {
        self.steps_left.get() == 0
    }

    fn count_step(&self, value: &Val) -> Result<(), Error<Val>> {
        let left = self.steps_left.get();
        if stack_address().abs_diff(self.stack_start) > MAX_STACK_BYTES
            || self.value_is_too_deep(value)
        {
            self.steps_left.set(0);
            return Err(Error::str("it goes deeper and deeper"));
        }
        self.steps_left.set(left.saturating_sub(1));
        if left > 0 { Ok(()) } else { Err(Error::str("it takes more steps than any filter may")) }
    }
}

impl ExecutionContext<'_> {
    /// Looks into a value, if it is time. The time until the next look varies, so that it does not always fall on the
    /// same of several values that are met in turn.
    fn value_is_too_deep(&self, value: &Val) -> bool {
        if !matches!(value, Val::Arr(_) | Val::Obj(_)) {
            return false;
        }
        let unseen = self.steps_to_depth_check.get();
        if unseen > 0 {
            self.steps_to_depth_check.set(unseen - 1);
            return false;
        }
        let Some(count) = depth_limit::count_values(value) else { return true };
        let wait = (count / 16).clamp(MIN_DEPTH_CHECK_INTERVAL, MAX_DEPTH_CHECK_INTERVAL);
        self.steps_to_depth_check.set(wait + scatter(self.steps_left.get()));
        false
    }
}

/// A number below 64 that looks like chance: the remainder of a division would be the same after each look, since the
/// steps until then are counted by it.
fn scatter(number: u64) -> usize {
    usize::try_from(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58).unwrap_or(0)
}

/// Where on the stack one is.
#[inline(never)]
fn stack_address() -> usize {
    let marker = 0_u8;
    std::ptr::from_ref(&marker).addr()
}

/// The functions of a filter, with the step among them and the range out of reach.
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

/// The name under which a function is out of reach that is not to be called as it is.
fn internal_name(name: &'static str) -> &'static str {
    match name {
        "range" => RANGE_FUNCTION,
        "fromjson" => FROM_JSON_FUNCTION,
        _ => name,
    }
}

/// Fails where a text that is to be read as JSON nests too deep.
fn check_json_depth(text: &Val) -> Result<(), Error<Val>> {
    match text {
        Val::TStr(bytes) | Val::BStr(bytes) if depth_limit::exceeds_input_depth(bytes) => {
            Err(Error::str(format_args!(
                "what is to be read as JSON nests deeper than {} levels",
                depth_limit::MAX_INPUT_DEPTH
            )))
        }
        _ => Ok(()),
    }
}

/// The definitions and the filter, each of which counts how often it is called; and a range that counts what it gives.
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

/// A definition that fails when no steps are left, or when one of the values it is given nests too deep.
fn limit_definition(Def { name, args, body }: Def<&str>) -> Def<&str> {
    let values = args.iter().filter(|argument| argument.starts_with('$'));
    let body = values.fold(with_step(limit_term(body)), |body, value| {
        let look = Term::BinOp(
            Box::new(Term::Var(*value)),
            BinaryOp::Pipe(None),
            Box::new(Term::Call(STEP_FUNCTION, Vec::new())),
        );
        Term::IfThenElse(vec![(look, body)], None)
    });
    Def { name, args, body }
}

/// `if !step then … else . end`: the step only lets through or fails, and so it stands in paths as well.
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

/// The term with every definition and every turn of a fold in it counting.
fn limit_term<'s>(whole: Term<&'s str>) -> Term<&'s str> {
    let boxed = |inner: Box<Term<&'s str>>| Box::new(limit_term(*inner));
    let pair = |(one, other): (Term<&'s str>, Term<&'s str>)| (limit_term(one), limit_term(other));
    match whole {
        Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_) => whole,
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
            let turn =
                |(at, step)| if at == 1 { with_step(limit_term(step)) } else { limit_term(step) };
            Term::Fold(
                name,
                boxed(over),
                limit_pattern(bound),
                steps.into_iter().enumerate().map(turn).collect(),
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
