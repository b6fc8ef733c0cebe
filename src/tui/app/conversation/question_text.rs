//! Text of a question: how the question of a dialog is phrased as a prompt.

use super::{EchoMode, TextPrompt};
use crate::tui::app::dialogs::{
    ButtonQuestion, DialogQuestion, FieldQuestion, ListQuestion, ListShortcut, QuestionOption,
    QuestionValue,
};

/// Maximum number of options on one line.
const MAX_INLINE_OPTIONS: usize = 6;

/// Phrases a question.
pub(super) fn question_prompt(question: &DialogQuestion) -> TextPrompt {
    match question {
        DialogQuestion::Field(field) => field_prompt(field),
        DialogQuestion::TypedWord(label) => {
            TextPrompt::visible(format!("{label} (Enter to cancel): "))
        }
        DialogQuestion::List(list) => TextPrompt::visible(list_text(list)),
        DialogQuestion::Buttons(question) => TextPrompt::visible(button_text(question)),
        DialogQuestion::ReadOnly => TextPrompt::visible("Press Enter to continue: "),
    }
}

fn field_prompt(field: &FieldQuestion) -> TextPrompt {
    let label = if field.message.is_empty() {
        field.label.clone()
    } else {
        format!("{}\n{}", field.message, field.label)
    };
    let is_in_list = !field.alternatives.is_empty();
    TextPrompt::visible(match &field.value {
        QuestionValue::Text(_) if is_in_list => format!("{label} (Enter for the other options): "),
        QuestionValue::Lines => {
            format!("{label} (+ before a line adds it, Enter for the next field): ")
        }
        QuestionValue::Text(value) if value.is_empty() => format!("{label}: "),
        QuestionValue::Text(value) => format!("{label} [{value}]: "),
        QuestionValue::Secret { is_entered } => {
            let others = if is_in_list { "; Enter for the other options" } else { "" };
            let entered = if *is_entered { " [entered]" } else { "" };
            return TextPrompt {
                question: format!("{label} (not shown{others}){entered}: "),
                echo: EchoMode::Hidden,
            };
        }
        QuestionValue::Choice { titles, selected } => {
            let titles = titles.iter().map(String::as_str);
            format!("{label}: {} [{}]: ", format_options(titles), selected + 1)
        }
    })
}

fn list_text(list: &ListQuestion) -> String {
    let examples: Vec<_> = list.shortcuts.iter().map(ListShortcut::example_input).collect();
    let extras = if list.shortcuts.is_empty() {
        String::new()
    } else {
        format!("or {}; ", examples.join(", "))
    };
    let label = if list.items.is_empty() { "Nothing to select" } else { "Number or search words" };
    format!("{label} ({extras}Enter to close): ")
}

fn button_text(question: &ButtonQuestion) -> String {
    let labels = question.buttons.iter().map(|button| button.label());
    let default =
        if question.is_default { format!(" [{}]", question.focused + 1) } else { String::new() };
    format!("{}{default}: ", format_options(labels))
}

/// Formats options, such as `1 Cancel, 2 Add`; many options get a line each.
fn format_options<'a>(titles: impl ExactSizeIterator<Item = &'a str>) -> String {
    let few = titles.len() <= MAX_INLINE_OPTIONS;
    let (before, dot, between, after) =
        if few { ("", "", ", ", "") } else { ("\n", ".", "\n", "\nNumber") };
    let numbered = titles.enumerate().map(|(at, title)| format!("{}{dot} {title}", at + 1));
    format!("{before}{}{after}", numbered.collect::<Vec<_>>().join(between))
}

/// Returns the option with this number, or the only one that begins with this text.
pub(super) fn find_option<'a>(
    options: &'a [QuestionOption],
    reply: &str,
) -> Option<&'a QuestionOption> {
    let titles = options.iter().map(|option| option.title.as_str());
    options.get(find_title(titles, reply)?)
}

/// Returns the position of the title with this number, or of the only one that begins with this
/// text.
pub(super) fn find_title<'a>(
    titles: impl ExactSizeIterator<Item = &'a str>,
    reply: &str,
) -> Option<usize> {
    if let Ok(number) = reply.parse::<usize>() {
        return number.checked_sub(1).filter(|at| *at < titles.len());
    }
    let reply = reply.to_lowercase();
    let mut found =
        titles.enumerate().filter(|(_, title)| title.to_lowercase().starts_with(&reply));
    found.next().filter(|_| found.next().is_none()).map(|(at, _)| at)
}
