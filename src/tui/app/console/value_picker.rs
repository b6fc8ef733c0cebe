//! Picker of a value for a form, from a list that the provider returns: organizations, groups,
//! roles, projects.
//!
//! A list that an earlier response contained is offered at once; otherwise its preset is sent first.
//! Start at [`open_value_picker`].

use crate::config::KeyPress;
use crate::domain::provider::spec::ListPointers;
use crate::engine::background::protocol::{
    BackgroundTask, ConsoleTask, HistoryPolicy, SendTask, TaskEvent, TaskId, WriteConsent,
};
use crate::tui::app::activity::NotificationLevel;
use crate::tui::app::console::parameter_memory::{self, NamedValues};
use crate::tui::app::dialogs::{
    Dialog, DialogAction, DialogAnswer, DialogQuestion, DialogResult, DialogTask, PickerDialog,
    PickerItem,
};
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView};
use crate::tui::app::widgets::form::{FieldListing, ValueRequest};
use crate::tui::app::{App, Now, UiEffect};

/// Dialog that waits for a list of values and offers them.
struct ValuePickerDialog {
    title: String,
    field: String,
    items: ListPointers,
    task: DialogTask,
    /// Why there is no list, if the provider did not return one.
    refusal: Option<String>,
    picker: Option<PickerDialog<FieldValueChoice>>,
}

/// Value that is chosen for a field.
struct FieldValueChoice {
    field: String,
    value: String,
}

/// Offers the values of a field: those that an earlier response listed, or those that the provider
/// lists now.
pub(super) fn open_value_picker(app: &mut App, request: ValueRequest, now: Now) -> Vec<UiEffect> {
    if app.refuse_in_presentation("Names stay hidden", now) {
        return Vec::new();
    }
    let ValueRequest { field, label, listing, given } = request;
    let FieldListing { credential, preset, items } = listing;
    let Some(of) = app.credentials.get(&credential) else { return Vec::new() };
    let Ok(preset) = app.catalog.preset(&of.provider, &preset) else { return Vec::new() };
    let title = format!("Choose a value for {label}");
    let known = app.console.parameters.listed_by_preset(&credential, &preset.id, &given);
    if let Some(values) = known {
        let picker = picker(&title, &field, values.clone());
        app.dialogs.push(picker);
        return Vec::new();
    }
    let draft = match preset.to_draft(&[&given, &of.fields]) {
        Ok(draft) => draft,
        Err(missing) => {
            let text = format!("{}: {missing}", preset.title);
            app.activity.notify(NotificationLevel::Warning, text, now.instant);
            return Vec::new();
        }
    };
    let task = BackgroundTask::Console(ConsoleTask::AllPages(SendTask {
        credential,
        draft,
        consent: WriteConsent::NotAsked,
        history_policy: HistoryPolicy::WithoutBody,
    }));
    let dialog = ValuePickerDialog {
        title: title.clone(),
        field,
        items,
        task: DialogTask::default(),
        refusal: None,
        picker: None,
    };
    app.dialogs.push(dialog);
    app.start_dialog_task(title, task, now)
}

fn picker(title: &str, field: &str, values: NamedValues) -> PickerDialog<FieldValueChoice> {
    let items = values.into_iter().map(|(value, name)| {
        let choice = FieldValueChoice { field: field.to_owned(), value: value.clone() };
        PickerItem::new(name, value, "use", choice)
    });
    let items = items.collect();
    PickerDialog::new(title, items, 0, |choice| {
        DialogAction::update(move |app, _| app.dialogs.fill_field(&choice.field, &choice.value))
    })
    .with_empty_text("The provider returned no values for this credential.".to_owned())
}

impl Dialog for ValuePickerDialog {
    fn task(&self) -> Option<&DialogTask> {
        Some(&self.task)
    }

    fn task_mut(&mut self) -> Option<&mut DialogTask> {
        Some(&mut self.task)
    }

    fn on_task(&mut self, _task: TaskId, event: TaskEvent, _app: &App, _now: Now) -> DialogResult {
        match event {
            TaskEvent::ResponseReceived(exchange) => {
                let body = exchange.response.body.text().unwrap_or_default();
                let values = parameter_memory::listed_values(&body, &self.items);
                let refused = exchange.explanation.as_ref().filter(|_| values.is_empty());
                self.refusal = refused.map(|problem| format!("{}: {}", problem.what, problem.why));
                self.picker = Some(picker(&self.title, &self.field, values));
                self.task.stop_waiting();
                DialogResult::Stay
            }
            TaskEvent::Canceled => DialogResult::Close,
            // The credential has changed, since it was accepted; the list is still to come.
            TaskEvent::Done => DialogResult::Stay,
            event => self.task.handle_event(event),
        }
    }

    /// Cancels the request that nothing waits for any more.
    fn dismiss(&mut self) -> DialogResult {
        self.task.running().map_or(DialogResult::Close, |task| {
            DialogResult::RunAndClose(DialogAction::Effect(UiEffect::CancelTask(task)))
        })
    }

    fn takes_text(&self) -> bool {
        self.picker.as_ref().is_some_and(Dialog::takes_text)
    }

    fn handle_key(&mut self, key: KeyPress, app: &App, now: Now) -> DialogResult {
        self.picker.as_mut().map_or(DialogResult::Stay, |picker| picker.handle_key(key, app, now))
    }

    fn handle_paste(&mut self, text: &str, app: &App, now: Now) -> DialogResult {
        self.picker
            .as_mut()
            .map_or(DialogResult::Stay, |picker| picker.handle_paste(text, app, now))
    }

    fn handle_click(&mut self, at: usize, app: &App, now: Now) -> DialogResult {
        self.picker.as_mut().map_or(DialogResult::Stay, |picker| picker.handle_click(at, app, now))
    }

    fn next_question(&self, app: &App, now: Now) -> DialogQuestion {
        self.picker
            .as_ref()
            .map_or(DialogQuestion::ReadOnly, |picker| picker.next_question(app, now))
    }

    fn answer(&mut self, answer: DialogAnswer<'_>, app: &App, now: Now) -> DialogResult {
        self.picker.as_mut().map_or(DialogResult::Stay, |picker| picker.answer(answer, app, now))
    }

    fn view(&self, app: &App, now: Now) -> DialogView {
        if let Some(picker) = &self.picker {
            let mut view = picker.view(app, now);
            view.head.extend(self.refusal.iter().map(DialogRow::warning));
            return view;
        }
        let mut view = DialogView::new(self.title.clone(), 76);
        view.head = self.task.problem_rows();
        if self.task.is_running() {
            view.head.push(DialogRow::dim("Asking the provider… Ctrl-C cancels."));
        }
        view
    }
}
