//! The state of one walk: what it may still spend, what it is asked to show, and the names it has come through.

use crate::trace::Trace;
use hufu_ident::RecordKey;
use std::sync::atomic::{AtomicU32, Ordering};

/// Names looked up in one resolution, in the cache or upstream.
const LOOK_UPS: u32 = 512;
/// Questions to servers in one resolution: records that name each other do not make us a flood.
const QUESTIONS: u32 = 100;

/// One resolution from the asker's question to its answer.
pub(crate) struct Walk<'a> {
    pub trace: &'a Trace,
    look_ups: AtomicU32,
    questions: AtomicU32,
}

impl<'a> Walk<'a> {
    pub fn new(trace: &'a Trace) -> Self {
        Walk { trace, look_ups: AtomicU32::new(LOOK_UPS), questions: AtomicU32::new(QUESTIONS) }
    }

    /// Takes one look-up; false when none is left.
    pub fn takes_look_up(&self) -> bool {
        take(&self.look_ups)
    }

    /// Takes one question to a server; false when none is left.
    pub fn takes_question(&self) -> bool {
        take(&self.questions)
    }
}

fn take(left: &AtomicU32) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

/// The names asked on the way to the present one, innermost first.
pub(crate) struct Path<'a> {
    pub key: &'a RecordKey,
    pub above: Option<&'a Path<'a>>,
    pub depth: usize,
    /// Something past its time could be served instead.
    pub has_stale: bool,
}

impl Path<'_> {
    pub fn contains(&self, key: &RecordKey) -> bool {
        self.key == key || self.above.is_some_and(|above| above.contains(key))
    }
}
