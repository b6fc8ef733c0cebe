//! Prompter of the command line, which replies to the questions of a rotation.
//!
//! Replies come from `--answer` values first, then from a secret on standard input, then from
//! questions at the terminal. Start reading at [`CliPrompter`].

use std::collections::VecDeque;
use std::io::IsTerminal as _;
use std::sync::Mutex;

use async_trait::async_trait;
use url::Url;

use crate::cli::input::prompt;
use crate::cli::output::{CliOutput, usage_problem};
use crate::domain::{Problem, Secret};
use crate::engine;
use crate::engine::prompt::{
    AlternativeAdministrator, AwaitedCallback, PromptChoice, PromptMessage, PromptReply,
    RotationPrompt, UserPrompter,
};
use crate::engine::rotation::UserDecision;

/// Help on the values of `--answer`. Each value is used once.
const ANSWERS_HELP: &str = "retry, skip, revoked, removed, another, back, forward, choose=ID, choose=none or override=NAME";

/// Rejects `--answer` values that fit no question.
pub(in crate::cli) fn check_answers(answers: &[String]) -> Result<(), Problem> {
    let words =
        ["retry", "skip", "revoked", "removed", "another", "back", "forward", "choose", "override"];
    let unknown = answers
        .iter()
        .find(|answer| !words.contains(&answer.split('=').next().unwrap_or_default()));
    unknown.map_or(Ok(()), |unknown| {
        Err(usage_problem(
            &format!("Unknown answer \"{unknown}\""),
            "no question accepts it",
            &format!("use {ANSWERS_HELP}"),
        ))
    })
}

/// Browser options of a sign-in.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(in crate::cli) struct BrowserArgs {
    /// For a sign-in: print the URL only; do not open the browser
    #[arg(long = "no-browser", action = clap::ArgAction::SetFalse)]
    open: bool,
    /// For a sign-in: also accept the callback URL on standard input, for a browser on another
    /// machine
    #[arg(long)]
    paste: bool,
}

/// Prompter that replies to questions on the command line.
pub(in crate::cli) struct CliPrompter<'a> {
    out: &'a CliOutput,
    browser: BrowserArgs,
    /// URL of the page that was shown last.
    last_shown_page: Mutex<Option<String>>,
    answers: Mutex<VecDeque<String>>,
    piped: Mutex<bool>,
}

impl<'a> CliPrompter<'a> {
    /// Creates a prompter with these prepared answers.
    pub(in crate::cli) fn new(out: &'a CliOutput, answers: Vec<String>) -> Self {
        let piped = !std::io::stdin().is_terminal();
        let (browser, shown) = (BrowserArgs::default(), Mutex::default());
        Self {
            out,
            browser,
            last_shown_page: shown,
            answers: Mutex::new(answers.into()),
            piped: Mutex::new(piped),
        }
    }

    /// Sets the browser options.
    pub(in crate::cli) const fn with_browser(mut self, browser: BrowserArgs) -> Self {
        self.browser = browser;
        self
    }

    /// Takes the first prepared answer that this question allows.
    fn next_prepared_answer(&self, question: &RotationPrompt) -> Option<UserDecision> {
        let mut answers = self.answers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let open = |answer: &String| {
            question.choices.iter().find_map(|choice| parse_answer(answer, &choice.decision))
        };
        let (place, decision) =
            answers.iter().enumerate().find_map(|(place, answer)| Some((place, open(answer)?)))?;
        answers.remove(place);
        Some(decision)
    }

    /// Returns the secret piped to standard input, once.
    fn piped(&self) -> Option<Secret> {
        let mut piped = self.piped.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !std::mem::take(&mut *piped) {
            return None;
        }
        prompt::read_secret("new secret").ok().filter(|secret| !secret.is_empty())
    }

    /// Shows the sign-in page, opens it once, and with `--paste` waits for the callback URL.
    /// Otherwise the browser calls back by itself.
    async fn send_to_browser(
        &self,
        question: &RotationPrompt,
        awaited: &AwaitedCallback,
    ) -> Option<PromptReply> {
        let page = question.page.clone().unwrap_or_default();
        let before = self
            .last_shown_page
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .replace(page.clone());
        if !question.message.detail.is_empty() {
            self.out.note(&question.message.detail);
        }
        if before.as_ref() != Some(&page) {
            prompt::print_sign_in_page(self.out, &page, awaited, self.browser.paste).ok()?;
            if let Some(address) = Url::parse(&page).ok().filter(|_| self.browser.open) {
                engine::open_page(&address);
            }
        }
        if !self.browser.paste {
            return std::future::pending().await;
        }
        Some(PromptReply::Pasted(Secret::from_text(prompt::read_callback_url().await.to_string())))
    }

    fn prompt_at_terminal(&self, question: &RotationPrompt) -> Option<PromptReply> {
        self.out.note(&describe_prompt(question));
        if question.accepts_paste {
            let pasted = prompt::read_hidden("New secret (Enter for other options)").ok()?;
            if !pasted.is_empty() {
                return Some(PromptReply::Pasted(pasted));
            }
        }
        let others = administrators(question);
        let retries: Vec<_> =
            others.iter().map(|other| format!("Try again as {}", other.name)).collect();
        let decisions = question.choices.iter().map(|choice| choice.title.as_str());
        let titles: Vec<&str> = decisions.chain(retries.iter().map(String::as_str)).collect();
        let chosen = prompt::choose_by_number(&titles)?;
        if let Some(choice) = question.choices.get(chosen) {
            return confirm_choice(choice).map(PromptReply::Decided);
        }
        let other = others.get(chosen - question.choices.len())?;
        Some(PromptReply::AuthorizedBy(other.id.clone()))
    }
}

#[async_trait]
impl UserPrompter for CliPrompter<'_> {
    async fn confirm(&self, question: &PromptMessage) -> bool {
        prompt::confirm_by_typing(
            &question.title,
            question.required_word.as_deref().unwrap_or("yes"),
            "--yes",
        )
        .is_ok()
    }

    async fn read_secret(&self, question: &PromptMessage) -> Option<Secret> {
        prompt::read_secret(&question.title).ok()
    }

    async fn decide(&self, question: &RotationPrompt) -> Option<PromptReply> {
        if let Some(decision) = self.next_prepared_answer(question) {
            return Some(PromptReply::Decided(decision));
        }
        if let Some(awaited) = &question.awaited_callback {
            return self.send_to_browser(question, awaited).await;
        }
        if let Some(secret) = question.accepts_paste.then(|| self.piped()).flatten() {
            return Some(PromptReply::Pasted(secret));
        }
        if prompt::is_interactive() {
            return self.prompt_at_terminal(question);
        }
        // The title of a question without details is reported as the reason why the rotation stops.
        if prompt_details(question).next().is_some() {
            self.out.note(&describe_prompt(question));
        }
        None
    }
}

fn describe_prompt(question: &RotationPrompt) -> String {
    let indented = prompt_details(question).map(|line| format!("  {line}"));
    std::iter::once(question.message.title.clone()).chain(indented).collect::<Vec<_>>().join("\n")
}

/// Returns the details of a question, the page on which the user resolves it, and the credentials
/// that may resolve it instead.
fn prompt_details(question: &RotationPrompt) -> impl Iterator<Item = String> {
    let detail = Some(question.message.detail.clone()).filter(|detail| !detail.is_empty());
    let names: Vec<_> =
        administrators(question).iter().map(|other| other.name.to_string()).collect();
    let others = (!names.is_empty()).then(|| {
        format!("other credentials that may revoke it: {}; resume with --as", names.join(", "))
    });
    detail.into_iter().chain(question.page.iter().map(|page| format!("page: {page}"))).chain(others)
}

/// Returns the credentials that may authorize a revocation that failed.
fn administrators(question: &RotationPrompt) -> &[AlternativeAdministrator] {
    question.failed_revocation.as_ref().map_or(&[], |failed| &failed.administrators)
}

/// Returns the decision that a prepared answer selects, or `None` where the choice does not match
/// it.
fn parse_answer(answer: &str, open: &UserDecision) -> Option<UserDecision> {
    let fits = match (answer.split_once('=').unwrap_or((answer, "")), open) {
        (("retry", _), UserDecision::Retry)
        | (("skip", _), UserDecision::Skip(_))
        | (("revoked", _), UserDecision::RevokedManually)
        | (("removed", _), UserDecision::DeletedManually(_))
        | (("another", _), UserDecision::CreateAnother)
        | (("back", _), UserDecision::RollBack)
        | (("forward", _), UserDecision::Continue) => true,
        (("choose", "none"), UserDecision::NoneOfThese) => true,
        (("choose", id), UserDecision::SelectedOld(known)) => id == known,
        (("override", name), UserDecision::Override(_)) => {
            return Some(UserDecision::Override(name.to_owned()));
        }
        _ => false,
    };
    fits.then(|| open.clone())
}

/// Returns the decision of a choice. Where the choice requires a typed word, the decision contains
/// what was typed.
fn confirm_choice(choice: &PromptChoice) -> Option<UserDecision> {
    match &choice.decision {
        UserDecision::Override(word) => {
            prompt::read_line(&format!("Type \"{word}\" to confirm: ")).map(UserDecision::Override)
        }
        other => Some(other.clone()),
    }
}
