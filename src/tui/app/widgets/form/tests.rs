//! Tests of the controls of a form and the focus among them.

use super::*;

fn form() -> Form {
    let options = ["snyk", "appcircle"].map(|id| (id.to_owned(), id.to_owned())).to_vec();
    let fields = vec![
        FormField::text("name", "name", ""),
        FormField::select("provider", "Provider", SelectInput::new(options, "snyk")),
    ];
    Form::new(fields, vec![FormButton::Cancel, FormButton::Submit("Add")])
}

fn press(form: &mut Form, keys: &str) -> FormEvent {
    keys.split(' ')
        .fold(FormEvent::Unchanged, |_, key| form.handle_key(KeyPress::parse(key).expect("a key")))
}

#[test]
fn the_focus_goes_round() {
    let mut form = form();
    assert_eq!(press(&mut form, "Tab"), FormEvent::Blurred(0));
    press(&mut form, "Tab Tab Tab");
    assert_eq!(form.focus, 0);
    press(&mut form, "S-Tab");
    assert_eq!(form.focused_button(), Some(FormButton::Submit("Add")));
    assert_eq!(press(&mut form, "Left"), FormEvent::Blurred(3));
    assert_eq!(press(&mut form, "Enter"), FormEvent::Pressed(FormButton::Cancel));
}

#[test]
fn letters_write_and_choose() {
    let mut form = form();
    assert_eq!(press(&mut form, "a"), FormEvent::Changed(0));
    form.paste("b\nc");
    assert_eq!(form.value("name"), "abc");
    press(&mut form, "Tab a");
    assert_eq!(form.value("provider"), "appcircle");
    press(&mut form, "Right");
    assert_eq!(form.value("provider"), "snyk");
    assert_eq!(press(&mut form, "z"), FormEvent::Unchanged);
}

#[test]
fn a_complaint_goes_away_when_the_field_changes() {
    let mut form = form();
    form.set_field_problem("name", "is empty");
    assert_eq!(form.field_message(), Some(("Name is empty".to_owned(), FieldMessage::Error)));
    press(&mut form, "x");
    assert_eq!(form.field_message(), None);
}
