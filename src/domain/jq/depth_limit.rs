//! How deep values may nest. Everything that is done with a value (to read, compare, print, drop it) goes down into it
//! by calling itself, so what nests without end would bring the whole program down with its stack.

use jaq_json::Val;

/// What is read may nest so deep: ten times what answers that anybody has seen do.
pub(super) const MAX_INPUT_DEPTH: usize = 1_000;
/// What a filter makes may nest so deep.
const MAX_VALUE_DEPTH: usize = 10_000;

/// Whether a JSON text nests deeper than it may.
pub(super) fn exceeds_input_depth(json: &[u8]) -> bool {
    let (mut depth, mut is_string, mut is_escaped) = (0_usize, false, false);
    json.iter().any(|byte| {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_string => is_escaped = true,
            b'"' => is_string = !is_string,
            b'[' | b'{' if !is_string => depth += 1,
            b']' | b'}' if !is_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MAX_INPUT_DEPTH
    })
}

/// How many values are inside of one; `None` where they nest deeper than they may. Does not call itself.
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
