//! Fair queue: work for several hosts, in random order, where no host can take the share of the
//! others.
//!
//! The order is random, not the start time: machines that check the same credentials in the same
//! minute do not hit the same one together, and none of them waits for it. When a rate limit is
//! used up, `requests::execute` spreads the wait as well. Start with `FairQueue::next`.

use std::collections::VecDeque;

/// Waiting work, one queue per host.
pub(in crate::engine) struct FairQueue<T> {
    queues: Vec<HostQueue<T>>,
}

/// Identifies the queue that a piece of work came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) struct QueueSlot(usize);

struct HostQueue<T> {
    host: String,
    waiting: VecDeque<T>,
    in_flight: usize,
}

/// Returns the work in random order; unchanged if the system has no randomness.
pub(in crate::engine) fn shuffled<T>(mut work: Vec<T>) -> Vec<T> {
    let mut chances = vec![0; work.len() * size_of::<usize>()];
    if getrandom::fill(&mut chances).is_err() {
        return work;
    }
    let (chances, _) = chances.as_chunks();
    // Fisher-Yates: each place, starting with the last, gets a random item that has no place yet.
    for (place, chance) in chances.iter().enumerate().rev() {
        work.swap(place, usize::from_ne_bytes(*chance) % (place + 1));
    }
    work
}

impl<T> FairQueue<T> {
    /// Creates the queues, one per host; each keeps the order of the work.
    pub(in crate::engine) fn new(work: Vec<T>, host: impl Fn(&T) -> String) -> Self {
        let mut queues: Vec<HostQueue<T>> = Vec::new();
        for piece in work {
            let host = host(&piece);
            match queues.iter_mut().find(|queue| queue.host == host) {
                Some(queue) => queue.waiting.push_back(piece),
                None => queues.push(HostQueue { host, waiting: [piece].into(), in_flight: 0 }),
            }
        }
        Self { queues }
    }

    /// Returns the next piece of work, from the host with the fewest in flight. A host that does
    /// not respond so never holds more than its share as long as other hosts have work.
    pub(in crate::engine) fn next(&mut self) -> Option<(QueueSlot, T)> {
        let waiting =
            self.queues.iter_mut().enumerate().filter(|(_, queue)| !queue.waiting.is_empty());
        let (place, queue) = waiting.min_by_key(|(_, queue)| queue.in_flight)?;
        queue.in_flight += 1;
        Some((QueueSlot(place), queue.waiting.pop_front()?))
    }

    /// Records that a piece of work of this queue is done.
    pub(in crate::engine) fn mark_done(&mut self, place: QueueSlot) {
        if let Some(queue) = self.queues.get_mut(place.0) {
            queue.in_flight = queue.in_flight.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(work: &str) -> FairQueue<char> {
        FairQueue::new(work.chars().collect(), |piece| piece.to_ascii_lowercase().to_string())
    }

    #[test]
    fn the_order_is_another_one_every_time_and_nothing_is_lost() {
        let work: Vec<u32> = (0..100).collect();
        let (one, other) = (shuffled(work.clone()), shuffled(work.clone()));
        assert!(one != work && one != other, "once in 100! runs they are the same");
        let mut again = one;
        again.sort_unstable();
        assert_eq!(again, work);
    }

    #[test]
    fn hosts_take_turns() {
        let mut turns = turns("aaaabbc");
        let order: String = std::iter::from_fn(|| turns.next()).map(|(_, piece)| piece).collect();
        assert_eq!(order, "abcabaa");
    }

    #[test]
    fn a_host_that_does_not_answer_keeps_its_share_only() {
        let mut turns = turns("ssssssssssffffffffff");
        let mut slow = 0;
        let mut under_way: Vec<_> = (0..4).filter_map(|_| turns.next()).collect();
        while let Some(place) = under_way.iter().position(|(_, piece)| *piece == 'f') {
            turns.mark_done(under_way.swap_remove(place).0);
            under_way.extend(turns.next());
            slow = under_way.iter().filter(|(_, piece)| *piece == 's').count();
            if turns.queues[1].waiting.is_empty() {
                break;
            }
            assert_eq!(
                slow, 2,
                "of four places, two belong to the other host as long as it has work"
            );
        }
        assert!(slow >= 2);
    }
}
