//! Questions in flight: which slot asked what and when, and whether an answer fits.

use super::{OVERDUE, Order, Tally, Target};
use crate::sample::{self, Asking};
use std::time::Instant;

/// Bits of a request id that say which slot asked.
const SLOT_BITS: u32 = 8;

pub struct Window {
    slots: Vec<Option<Asked>>,
    order: Order,
    /// Names whose answer got lost, to be asked for again; only where each is wanted.
    again: Vec<u32>,
    asking: Asking,
    serial: u32,
    named: bool,
    pub tally: Tally,
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    id: u32,
    number: u32,
    at: Instant,
}

impl Window {
    /// At most 256 slots.
    pub fn new(size: u16, order: Order, target: Target) -> Self {
        let slots = vec![None; usize::from(size).clamp(1, 1 << SLOT_BITS)];
        let (asking, tally) = (Asking::new(), Tally::default());
        Window { slots, order, again: Vec::new(), asking, serial: 0, named: target.named, tally }
    }

    pub fn slots(&self) -> std::ops::Range<usize> {
        0..self.slots.len()
    }

    /// Whether nothing is in flight.
    pub fn is_empty(&self) -> bool {
        self.slots.iter().all(Option::is_none)
    }

    /// The next question for a free slot; `None` when all were asked.
    pub fn ask(&mut self, slot: usize, now: Instant) -> Option<&[u8]> {
        let number = self.again.pop().or_else(|| self.order.next())?;
        self.serial = self.serial.wrapping_add(1);
        let id = (self.serial << SLOT_BITS) | slot as u32;
        self.slots[slot] = Some(Asked { id, number, at: now });
        Some(self.asking.frame(id, number))
    }

    /// Takes an answer; gives the slot that is free now. An answer that nobody waits for any more is passed over,
    /// a wrong one is an error.
    pub fn take(&mut self, frame: &[u8], now: Instant, counting: bool) -> Result<Option<usize>, String> {
        let id = sample::answered_id(frame).ok_or("an answer is cut short")?;
        let slot = (id & ((1 << SLOT_BITS) - 1)) as usize;
        let place = self.slots.get_mut(slot).ok_or("an answer has a request id that was never sent")?;
        let Some(asked) = place.take_if(|asked| asked.id == id) else { return Ok(None) };
        sample::check(frame, asked.number, self.named)?;
        if counting {
            self.tally.latency.add(now - asked.at);
        }
        Ok(Some(slot))
    }

    /// Slots whose answer does not come; they are free now.
    pub fn give_up(&mut self, now: Instant, counting: bool) -> Vec<usize> {
        let mut free = Vec::new();
        for (slot, place) in self.slots.iter_mut().enumerate() {
            let Some(asked) = place.take_if(|asked| now - asked.at > OVERDUE) else { continue };
            if matches!(self.order, Order::Each { .. }) {
                self.again.push(asked.number);
            }
            self.tally.dropped += u64::from(counting);
            free.push(slot);
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::Listening;

    fn window() -> Window {
        let any = "127.0.0.1:1".parse().unwrap();
        let target = Target { listening: Listening { udp: any, tcp: any, http: any }, named: false };
        Window::new(2, Order::Each { next: 0, count: 3 }, target)
    }

    fn answer_to(question: &[u8]) -> Vec<u8> {
        let mut answer = sample::floor_answer();
        answer[8..12].copy_from_slice(&question[8..12]);
        answer
    }

    #[test]
    fn an_answer_frees_its_slot_once() {
        let (mut window, now) = (window(), Instant::now());
        let answer = answer_to(window.ask(1, now).unwrap());
        assert_eq!(window.take(&answer, now, true), Ok(Some(1)));
        assert_eq!(window.take(&answer, now, true), Ok(None));
        assert_eq!((window.tally.answered(), window.is_empty()), (1, true));
    }

    #[test]
    fn wrong_answers_are_errors() {
        let (mut window, now) = (window(), Instant::now());
        let mut answer = answer_to(window.ask(0, now).unwrap());
        answer[27] = 100;
        assert!(window.take(&answer, now, true).is_err());
        assert!(window.take(&answer[..30], now, true).is_err());
    }

    #[test]
    fn what_got_lost_is_asked_again() {
        let (mut window, now) = (window(), Instant::now());
        let first = window.ask(0, now).unwrap().to_vec();
        let later = now + OVERDUE * 2;
        assert_eq!(window.give_up(later, true), [0]);
        assert_eq!(window.tally.dropped, 1);
        let second = window.ask(0, later).unwrap();
        assert_eq!(second[20..], first[20..]);
        assert_ne!(second[8..12], first[8..12]);
        assert_eq!(window.give_up(later, true), [0; 0]);
    }
}
