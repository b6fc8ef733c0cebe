//! What is known of each cause.

use time::Duration;

use super::{Cause, Facts, Finding, Weight, other_form};
use crate::domain::Moment;
use crate::domain::rate_limit::{self, RateLimit};

use Weight::{Likely, Open, Unlikely};

/// Clocks that differ by less are taken to agree: an answer is on its way for a while, and providers bear as much.
const AGREED: Duration = Duration::seconds(90);

/// By how much the clock here is ahead of the server's (behind, where it is negative), if that matters.
pub(in crate::domain) fn skew(server: Option<Moment>, here: Moment) -> Option<Duration> {
    let ahead = here - server?;
    (ahead.abs() >= AGREED).then_some(ahead)
}

/// `2 h ahead of the server's`.
pub(in crate::domain) fn skew_in_words(ahead: Duration) -> String {
    let time = std::time::Duration::try_from(ahead.abs()).unwrap_or_default();
    let side = if ahead.is_negative() { "behind" } else { "ahead of" };
    format!("{} {side} the server's", rate_limit::seconds(time))
}

impl Facts<'_> {
    pub(super) fn findings(&self) -> Vec<Finding> {
        let pace = (self.answer.status == 429).then(|| (Cause::Pace, self.pace()));
        let others = [
            (Cause::Region, self.region()),
            (Cause::End, self.end()),
            (Cause::Scheme, self.scheme()),
            (Cause::Account, self.account()),
            (Cause::Permission, self.permission()),
            (Cause::Whitespace, self.whitespace()),
            (Cause::Clock, self.clock()),
        ];
        let plan = self.plan().map(|plan| (Cause::Plan, plan));
        let all = pace.into_iter().chain(others).chain(plan);
        all.map(|(cause, (weight, told))| Finding { cause, weight, told }).collect()
    }

    /// Whether the provider got as far as knowing the credential.
    fn was_known(&self) -> bool {
        self.answer.status != 401
    }

    fn pace(&self) -> (Weight, String) {
        let limit = RateLimit::read(self.answer, self.hints.now);
        // A budget that is not used up did not make the server refuse, so it is not told as the reason.
        let spent = limit.share().is_none_or(|(left, _)| left == 0);
        let told = match (limit.words().filter(|_| spent), limit.retry_after.map(rate_limit::seconds)) {
            (Some(words), _) => words,
            (None, Some(wait)) => format!("the provider wants to be left alone for {wait}"),
            (None, None) => "a limit on the number of requests is reached".to_owned(),
        };
        (Likely, told)
    }

    fn region(&self) -> (Weight, String) {
        let here = self.asked.region;
        let hints = self.hints;
        let own = "and a credential works in its own region only";
        if self.was_known() {
            return (Unlikely, format!("{here} knows the credential"));
        }
        match (&hints.accepted_in[..], &hints.home_region) {
            ([first, ..], _) => (Likely, format!("{first} accepts it, {own}")),
            ([], Some(home)) if !home.eq_ignore_ascii_case(here) => {
                (Likely, format!("it says itself that it is {home}'s, {own}"))
            }
            ([], Some(_)) => (Unlikely, format!("it says itself that it is {here}'s")),
            ([], None) => self.other_regions(),
        }
    }

    fn other_regions(&self) -> (Weight, String) {
        let (refused, unasked) = (&self.hints.refused_in, &self.hints.unasked);
        match (refused.is_empty(), unasked.is_empty()) {
            (true, true) => (Unlikely, "the provider has no other".to_owned()),
            (false, true) => (Unlikely, format!("the others refused it too: {}", refused.join(", "))),
            (true, false) => (Open, format!("the others were never asked: {}", unasked.join(", "))),
            (false, false) => (Open, format!("{} refused it too; never asked: {}", refused.join(", "), unasked.join(", "))),
        }
    }

    fn end(&self) -> (Weight, String) {
        let clock = self.server_time().unwrap_or(self.hints.now);
        match self.hints.expires {
            Some(end) if end <= clock => (Likely, format!("it ended on {}", end.date())),
            _ if self.was_known() => (Unlikely, "the provider knows the credential".to_owned()),
            Some(end) => {
                (Open, format!("it lasts until {} unless it was revoked before, which only the provider knows", end.date()))
            }
            None => (Open, "when it ends, or whether it was revoked, only the provider knows".to_owned()),
        }
    }

    fn scheme(&self) -> (Weight, String) {
        let forms = self.schemes.join("\" and \"");
        let other = self.kind().and_then(|kind| other_form(kind, self.schemes));
        match other {
            _ if self.was_known() => (Unlikely, format!("\"{forms}\" was understood")),
            Some(_) if self.hints.is_proven => (Unlikely, format!("\"{forms}\" is the form that worked before")),
            Some(other) => (Open, format!("\"{other}\" was not tried: a request that may change something is not repeated")),
            None if self.schemes.len() > 1 => (Unlikely, format!("\"{forms}\" were both refused")),
            None => (Unlikely, format!("\"{forms}\" is the only one of this kind")),
        }
    }

    fn plan(&self) -> Option<(Weight, String)> {
        let limits = self.asked.provider.plans.as_ref()?;
        Some(match self.answer.status {
            401 | 403 if self.principal.is_some() => (Unlikely, format!("{limits}, but it was accepted here before")),
            401 | 403 => (Open, format!("{limits}; which plan this is, no answer tells")),
            _ => (Unlikely, "a plan without access is refused with another status".to_owned()),
        })
    }

    fn account(&self) -> (Weight, String) {
        match (self.principal, self.answer.status) {
            (_, 401) if self.was_exchanged() => {
                (Open, "what is sent along with it (client id, name) may be another one's".to_owned())
            }
            (_, 401) => (Unlikely, "whose it is, is looked at only once it is accepted".to_owned()),
            (Some(who), 403 | 404) => (Open, format!("it acts as {} ({}); is what was asked for theirs?", who.name, who.kind)),
            (None, 403 | 404) => (Open, "nobody has asked yet whom it acts as; a check does".to_owned()),
            _ => (Unlikely, "the limit counts whoever it is".to_owned()),
        }
    }

    fn permission(&self) -> (Weight, String) {
        match self.answer.status {
            403 => (Likely, "the credential is known and this request is not allowed to it".to_owned()),
            404 => (Open, "what a credential may not see is often answered as if it were not there".to_owned()),
            401 => (Unlikely, "what it may do is looked at only once it is accepted".to_owned()),
            _ => (Unlikely, "the request was not looked at so far".to_owned()),
        }
    }

    fn whitespace(&self) -> (Weight, String) {
        match &self.hints.oddities {
            Some(odd) if !odd.is_empty() => (Likely, format!("the secret in the store has {}", odd.join(", "))),
            Some(_) => (Unlikely, "the secret in the store has no blank, quote or line break around it".to_owned()),
            None => (Open, "the secret could not be looked at".to_owned()),
        }
    }

    fn clock(&self) -> (Weight, String) {
        let Some(server) = self.server_time() else {
            return (Open, "the answer does not say what time it is there".to_owned());
        };
        match skew(Some(server), self.hints.now) {
            None => (Unlikely, "the clocks here and there agree".to_owned()),
            Some(ahead) if self.was_exchanged() && !self.was_known() => {
                let why = "and access tokens and signed assertions are timed";
                (Likely, format!("the clock here is {}, {why}", skew_in_words(ahead)))
            }
            Some(ahead) => {
                let why = "this has no part in it, but the ends that are shown are off by as much";
                (Unlikely, format!("the clock here is {}; {why}", skew_in_words(ahead)))
            }
        }
    }

    fn server_time(&self) -> Option<Moment> {
        self.answer.header("date").and_then(rate_limit::date)
    }
}
