//! Stack of the open dialogs, and the dialogs that continue in the background.
//!
//! The stack knows no particular dialog: it finds one by its type, or by the task that it waits
//! for. Start at [`DialogStack`].

use std::any::Any;
use std::time::Instant;

use super::Dialog;
use crate::engine::background::protocol::TaskId;

/// The open dialogs, the top one last.
#[derive(Default)]
pub struct DialogStack {
    open: Vec<Box<dyn Dialog>>,
    /// Dialogs whose tasks continue in the background.
    hidden: Vec<Box<dyn Dialog>>,
}

/// Position of a dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialogSlot {
    /// Among the open dialogs.
    Open(usize),
    /// Among the hidden dialogs.
    Hidden(usize),
}

impl DialogStack {
    /// Returns whether no dialog is open.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Returns the top dialog.
    pub fn top(&self) -> Option<&dyn Dialog> {
        self.open.last().map(Box::as_ref)
    }

    /// Returns the top dialog if it has this type.
    pub fn top_as<D: Dialog>(&self) -> Option<&D> {
        downcast(self.top()?)
    }

    /// Returns the top dialog for changes, if it has this type.
    pub fn top_as_mut<D: Dialog>(&mut self) -> Option<&mut D> {
        downcast_mut(self.open.last_mut()?.as_mut())
    }

    /// Iterates over the open dialogs, the top one last.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Dialog> {
        self.open.iter().map(Box::as_ref)
    }

    /// Opens a dialog on top of the others.
    pub fn push(&mut self, dialog: impl Dialog) {
        self.push_boxed(Box::new(dialog));
    }

    /// Opens a dialog on top of the others.
    pub fn push_boxed(&mut self, dialog: Box<dyn Dialog>) {
        self.open.push(dialog);
    }

    /// Removes and returns the top dialog, with its position.
    pub fn take_top(&mut self) -> Option<(DialogSlot, Box<dyn Dialog>)> {
        let dialog = self.open.pop()?;
        Some((DialogSlot::Open(self.open.len()), dialog))
    }

    /// Removes and returns the dialog at this position.
    pub fn take_at(&mut self, slot: DialogSlot) -> Option<Box<dyn Dialog>> {
        let (dialogs, at) = match slot {
            DialogSlot::Open(at) => (&mut self.open, at),
            DialogSlot::Hidden(at) => (&mut self.hidden, at),
        };
        (at < dialogs.len()).then(|| dialogs.remove(at))
    }

    /// Puts a dialog back where it was taken from.
    pub fn put_back(&mut self, slot: DialogSlot, dialog: Box<dyn Dialog>) {
        match slot {
            DialogSlot::Open(at) => self.open.insert(at.min(self.open.len()), dialog),
            DialogSlot::Hidden(at) => self.hidden.insert(at.min(self.hidden.len()), dialog),
        }
    }

    /// Moves a dialog to the background.
    pub fn hide(&mut self, dialog: Box<dyn Dialog>) {
        self.hidden.push(dialog);
    }

    /// Returns whether the dialog that waits for this task is hidden.
    pub fn is_hidden(&self, task: TaskId) -> bool {
        self.hidden.iter().any(|dialog| dialog.waits_for(task))
    }

    /// Opens a hidden dialog again; returns whether there is a matching one.
    pub fn reopen<D: Dialog>(&mut self, is_wanted: impl Fn(&D) -> bool) -> bool {
        let at =
            self.hidden.iter().position(|dialog| downcast(dialog.as_ref()).is_some_and(&is_wanted));
        self.reopen_at(at)
    }

    /// Opens the hidden dialog that waits for this task again.
    pub fn reopen_for_task(&mut self, task: TaskId) {
        let at = self.hidden.iter().position(|dialog| dialog.waits_for(task));
        self.reopen_at(at);
    }

    fn reopen_at(&mut self, at: Option<usize>) -> bool {
        let dialog = at.map(|at| self.hidden.swap_remove(at));
        let is_found = dialog.is_some();
        self.open.extend(dialog);
        is_found
    }

    /// Removes the hidden dialog of a task that has ended.
    pub fn remove_hidden(&mut self, task: TaskId) {
        self.hidden.retain(|dialog| !dialog.waits_for(task));
    }

    /// Closes the open dialogs of this type.
    pub fn close_all<D: Dialog>(&mut self) {
        self.open.retain(|dialog| downcast::<D>(dialog.as_ref()).is_none());
    }

    /// Returns the first dialog of this type that matches, open or hidden.
    pub fn find<D: Dialog>(&self, is_wanted: impl Fn(&D) -> bool) -> Option<&D> {
        let all = self.open.iter().chain(&self.hidden);
        all.filter_map(|dialog| downcast(dialog.as_ref())).find(|dialog| is_wanted(dialog))
    }

    /// Returns the first dialog of this type that matches for changes, open or hidden.
    pub fn find_mut<D: Dialog>(&mut self, is_wanted: impl Fn(&D) -> bool) -> Option<&mut D> {
        let all = self.open.iter_mut().chain(&mut self.hidden);
        all.filter_map(|dialog| downcast_mut(dialog.as_mut())).find(|dialog| is_wanted(dialog))
    }

    /// Puts the open dialog that matches on top of all others, or a new one.
    pub fn raise<D: Dialog>(
        &mut self,
        is_wanted: impl Fn(&dyn Dialog) -> bool,
        create: impl FnOnce() -> D,
    ) {
        let at = self.open.iter().position(|dialog| is_wanted(dialog.as_ref()));
        let dialog =
            at.map_or_else(|| Box::new(create()) as Box<dyn Dialog>, |at| self.open.remove(at));
        self.open.push(dialog);
    }

    /// Sets the text of a field of the top dialog.
    pub fn fill_field(&mut self, id: &str, value: &str) {
        if let Some(form) = self.open.last_mut().and_then(|dialog| dialog.form_mut()) {
            form.fill_field(id, value);
        }
    }

    /// Makes the top dialog wait for this task.
    pub fn set_task(&mut self, task: TaskId) {
        if let Some(dialog) = self.open.last_mut() {
            dialog.set_task(task);
        }
    }

    /// Returns whether a dialog waits for this task.
    pub fn waits_for(&self, task: TaskId) -> bool {
        !self.slots_for_task(task).is_empty()
    }

    /// Returns the positions of the dialogs that wait for this task, the lowest first; a dialog that
    /// was opened from another one is above it.
    pub fn slots_for_task(&self, task: TaskId) -> Vec<DialogSlot> {
        let slots = |dialogs: &[Box<dyn Dialog>], slot: fn(usize) -> DialogSlot| {
            let waiting = dialogs.iter().enumerate().filter(|(_, dialog)| dialog.waits_for(task));
            waiting.map(|(at, _)| slot(at)).collect::<Vec<_>>()
        };
        let hidden = slots(&self.hidden, DialogSlot::Hidden);
        hidden.into_iter().chain(slots(&self.open, DialogSlot::Open)).collect()
    }

    /// Returns when the top dialog must be redrawn without input.
    pub fn next_wake(&self, now: Instant) -> Option<Instant> {
        self.top()?.next_wake(now)
    }
}

fn downcast<D: Dialog>(dialog: &dyn Dialog) -> Option<&D> {
    (dialog as &dyn Any).downcast_ref()
}

fn downcast_mut<D: Dialog>(dialog: &mut dyn Dialog) -> Option<&mut D> {
    (dialog as &mut dyn Any).downcast_mut()
}
