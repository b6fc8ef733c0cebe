//! Editing the request of the console.

use super::{Intent, Outcome};
use crate::domain::request::{Draft, Method};
use crate::tui::app::draft;
use crate::tui::app::form::{Button, Choice, Field, Form, Happened};
use crate::tui::app::sheet::{Row, Sheet};

/// The dialog that edits a request.
pub struct Request {
    /// Its fields.
    pub form: Form,
}

impl Request {
    /// A form that shows the request as it is.
    pub fn new(before: &Draft) -> Self {
        let methods = Method::ALL.map(|method| (method.as_str().to_owned(), method.as_str().to_owned())).to_vec();
        let headers: Vec<_> = before.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let fields = vec![
            Field::choice("method", "Method", Choice::new(methods, before.method.as_str()))
                .hinting("Everything but GET and HEAD asks before it is sent."),
            Field::text("address", "Path", &draft::address(before))
                .hinting("Path and query. A whole URL works too; the secret goes along only to its own hosts."),
            Field::text("headers", "Headers", &headers.join("; "))
                .hinting("name: value; name: value. Authorization is added by itself."),
            Field::text("body", "Body", before.body.as_deref().unwrap_or_default()).hinting("Sent as it stands here."),
        ];
        let mut form = Form::new(fields, vec![Button::Act("Take"), Button::Cancel]);
        form.focus = 1;
        Self { form }
    }

    /// Answers to what happened in the form.
    pub fn react(&mut self, happened: Happened) -> Outcome {
        match happened {
            Happened::Pressed(Button::Cancel) => Outcome::Close,
            Happened::Pressed(_) => match self.read() {
                Ok(draft) => Outcome::Finish(Intent::Write(draft)),
                Err((id, problem)) => {
                    self.form.complain(id, problem);
                    Outcome::Stay
                }
            },
            Happened::Changed(_) | Happened::Pasted(_) | Happened::Left(_) | Happened::Nothing => Outcome::Stay,
        }
    }

    /// What it shows.
    pub fn sheet(&self) -> Sheet {
        let mut sheet = Sheet::new("Edit the request", 90).with_form(&self.form);
        sheet.head = vec![Row::dim("The credential's own header is added at the last moment and never shown."), Row::Blank];
        sheet
    }

    fn read(&self) -> Result<Draft, (&'static str, String)> {
        let (target, query) = draft::parse_address(self.form.value("address")).map_err(|error| ("address", error.to_string()))?;
        let headers = read_headers(self.form.value("headers")).map_err(|problem| ("headers", problem.to_owned()))?;
        let body = Some(self.form.value("body").to_owned()).filter(|body| !body.is_empty());
        let method = Method::parse(self.form.value("method")).unwrap_or_default();
        Ok(Draft { method, target, query, headers, body, preset: None })
    }
}

fn read_headers(text: &str) -> Result<Vec<(String, String)>, &'static str> {
    let mut headers = Vec::new();
    for piece in text.split(';').map(str::trim).filter(|piece| !piece.is_empty()) {
        let (name, value) = piece.split_once(':').ok_or("are written as name: value")?;
        if name.trim().eq_ignore_ascii_case("authorization") {
            return Err("cannot hold Authorization: it is added by itself");
        }
        headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    Ok(headers)
}
