//! Limits for the nesting depth of JSON values.
//!
//! Every operation on a value (reading, comparing, printing, dropping) is recursive, so unlimited
//! nesting would overflow the stack and abort the program.

use jaq_json::Val;

use crate::util::json_scan::find_excessive_depth;

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
