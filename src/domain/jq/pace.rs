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

use super::depth;
use super::room::ROOM;

/// So many bytes of the stack a filter may take; the rest is for what is done with deep values.
const DEEPEST: usize = ROOM / 4;

/// After at least so many steps a value is looked into, …
const SOONEST: usize = 64;
/// … and after at most so many, however large it is.
const LATEST: usize = 4_096;

/// The name of the step; nobody can write it, so nobody can redefine it.
const STEP: &str = "!step";
/// The name of the range that does not count, likewise.
const RANGE: &str = "!range";
/// The name of the reading of JSON that does not look how deep it nests, …
const FROM_JSON: &str = "!fromjson";
/// … and of the look.
const SHALLOW: &str = "!shallow";

/// The tables of a filter.
type Lut = jaq_core::compile::Lut<Native<Paced>>;

/// What runs along with a filter.
pub(super) struct Paced;

/// The tables of a filter, how many steps are left, and where on the stack it began.
#[derive(Clone)]
pub(super) struct Run<'a> {
    lut: &'a Lut,
    left: Rc<Cell<u64>>,
    /// How many steps to go until a value is looked into.
    unseen: Rc<Cell<usize>>,
    beginning: usize,
}

impl DataT for Paced {
    type V<'a> = Val;
    type Data<'a> = Run<'a>;
}

impl<'a> HasLut<'a, Paced> for Run<'a> {
    fn lut(&self) -> &'a Lut {
        self.lut
    }
}

impl<'a> Run<'a> {
    /// A run with so many steps.
    pub(super) fn of(lut: &'a Lut, steps: u64) -> Self {
        Self { lut, left: Rc::new(Cell::new(steps)), unseen: Rc::new(Cell::new(SOONEST)), beginning: here() }
    }

    /// Whether it has taken all its steps.
    pub(super) fn is_exhausted(&self) -> bool {
        self.left.get() == 0
    }

    fn step(&self, value: &Val) -> Result<(), Error<Val>> {
        let left = self.left.get();
        if here().abs_diff(self.beginning) > DEEPEST || self.finds_too_deep(value) {
            self.left.set(0);
            return Err(Error::str("it goes deeper and deeper"));
        }
        self.left.set(left.saturating_sub(1));
        if left > 0 { Ok(()) } else { Err(Error::str("it takes more steps than any filter may")) }
    }
}

impl Run<'_> {
    /// Looks into a value, if it is time. The time until the next look varies, so that it does not always fall on the
    /// same of several values that are met in turn.
    fn finds_too_deep(&self, value: &Val) -> bool {
        if !matches!(value, Val::Arr(_) | Val::Obj(_)) {
            return false;
        }
        let unseen = self.unseen.get();
        if unseen > 0 {
            self.unseen.set(unseen - 1);
            return false;
        }
        let Some(count) = depth::count(value) else { return true };
        let wait = (count / 16).clamp(SOONEST, LATEST);
        self.unseen.set(wait + scattered(self.left.get()));
        false
    }
}

/// A number below 64 that looks like chance: the remainder of a division would be the same after each look, since the
/// steps until then are counted by it.
fn scattered(number: u64) -> usize {
    usize::try_from(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58).unwrap_or(0)
}

/// Where on the stack one is.
#[inline(never)]
fn here() -> usize {
    let marker = 0_u8;
    std::ptr::from_ref(&marker).addr()
}

/// The functions of a filter, with the step among them and the range out of reach.
pub(super) fn functions(known: impl Iterator<Item = Fun<Paced>>) -> impl Iterator<Item = Fun<Paced>> {
    let step = native::run::<Paced>((STEP, native::v(0), |cv| bome(cv.0.data().step(&cv.1).map(|()| Val::from(true)))));
    let shallow = native::run::<Paced>((SHALLOW, native::v(0), |cv| bome(shallow(&cv.1).map(|()| Val::from(true)))));
    known.map(|(name, arguments, run)| (hidden(name), arguments, run)).chain([step, shallow])
}

/// The name under which a function is out of reach that is not to be called as it is.
fn hidden(name: &'static str) -> &'static str {
    match name {
        "range" => RANGE,
        "fromjson" => FROM_JSON,
        _ => name,
    }
}

/// Fails where a text that is to be read as JSON nests too deep.
fn shallow(text: &Val) -> Result<(), Error<Val>> {
    match text {
        Val::TStr(bytes) | Val::BStr(bytes) if depth::is_too_deep(bytes) => {
            Err(Error::str(format_args!("what is to be read as JSON nests deeper than {} levels", depth::READ)))
        }
        _ => Ok(()),
    }
}

/// The definitions and the filter, each of which counts how often it is called; and a range that counts what it gives.
pub(super) fn definitions<'s>(
    known: impl Iterator<Item = Def<&'static str>>,
    main: Option<Def<&'s str>>,
) -> impl Iterator<Item = Def<&'s str>> {
    let known = known.map(|known| -> Def<&'s str> { definition(known) });
    [range(), from_json()].into_iter().chain(known).chain(main.map(definition))
}

/// A definition that fails when no steps are left, or when one of the values it is given nests too deep.
fn definition(Def { name, args, body }: Def<&str>) -> Def<&str> {
    let values = args.iter().filter(|argument| argument.starts_with('$'));
    let body = values.fold(stepping(term(body)), |body, value| {
        let look = Term::BinOp(Box::new(Term::Var(*value)), BinaryOp::Pipe(None), Box::new(Term::Call(STEP, Vec::new())));
        Term::IfThenElse(vec![(look, body)], None)
    });
    Def { name, args, body }
}

/// `if !step then … else . end`: the step only lets through or fails, and so it stands in paths as well.
fn stepping(body: Term<&str>) -> Term<&str> {
    Term::IfThenElse(vec![(Term::Call(STEP, Vec::new()), body)], None)
}

fn range<'s>() -> Def<&'s str> {
    let arguments = vec!["from", "to", "by"];
    let call = Term::Call(RANGE, arguments.iter().map(|name| Term::Call(*name, Vec::new())).collect());
    let body = Term::BinOp(Box::new(call), BinaryOp::Pipe(None), Box::new(stepping(Term::Id)));
    Def { name: "range", args: arguments, body }
}

fn from_json<'s>() -> Def<&'s str> {
    let read = Term::Call(FROM_JSON, Vec::new());
    let body = Term::IfThenElse(vec![(Term::Call(SHALLOW, Vec::new()), read)], None);
    Def { name: "fromjson", args: Vec::new(), body }
}

/// The term with every definition and every turn of a fold in it counting.
fn term<'s>(whole: Term<&'s str>) -> Term<&'s str> {
    let boxed = |inner: Box<Term<&'s str>>| Box::new(term(*inner));
    let pair = |(one, other): (Term<&'s str>, Term<&'s str>)| (term(one), term(other));
    match whole {
        Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_) => whole,
        Term::Str(format, parts) => Term::Str(format, parts.into_iter().map(piece).collect()),
        Term::Arr(inner) => Term::Arr(inner.map(boxed)),
        Term::Obj(members) => Term::Obj(members.into_iter().map(|(key, value)| (term(key), value.map(term))).collect()),
        Term::Neg(inner) => Term::Neg(boxed(inner)),
        Term::BinOp(left, BinaryOp::Pipe(Some(bound)), right) => {
            Term::BinOp(boxed(left), BinaryOp::Pipe(Some(pattern(bound))), boxed(right))
        }
        Term::BinOp(left, operator, right) => Term::BinOp(boxed(left), operator, boxed(right)),
        Term::Label(name, inner) => Term::Label(name, boxed(inner)),
        Term::Fold(name, over, bound, steps) => {
            let turn = |(at, step)| if at == 1 { stepping(term(step)) } else { term(step) };
            Term::Fold(name, boxed(over), pattern(bound), steps.into_iter().enumerate().map(turn).collect())
        }
        Term::TryCatch(tried, otherwise) => Term::TryCatch(boxed(tried), otherwise.map(boxed)),
        Term::IfThenElse(cases, otherwise) => Term::IfThenElse(cases.into_iter().map(pair).collect(), otherwise.map(boxed)),
        Term::Def(definitions, inner) => Term::Def(definitions.into_iter().map(definition).collect(), boxed(inner)),
        Term::Call(name, arguments) => Term::Call(name, arguments.into_iter().map(term).collect()),
        Term::Path(of, Path(parts)) => Term::Path(boxed(of), Path(parts.into_iter().map(|(at, opt)| (part(at), opt)).collect())),
    }
}

fn piece(piece: StrPart<'_>) -> StrPart<'_> {
    match piece {
        StrPart::Term(inner) => StrPart::Term(term(inner)),
        other => other,
    }
}

fn part(at: Part<Term<&str>>) -> Part<Term<&str>> {
    match at {
        Part::Index(index) => Part::Index(term(index)),
        Part::Range(from, to) => Part::Range(from.map(term), to.map(term)),
    }
}

fn pattern(bound: Pattern<&str>) -> Pattern<&str> {
    match bound {
        Pattern::Var(name) => Pattern::Var(name),
        Pattern::Arr(inner) => Pattern::Arr(inner.into_iter().map(pattern).collect()),
        Pattern::Obj(members) => Pattern::Obj(members.into_iter().map(|(key, value)| (term(key), pattern(value))).collect()),
    }
}

type StrPart<'s> = jaq_core::load::lex::StrPart<&'s str, Term<&'s str>>;
