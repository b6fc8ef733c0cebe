//! Widgets of dialogs and panes: forms, text areas, secret fields, charts.

pub mod chart;
pub mod dialog_view;
pub mod form;
pub mod list_cursor;
pub mod prefix_match;
pub mod secret_input;
pub mod split_rect;
pub mod text_area;
pub mod text_wrap;
